public import Diagnostics

/// What a run would do, stage by stage, and why.
public struct Plan: Sendable {
    /// The stages, each after those it reads.
    public let stages: [PlannedStage]

    /// The stages that would be executed.
    public var pending: [PlannedStage] { stages.filter { $0.state.isPending } }

    /// The seconds that the stages with an estimate would take together; nil when none has one.
    public var estimatedSeconds: Double? {
        let known = pending.compactMap { $0.estimate?.seconds }
        return known.isEmpty ? nil : known.reduce(0, +)
    }

    /// For `plan --detailed-exitcode`: whether there is work to do.
    public var detailedExitCode: ExitCode {
        stages.allSatisfy { $0.state == .cached } ? .ok : .workPending
    }
}

/// What a run would do with one stage.
public struct PlannedStage: Sendable {
    /// What would happen.
    public enum State: Hashable, Sendable {
        /// It starts from the beginning.
        case run
        /// It goes on from a fraction of its way.
        case resume(Double)
        /// It is in the store already.
        case cached
        /// It cannot start, because something it reads is neither in the store nor to be made.
        case blocked

        /// Whether the stage would be executed.
        public var isPending: Bool { self != .cached && self != .blocked }

        /// `run`, `resume`, `cached` or `blocked`.
        public var word: String {
            switch self {
            case .run: "run"
            case .resume: "resume"
            case .cached: "cached"
            case .blocked: "blocked"
            }
        }
    }

    /// The node's index in the graph.
    let index: Int
    /// The node's name, with its matrix point.
    public let node: String
    /// The kind of stage.
    public let kind: String
    /// What would happen.
    public internal(set) var state: State
    /// Why, when it is not cached.
    public internal(set) var reasons: [KeyDifference]
    /// The key, when everything it depends on is known.
    public internal(set) var key: String?
    /// How long it will take, when the store's history can tell.
    public internal(set) var estimate: Estimate?
    /// Whether it is executed although it need not be.
    let isForced: Bool
    /// The artifact of a cached stage.
    public internal(set) var record: ArtifactRecord?
    /// Whether the artifact of a cached stage was dropped, because nothing needs it.
    public internal(set) var isDropped = false
}

/// How long something will take, judged by how long the like of it took.
public struct Estimate: Codable, Hashable, Sendable {
    /// The seconds to expect.
    public var seconds: Double
    /// The fewest seconds seen.
    public var least: Double
    /// The most seconds seen.
    public var most: Double
    /// How many executions it is judged by; 0 for the steps of a trial (``Trial``).
    public var samples: Int
    /// The images it had to do with the last time.
    public var images: Int?
    /// The bytes it left the last time.
    public var bytes: Int?
}

extension Estimate {
    private enum CodingKeys: String, CodingKey { case seconds, expected, samples, images, bytes }

    /// Reads an estimate as `plan --json` shows it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let range = try container.decode([Double].self, forKey: .seconds)
        self.init(
            seconds: try container.decode(Double.self, forKey: .expected), least: range.first ?? 0,
            most: range.last ?? 0, samples: try container.decode(Int.self, forKey: .samples),
            images: try container.decodeIfPresent(Int.self, forKey: .images),
            bytes: try container.decodeIfPresent(Int.self, forKey: .bytes))
    }

    /// Writes the estimate as `plan --json` shows it: the seconds are a range.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode([rounded(least), rounded(most)], forKey: .seconds)
        try container.encode(rounded(seconds), forKey: .expected)
        try container.encode(samples, forKey: .samples)
        try container.encodeIfPresent(images, forKey: .images)
        try container.encodeIfPresent(bytes, forKey: .bytes)
    }
}

/// One component of a key that is not what it was, or another reason for a stage to be executed.
public struct KeyDifference: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The component: `setting.temperature`, `input.teacher`, `revision`; `note` for a reason that is none.
    public var component: String
    /// The value at the last time; nil when there was none.
    public var old: String?
    /// The value now; nil when there is none.
    public var new: String?

    /// Creates a difference.
    public init(_ component: String, old: String?, new: String?) {
        self.component = component
        self.old = old
        self.new = new
    }

    /// A reason that is no component of the key.
    static func note(_ text: String) -> KeyDifference { KeyDifference("note", old: nil, new: text) }

    /// An input that is itself about to be made.
    static func pending(_ component: String, old: String?, producer: String) -> KeyDifference {
        KeyDifference(component, old: old, new: "made by \(producer)")
    }

    /// `temperature 1 → 2`.
    public var description: String {
        if component == "note" { return new ?? "" }
        let parts = component.split(separator: ".", maxSplits: 1)
        let group = parts.first.map(String.init) ?? component
        let name = parts.count > 1 ? String(parts[1]) : component
        let label = group == "setting" || parts.count == 1 ? name : "\(group) \(name)"
        return "\(label) \(Self.shown(old)) → \(Self.shown(new))"
    }

    private static func shown(_ value: String?) -> String {
        guard let value else { return "none" }
        if value.count == 64 && value.allSatisfy(\.isHexDigit) { return String(value.prefix(12)) }
        if value.hasSuffix(".0") && Double(value) != nil { return String(value.dropLast(2)) }
        return value
    }
}

extension Plan: Encodable {
    private enum CodingKeys: String, CodingKey { case stages }

    /// Writes the plan as `plan --json` shows it: the stages by name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        let byName = Dictionary(stages.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first })
        try container.encode(byName, forKey: .stages)
    }
}

extension PlannedStage: Encodable {
    private enum CodingKeys: String, CodingKey { case node, stage, state, progress, reasons, key, estimate }

    /// Writes the stage as `plan --json` shows it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(node, forKey: .node)
        try container.encode(kind, forKey: .stage)
        try container.encode(state.word, forKey: .state)
        if case .resume(let fraction) = state { try container.encode(fraction, forKey: .progress) }
        try container.encode(reasons, forKey: .reasons)
        try container.encodeIfPresent(key, forKey: .key)
        try container.encodeIfPresent(estimate, forKey: .estimate)
    }
}
