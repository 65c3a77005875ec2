/// What an input is used for; the leakage firewall rests on it.
public enum InputRole: String, Codable, Hashable, Sendable, CaseIterable {
    /// Read without being learned from.
    case data
    /// Learned from.
    case training
    /// Searched with: what is found for it is learned from.
    case queries
    /// Measured on; must not be learned from anywhere in the pipeline.
    case evaluation
    /// Kept out: what resembles it is dropped.
    case exclusion
}

/// An artifact this stage reads, made by another node; several when the property is an array.
@propertyWrapper
public struct Input<Value: Sendable>: Sendable {
    /// How many artifacts an input takes.
    enum Arity: String, Sendable { case one, optional, many }

    let slot: Slot<Value>
    let presence = Slot(Presence(count: 0))
    let help: String
    let role: InputRole
    let arity: Arity
    let kind: String
    let accepts: Set<String>
    let open: @Sendable ([ArtifactLocation]) throws -> Value

    /// Declares an input that must be given.
    public init(_ help: String, role: InputRole = .data) where Value: Artifact {
        self.init(help, role, .one, Value.self) { try Value($0[0]) }
    }

    /// Declares an input that may be left out.
    public init<Single: Artifact>(_ help: String, role: InputRole = .data) where Value == Single? {
        self.init(help, role, .optional, Single.self) { try $0.first.map(Single.init) }
        slot.fill(nil)
    }

    /// Declares an input that takes any number of artifacts, at least one unless `isOptional`.
    public init<Single: Artifact>(_ help: String, role: InputRole = .data, isOptional: Bool = false)
    where Value == [Single] {
        self.init(help, role, .many, Single.self) { try $0.map(Single.init) }
        if isOptional { slot.fill([]) }
        allowsNone = isOptional
    }

    private(set) var allowsNone: Bool

    private init(
        _ help: String, _ role: InputRole, _ arity: Arity, _ type: any Artifact.Type,
        open: @escaping @Sendable ([ArtifactLocation]) throws -> Value
    ) {
        self.slot = Slot()
        self.help = help
        self.role = role
        self.arity = arity
        self.kind = type.kind
        self.accepts = type.accepts
        self.open = open
        self.allowsNone = arity == .optional
    }

    /// Whether the pipeline gives this input: known already when the stage is validated, before anything is made.
    public struct Presence: Sendable {
        /// How many artifacts the pipeline gives.
        public let count: Int
        /// Whether it gives any.
        public var isGiven: Bool { count > 0 }
    }

    /// `$model.isGiven`: what `validate()` may ask about an input.
    public var projectedValue: Presence { presence.value }

    /// The opened artifact; only `run` may read it.
    public var wrappedValue: Value { slot.value }
}
