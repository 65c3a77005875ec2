internal import Diagnostics
internal import Engine
internal import Foundation

extension PipelineDraft {
    /// The pipeline with every reference expanded, and what is missing of it.
    func resolve(
        _ variables: Variables, file: URL, directory: URL, problems: inout Problems
    ) -> (spec: PipelineSpec, gaps: PipelineGaps) {
        var resolver = Resolver(draft: self, variables: variables, problems: problems)
        let specs = nodes.compactMap { resolver.node($0) }
        let axes = matrix.compactMap { resolver.soundAxis($0) }
        let conditions = gates.compactMap { resolver.gate($0) }
        let name = name.flatMap { resolver.text($0, "'name'") }
        problems = resolver.problems
        let spec = PipelineSpec(
            name: name ?? file.deletingPathExtension().lastPathComponent, file: file.relativePath,
            directory: directory.standardizedFileURL, nodes: specs,
            matrix: axes, gates: conditions, sources: resolver.sources)
        return (spec, resolver.gaps)
    }
}

/// Turns the draft's sections into the engine's declarations.
private struct Resolver {
    let draft: PipelineDraft
    let variables: Variables
    var problems: Problems
    var sources: [String: String] = [:]
    var gaps: PipelineGaps
    /// Whether a reference of the entry that is being expanded has no value.
    private var isLacking = false

    init(draft: PipelineDraft, variables: Variables, problems: Problems) {
        self.draft = draft
        self.variables = variables
        self.problems = problems
        gaps = draft.gaps
        for entry in draft.variables {
            let path = "vars." + entry.key
            sources[path] = draft.origins[path] ?? entry.keyLocation.description
        }
    }

    mutating func node(_ node: PipelineDraft.Node) -> NodeSpec? {
        var entries: [PipelineEntry] = []
        for entry in node.entries where entry.key != "uses" && entry.key != "kind" {
            isLacking = false
            entries.append(expand(entry, path: "\(node.name).\(entry.key)"))
            if isLacking { gaps.insert([node.name, entry.key]) }
        }
        guard !node.isBroken, let (uses, location) = kind(of: node) else {
            gaps.nodes.insert(node.name)
            return nil
        }
        return NodeSpec(
            node.name, at: node.nameLocation, in: node.section, uses: uses, at: location, entries: entries)
    }

    /// The stage kind of a node: `kind:` among data, `uses:` among stages, and importing is all that models do.
    private mutating func kind(of node: PipelineDraft.Node) -> (String, SourceLocation)? {
        let (word, otherWord) = node.section == .data ? ("kind", "uses") : ("uses", "kind")
        if let other = node.entries[otherWord] {
            problems.report(
                Diagnostic(
                    "the kind of '\(node.name)' is written with '\(word):'", at: other.keyLocation,
                    hint: "in '\(node.section.rawValue)', write '\(word):' instead of '\(otherWord):'"))
            return nil
        }
        guard let entry = node.entries[word] else {
            if node.section == .models { return ("import-model", node.nameLocation) }
            problems.report(
                Diagnostic(
                    "'\(node.name)' does not say what it is", at: node.nameLocation,
                    hint: node.section == .data
                        ? "add 'kind:', such as 'kind: imagefolder'"
                        : "add 'uses:', such as 'uses: fine-tune'"))
            return nil
        }
        guard let kind = text(entry.value, "'\(word)'") else { return nil }
        return (node.section == .models && kind == "import" ? "import-model" : kind, entry.value.location)
    }

    /// An axis of the matrix; nil where anything is wrong with it.
    mutating func soundAxis(_ entry: PipelineEntry) -> MatrixAxis? {
        let before = problems.all.count
        let axis = axis(entry)
        if let axis, problems.all.count == before { return axis }
        gaps.axes.insert(entry.key)
        return nil
    }

