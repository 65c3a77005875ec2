import ArgumentParser
import Engine
import Report

/// Prints a JSON Schema of pipeline files, with which editors complete and check them.
struct SchemaCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of pipeline files, for editors.")

    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        try console.print(json: PipelineSchema(stageCatalog.map { StageSchema($0) }).document)
    }
}

/// The JSON Schema of pipeline files that use certain stages.
struct PipelineSchema {
    let document: JSON

    init(_ stages: [StageSchema]) {
        let anything: JSON = .object([:])
        let scalar: JSON = .object(["type": .array(["string", "number", "boolean"].map { .string($0) })])
        var sections: [String: JSON] = [
            "retort": .object(["const": .int(1), "description": .string("The version of the file's format.")]
            ),
            "name": .object(["type": .string("string"), "description": .string("The pipeline's name.")]),
            "include": .object([
                "anyOf": .array([
                    .object(["type": .string("string")]),
                    .object(["type": .string("array"), "items": .object(["type": .string("string")])]),
                ]), "description": .string("Files whose sections these complete and override."),
            ]),
            "vars": Self.map(of: scalar, "Values to use as ${vars.NAME}."),
            "matrix": Self.map(of: anything, "Settings that take several values in turn."),
            "gates": .object([
                "type": .string("array"), "items": .object(["type": .string("string")]),
                "description": .string("Conditions on results: node.path.to.number == 0."),
            ]),
            "profiles": Self.map(of: Self.map(of: anything, ""), "Named sets of changes."),
        ]
        for section in PipelineSection.allCases {
            let members = stages.filter { $0.section == section.rawValue }
            sections[section.rawValue] = Self.map(
                of: .object(["oneOf": .array(members.map { Self.node($0, in: section) })]),
                "The pipeline's \(section.rawValue), by name.")
        }
        document = .object([
            "$schema": .string("https://json-schema.org/draft/2020-12/schema"),
            "title": .string("Retort pipeline"), "type": .string("object"), "properties": .object(sections),
            "patternProperties": .object(["^x-": anything]), "additionalProperties": .bool(false),
            "required": .array([.string("retort")]),
        ])
    }

    private static func map(of value: JSON, _ description: String) -> JSON {
        .object([
            "type": .string("object"), "additionalProperties": value, "description": .string(description),
        ])
    }

    /// What a node needs of a machine.
    private static var resources: JSON {
        let value: JSON = .object(["type": .array([.string("string"), .string("number")])])
        return .object([
            "type": .string("object"), "additionalProperties": .bool(false),
            "properties": .object(
                Dictionary(StageResources.keys.map { ($0, value) }, uniquingKeysWith: { first, _ in first })),
            "description": .string("What it needs of a machine; never a reason to run again."),
        ])
    }

    /// A node of one stage kind.
    private static func node(_ stage: StageSchema, in section: PipelineSection) -> JSON {
        let word = section == .data ? "kind" : "uses"
        // Models are imports unless they say otherwise.
        let kinds = section == .models ? [stage.name, "import"] : [stage.name]
        var properties: [String: JSON] = [
            word: .object(["enum": .array(kinds.map { .string($0) }), "description": .string(stage.summary)]),
            "<<": .object([:]),
            "resources": resources,
            "ephemeral": .object([
                "type": .string("boolean"),
                "description": .string("Whether its artifact may go once everything that reads it is made."),
            ]),
        ]
        var required = section == .models ? [] : [word]
        for input in stage.inputs {
            let name: JSON = .object(["type": .string("string")])
            let names: JSON = .object(["type": .string("array"), "items": name])
            properties[input.name] = .object([
                "anyOf": .array(input.isList ? [names, name] : [name]), "description": .string(input.help),
            ])
            if !input.isOptional { required.append(input.name) }
        }
        for setting in stage.settings {
            properties[setting.name] = value(of: setting)
            if setting.fallback == nil { required.append(setting.name) }
        }
        return .object([
            "type": .string("object"), "properties": .object(properties),
            "additionalProperties": .bool(false),
            "required": .array(required.map { .string($0) }),
        ])
    }

    private static func value(of setting: StageSchema.SettingDeclaration) -> JSON {
        var help = setting.help
        if let range = setting.range { help += " Allowed: \(range)." }
        if let fallback = setting.fallback { help += " Default: \(Wording.setting(fallback))." }
        // Any value may be a reference, `${vars.x}`, instead.
        let reference: JSON = .object(["type": .string("string"), "pattern": .string("\\$\\{")])
        let own: JSON =
            if let choices = setting.choices {
                .object(["enum": .array(choices.map { .string($0) })])
            } else if setting.type.hasPrefix("list of ") || setting.type.hasPrefix("map to ") {
                .object([:])
            } else {
                // Scalars are text to the parser: `100k` and `1e4` are numbers, `no` is not only a word.
                .object([
                    "type": .array(["string", "number", "boolean", "null"].map { .string($0) })
                ])
            }
        return .object(["anyOf": .array([own, reference]), "description": .string(help)])
    }
}
