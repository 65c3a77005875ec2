import ArgumentParser
import Diagnostics
import Engine
import Report

/// Lists the stage kinds, or shows what one of them reads and what may be set.
struct StagesCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages", abstract: "List the stage kinds, or show the inputs and settings of one.")

    @Argument(help: "The stage kind.") var kind: String?
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let schemas = stageCatalog.map { StageSchema($0) }
        guard let kind else { return try list(schemas, console) }
        guard let schema = schemas.first(where: { $0.name == kind }) else {
            throw Diagnostic(
                "there is no stage kind '\(kind)'",
                hint: kind.didYouMean(schemas.map(\.name)) ?? "'retort stages' lists them", exitCode: .usage)
        }
        if global.json { return try console.print(json: schema) }
        show(schema, console)
    }

    private func list(_ schemas: [StageSchema], _ console: Console) throws {
        if global.json { return try console.print(json: schemas) }
        for section in PipelineSection.allCases {
            let members = schemas.filter { $0.section == section.rawValue }
            guard !members.isEmpty else { continue }
            console.print(console.style.bold(section.rawValue))
            var table = TextTable()
            for schema in members {
                table.add(TextTable.Cell(schema.name, console.style.cyan), "\(schema.summary)")
            }
            for line in table.lines(indentation: 2) { console.print(line) }
        }
    }

    private func show(_ schema: StageSchema, _ console: Console) {
        let style = console.style
        console.print("\(style.bold(schema.name)): \(schema.summary)")
        console.print("Makes: \(schema.output). Stands in the section '\(schema.section)'.")
        if !schema.inputs.isEmpty {
            console.print("\n" + style.bold("Inputs"))
            var table = TextTable()
            for input in schema.inputs {
                let kinds = input.accepts.joined(separator: " or ")
                table.add(
                    TextTable.Cell(input.name, style.cyan), "\(input.isList ? "list of \(kinds)" : kinds)",
                    TextTable.Cell(input.isOptional ? "optional" : "required", style.dim), "\(input.help)")
            }
            for line in table.lines(indentation: 2) { console.print(line) }
        }
        if !schema.settings.isEmpty {
            console.print("\n" + style.bold("Settings"))
            var table = TextTable()
            for setting in schema.settings {
                let type = setting.choices.map { $0.joined(separator: "|") } ?? setting.type
                let range = setting.range.map { " in \($0)" } ?? ""
                table.add(
                    TextTable.Cell(setting.name, style.cyan), "\(type)\(range)",
                    TextTable.Cell(
                        setting.fallback.map { "= \(Wording.setting($0))" } ?? "required", style.dim),
                    "\(setting.help)")
            }
            for line in table.lines(indentation: 2) { console.print(line) }
        }
    }
}
