/// What a stage declares, read once by reflection: the table that help, checks and editors share.
public struct StageSchema: Codable, Hashable, Sendable {
    /// One input of a stage.
    public struct InputDeclaration: Codable, Hashable, Sendable {
        /// The name in the pipeline file.
        public var name: String
        /// One sentence.
        public var help: String
        /// The kind of artifact it is declared with.
        public var kind: String
        /// The kinds it takes, in order.
        public var accepts: [String]
        /// What it is used for.
        public var role: InputRole
        /// Whether it may be left out.
        public var isOptional: Bool
        /// Whether it takes several artifacts.
        public var isList: Bool
    }

    /// One setting of a stage.
    public struct SettingDeclaration: Codable, Hashable, Sendable {
        /// The name in the pipeline file.
        public var name: String
        /// One sentence.
        public var help: String
        /// What the type is called.
        public var type: String
        /// The default in its canonical spelling; nil when the setting must be given.
        public var fallback: String?
        /// The allowed range.
        public var range: String?
        /// The only values there are.
        public var choices: [String]?
        /// Whether the value is part of the key.
        public var isHashed: Bool
    }

    /// The word that selects the stage.
    public var name: String
    /// One sentence.
    public var summary: String
    /// The section of the pipeline file in which it may stand.
    public var section: String
    /// The kind of artifact it makes.
    public var output: String
    /// What it reads, in the order of declaration.
    public var inputs: [InputDeclaration]
    /// What may be set, in the order of declaration.
    public var settings: [SettingDeclaration]
    /// Stored properties that are neither; a stage must have none.
    public var undeclared: [String]

    /// Reads the declaration of a stage kind.
    public init(_ type: any Stage.Type) { self.init(type.init()) }

    init(_ stage: some Stage) {
        let kind = Swift.type(of: stage)
        name = kind.name.description
        summary = kind.summary
        section = kind.section.rawValue
        output = kind.outputType.kind
        inputs = []
        settings = []
        undeclared = []
        for property in declaredProperties(of: stage) {
            switch property.declaration {
            case let input as any InputProperty: inputs.append(input.declaration(named: property.name))
            case let setting as any SettingProperty:
                settings.append(setting.declaration(named: property.name))
            default: undeclared.append(property.name)
            }
        }
    }

    /// Every name that a pipeline file may use below the stage.
    public var keys: [String] { inputs.map(\.name) + settings.map(\.name) }
}

extension Stage {
    static var outputType: any Artifact.Type { Output.self }
}

/// The stored properties of a stage and its groups under their names in a pipeline file: `_learningRate` is
/// `learning_rate`.
func declaredProperties(of stage: some Stage) -> [(name: String, declaration: Any)] { properties(of: stage) }

private func properties(of holder: Any) -> [(name: String, declaration: Any)] {
    Mirror(reflecting: holder).children.flatMap { child -> [(name: String, declaration: Any)] in
        if child.value is any SettingGroup { return properties(of: child.value) }
        let label = child.label ?? ""
        return [(label.hasPrefix("_") ? snakeCased(label.dropFirst()) : label, child.value)]
    }
}

private func snakeCased(_ name: Substring) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
}
