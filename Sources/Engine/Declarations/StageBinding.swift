internal import Diagnostics

/// The part of ``Input`` that does not depend on the artifact's type.
protocol InputProperty {
    var accepts: Set<String> { get }
    var kind: String { get }
    var help: String { get }
    var role: InputRole { get }
    var isList: Bool { get }
    var allowsNone: Bool { get }
    func expect(_ count: Int)
    func fill(_ locations: [ArtifactLocation]) throws
}

extension Input: InputProperty {
    var isList: Bool { arity == .many }
    func expect(_ count: Int) {
        presence.fill(Presence(count: count))
        // What is given must not pass for left out until it is opened.
        if count > 0 { slot.empty() }
    }
    func fill(_ locations: [ArtifactLocation]) throws { slot.fill(try open(locations)) }
}

extension InputProperty {
    func declaration(named name: String) -> StageSchema.InputDeclaration {
        .init(
            name: name, help: help, kind: kind, accepts: accepts.sorted(), role: role, isOptional: allowsNone,
            isList: isList)
    }
}

/// The part of ``Setting`` that does not depend on the value's type.
protocol SettingProperty {
    var isHashed: Bool { get }
    var isRequired: Bool { get }
    var canonical: String { get }
    var help: String { get }
    func declaration(named name: String) -> StageSchema.SettingDeclaration
    func fill(_ value: PipelineValue) throws(Diagnostic)
}

extension Setting: SettingProperty {
    var isRequired: Bool { fallback == nil }
    var canonical: String { slot.value.canonical }

    func declaration(named name: String) -> StageSchema.SettingDeclaration {
        .init(
            name: name, help: help, type: Value.typeName, fallback: fallback?.canonical,
            range: constraint?.description, choices: Value.choices, isHashed: isHashed)
    }

    func fill(_ value: PipelineValue) throws(Diagnostic) {
        let parsed = try Value(value)
        if let constraint, !constraint.allows(parsed) {
            throw Diagnostic(
                "\(value.scalar ?? parsed.canonical) is outside \(constraint.description)", at: value.location
            )
        }
        slot.fill(parsed)
    }
}

extension Stage {
    /// The stage with settings and inputs filled in, as the engine would; for tests and for use outside a pipeline.
    public static func bound(
        settings: KeyValuePairs<String, String> = [:],
        inputs: KeyValuePairs<String, [ArtifactLocation]> = [:]
    ) throws -> Self {
        let stage = Self()
        let here = SourceLocation("\(name)", 1, 1)
        var problems = Problems()
        for (key, text) in settings {
            let value = PipelineValue(.scalar(text), at: here)
            stage.fill([PipelineEntry(key, at: here, value)], &problems)
        }
        try problems.check()
        for (key, locations) in inputs { stage.input(key).expect(locations.count) }
        try stage.validate()
        for (key, locations) in inputs { try stage.input(key).fill(locations) }
        return stage
    }

    /// Fills in the settings among `entries`, reporting every problem with them.
    func fill(_ entries: [PipelineEntry], _ problems: inout Problems) {
        let properties = declaredProperties(of: self)
        for entry in entries {
            let property = properties.first { $0.name == entry.key }?.declaration
            if property is any InputProperty { continue }
            guard let setting = property as? any SettingProperty else {
                problems.report(
                    Diagnostic(
                        "unknown setting '\(entry.key)' for stage '\(Self.name)'", at: entry.keyLocation,
                        hint: entry.key.didYouMean(properties.map(\.name))))
                continue
            }
            do {
                try setting.fill(entry.value)
            } catch {
                var problem = error
                problem.message = "\(entry.key): \(error.message)"
                problems.report(problem)
            }
        }
    }

    /// One of the stage's declared inputs.
    func input(_ name: String) -> any InputProperty {
        guard let property = declaredProperties(of: self).first(where: { $0.name == name }),
            let input = property.declaration as? any InputProperty
        else { preconditionFailure("\(Self.name) has no input '\(name)': this is a Retort bug") }
        return input
    }

    /// The canonical values of the settings that enter the key, by name.
    var hashedSettings: [String: String] {
        declaredProperties(of: self).reduce(into: [:]) { values, property in
            guard let setting = property.declaration as? any SettingProperty, setting.isHashed else { return }
            values[property.name] = setting.canonical
        }
    }
}