    private mutating func axis(_ entry: PipelineEntry) -> MatrixAxis? {
        var listed = entry.value
        var targets: [String]?
        if case .map(let parts) = entry.value.content {
            for part in parts where part.key != "values" && part.key != "to" {
                problems.report(
                    Diagnostic(
                        "unknown key '\(part.key)' in the matrix axis '\(entry.key)'", at: part.keyLocation,
                        hint: part.key.didYouMean(["values", "to"]) ?? "an axis has 'values' and 'to'"))
            }
            targets = parts["to"].map { self.targets($0.value, axis: entry.key) }
            guard let values = parts["values"] else {
                problems.report(
                    Diagnostic(
                        "the matrix axis '\(entry.key)' has no values", at: entry.keyLocation,
                        hint: "write '\(entry.key): {values: [0, 1, 2], to: [\(nodeNames.first ?? "stage")]}'"
                    ))
                return nil
            }
            listed = values.value
        }
        let what = "the values of the matrix axis '\(entry.key)'"
        var values: [String] = []
        for value in listed.list(what, problems: &problems) {
            guard let text = text(value, "a value of the matrix axis '\(entry.key)'") else { continue }
            if values.contains(text) {
                problems.report(
                    Diagnostic("the matrix axis '\(entry.key)' lists '\(text)' twice", at: value.location))
            }
            values.append(text)
        }
        if case .list([]) = listed.content {
            problems.report(Diagnostic("the matrix axis '\(entry.key)' has no values", at: listed.location))
        }
        let path = "matrix." + entry.key
        sources[path] = draft.origins[path] ?? entry.keyLocation.description
        return MatrixAxis(entry.key, values: values, to: targets, at: entry.keyLocation)
    }

    private mutating func targets(_ value: PipelineValue, axis: String) -> [String] {
        var targets: [String] = []
        for element in value.list("the targets of the matrix axis '\(axis)'", problems: &problems) {
            guard let name = text(element, "a target of the matrix axis '\(axis)'") else { continue }
            if !nodeNames.contains(name) {
                problems.report(
                    Diagnostic(
                        "the matrix axis '\(axis)' goes to '\(name)', which the pipeline does not declare",
                        at: element.location, hint: name.didYouMean(nodeNames)))
            }
            targets.append(name)
        }
        return targets
    }

    mutating func gate(_ value: PipelineValue) -> GateSpec? {
        text(value, "a gate").map { GateSpec($0, at: value.location) }
    }

    /// The text of a scalar, with its references expanded.
    mutating func text(_ value: PipelineValue, _ what: String) -> String? {
        guard let text = value.text(what, problems: &problems) else { return nil }
        return variables.expand(text, at: value.location, problems: &problems)?.text
    }

    /// Expands one setting and notes where it, and each variable it uses, was set.
    private mutating func expand(_ entry: PipelineEntry, path: String) -> PipelineEntry {
        var used: [String] = []
        let value = expand(entry.value, path: path, used: &used)
        let origin = draft.origins[path] ?? entry.keyLocation.description
        let borrowed = Set(used).sorted().map { name in
            let path = "vars." + name
            return ", \(path) from " + (sources[path] ?? "an unknown place")
        }
        sources[path] = origin + borrowed.joined()
        return PipelineEntry(entry.key, at: entry.keyLocation, value)
    }

    private mutating func expand(
        _ value: PipelineValue, path: String, used: inout [String]
    ) -> PipelineValue {
        if let origin = draft.origins[path] { sources[path] = origin }
        switch value.content {
        case .scalar(let text):
            guard let expansion = variables.expand(text, at: value.location, problems: &problems) else {
                isLacking = true
                return value
            }
            used += expansion.variables
            return PipelineValue(.scalar(expansion.text), at: value.location)
        case .list(let values):
            var expanded: [PipelineValue] = []
            for value in values { expanded.append(expand(value, path: path, used: &used)) }
            return PipelineValue(.list(expanded), at: value.location)
        case .map(let entries):
            var expanded: [PipelineEntry] = []
            for entry in entries {
                let value = expand(entry.value, path: "\(path).\(entry.key)", used: &used)
                expanded.append(PipelineEntry(entry.key, at: entry.keyLocation, value))
            }
            return PipelineValue(.map(expanded), at: value.location)
        }
    }

    private var nodeNames: [String] { draft.nodes.map(\.name) }
}
