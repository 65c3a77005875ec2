import ArgumentParser
import Diagnostics
import Engine
import Report

/// Shows every value a pipeline ends up with, and where it came from.
struct ConfigCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show every value of a pipeline, and where it came from.")

    /// One resolved value.
    struct Value: Codable {
        var value: String
        var origin: String
    }

    @Flag(help: "Name the source of each value: file, profile, -s or default.") var showOrigin = false
    @OptionGroup var pipeline: PipelineOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let spec = try pipeline.graph().spec
        let values = spec.nodes.flatMap { self.values(of: $0, spec) } + matrix(spec)
        if global.json {
            let members = Dictionary(uniqueKeysWithValues: values.map { ($0.path, $0.value) })
            return try console.print(json: members)
        }
        var table = TextTable()
        for (path, value) in values {
            let style = value.origin == "default" ? console.style.dim : console.style.cyan
            let origin = showOrigin ? value.origin : ""
            table.add(
                TextTable.Cell(path, style), TextTable.Cell(value.value),
                TextTable.Cell(origin, console.style.dim))
        }
        for line in table.lines() { console.print(line) }
    }

    /// What the node says, in its order, and then the defaults of what it does not say.
    private func values(of node: NodeSpec, _ spec: PipelineSpec) -> [(path: String, value: Value)] {
        var values = [(node.name, Value(value: node.uses, origin: "\(node.usesLocation)"))]
        for entry in node.entries {
            let path = "\(node.name).\(entry.key)"
            let origin = spec.sources[path] ?? "\(entry.keyLocation)"
            values.append((path, Value(value: entry.value.flowText, origin: origin)))
        }
        let said = Set(node.entries.map(\.key))
        let schema = stageCatalog.first { $0.name.description == node.uses }.map { StageSchema($0) }
        for setting in schema?.settings ?? [] where !said.contains(setting.name) {
            guard let fallback = setting.fallback else { continue }
            values.append(
                ("\(node.name).\(setting.name)", Value(value: Wording.setting(fallback), origin: "default")))
        }
        return values
    }

    private func matrix(_ spec: PipelineSpec) -> [(path: String, value: Value)] {
        spec.matrix.map { axis in
            let path = "matrix.\(axis.name)"
            let targets = axis.to.map { " to [" + $0.joined(separator: ", ") + "]" } ?? ""
            let values = "[" + axis.values.joined(separator: ", ") + "]" + targets
            return (path, Value(value: values, origin: spec.sources[path] ?? "\(axis.location)"))
        }
    }
}
