/// Something that happens during a run.
public enum RunEvent: Sendable {
    /// The run begins.
    case runStarted(id: String, plan: Plan)
    /// A stage begins, or goes on from a fraction of its way.
    case stageStarted(node: String, resumedFrom: Double?)
    /// A running stage says something.
    case stage(node: String, StageEvent)
    /// A stage is over: executed, found in the store, failed, or not reached.
    case stageEnded(node: String, StageResult)
    /// The engine did something that the user may want to know.
    case note(String)
    /// A gate was checked.
    case gate(GateResult)
    /// The run is over.
    case runEnded(RunResult)
}

/// Someone who wants to know what happens during a run, for instance to draw it.
///
/// Events arrive on the stage's thread, in order; what takes long delays the stage.
public protocol EventSink: Sendable {
    /// Receives one event.
    func receive(_ event: RunEvent)
}

/// A sink for those who do not want to know.
public struct SilentSink: EventSink {
    /// Creates the sink.
    public init() {}
    /// Ignores the event.
    public func receive(_ event: RunEvent) {}
}

/// One line of a run's `events.jsonl`.
public struct JournalEntry: Codable, Hashable, Sendable {
    /// When, ISO 8601 in UTC.
    public var time: String
    /// What: `run-started`, `stage-started`, `progress`, `metric`, `warning`, `log`, `note`, `stage-ended`, `gate`,
    /// `run-ended`.
    public var event: String
    /// The node it is about.
    public var stage: String?
    /// How the stage or the run ended: a run `ok`, `failed` or `interrupted`.
    public var state: String?
    /// How far the stage is.
    public var step: Int?
    /// How far it has to go.
    public var total: Int?
    /// How it looks there.
    public var metrics: [Metric]?
    /// The seconds it took.
    public var seconds: Double?
    /// Text.
    public var message: String?
    /// What to do about it.
    public var hint: String?

    /// Writes an event down, as of now.
    public init(_ event: RunEvent) {
        time = timestamp()
        switch event {
        case .runStarted(let id, _): (self.event, message) = ("run-started", id)
        case .stageStarted(let node, let fraction):
            (self.event, stage) = ("stage-started", node)
            message = fraction.map { "resumed at \(Int($0 * 100)) %" }
        case .stage(let node, let event):
            self.event = ""
            stage = node
            read(event)
        case .stageEnded(let node, let result):
            (self.event, stage, state) = ("stage-ended", node, result.state.rawValue)
            (seconds, message) = (result.seconds, result.message)
        case .note(let text): (self.event, message) = ("note", text)
        case .gate(let gate):
            (self.event, stage, message) = ("gate", gate.node, gate.text)
            state = gate.holds ? "held" : "failed"
        case .runEnded(let result):
            (self.event, state) = ("run-ended", result.word)
        }
    }

    private mutating func read(_ stageEvent: StageEvent) {
        switch stageEvent {
        case .progress(let step, let total, let metrics):
            (event, self.step, self.total, self.metrics) = ("progress", step, total, metrics)
        case .metric(let step, let metric): (event, self.step, metrics) = ("metric", step, [metric])
        case .warning(let message, let hint): (event, self.message, self.hint) = ("warning", message, hint)
        case .log(let message), .began(let message): (event, self.message) = ("log", message)
        }
    }
}
