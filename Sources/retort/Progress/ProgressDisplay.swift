import Diagnostics
import Engine
import Foundation
import Synchronization

/// Shows a run, and what those beside it have to say.
protocol ProgressDisplay: EventSink {
    /// Shows a problem that is no event of the run, without disturbing what stands on the screen; from any thread.
    func show(_ problem: Diagnostic)
}

extension ProgressStyle {
    /// What shows a run in this style.
    func display(_ console: Console) -> any ProgressDisplay {
        switch self {
        case .none: MessageSink(console: console)
        case .json: JournalSink()
        case .plain: PlainProgress(console: console)
        case .auto where console.isQuiet: MessageSink(console: console)
        case .auto:
            Terminal.errors.isInteractive && ProcessInfo.processInfo.environment["CI"] == nil
                ? LiveProgress(console: console) : PlainProgress(console: console)
        }
    }
}

/// Shows only what needs attention.
struct MessageSink: ProgressDisplay {
    let console: Console

    func receive(_ event: RunEvent) {
        if let message = RunMessage(event) { message.show(console) }
    }

    func show(_ problem: Diagnostic) { console.show(problem) }
}

/// Writes the journal's lines to stderr as they happen.
struct JournalSink: ProgressDisplay {
    func receive(_ event: RunEvent) { write(JournalEntry(event)) }

    func show(_ problem: Diagnostic) {
        var entry = JournalEntry(.note(problem.message))
        (entry.event, entry.hint) = (problem.severity.rawValue, problem.hint)
        write(entry)
    }

    private func write(_ entry: JournalEntry) {
        guard let line = try? CanonicalJSON.text(entry) else { return }
        Terminal.errors.write(line + "\n")
    }
}

/// What is told whatever the style: a failure, a warning, a note of the engine.
struct RunMessage {
    private enum Weight { case failure, warning, note }

    private let weight: Weight
    private let text: String

    init?(_ event: RunEvent) {
        switch event {
        case .stage(let node, .warning(let message, let hint)):
            (weight, text) = (.warning, "\(node): \(message)" + (hint.map { "\n  hint: \($0)" } ?? ""))
        case .stageEnded(let node, let result) where [.failed, .busy].contains(result.state):
            (weight, text) = (.failure, result.message ?? "error: \(node) failed")
        case .note(let note): (weight, text) = (.note, note)
        default: return nil
        }
    }

    /// The message as it is printed; a failure's text is a diagnostic already.
    func styled(_ style: TextStyle) -> String {
        switch weight {
        case .failure: text.replacing("error:", with: style.red("error:"), maxReplacements: 1)
        case .warning: "\(style.yellow("warning:")) \(text)"
        case .note: "\(style.cyan("note:")) \(text)"
        }
    }

    /// Prints the message, even where only results and errors are wanted: it may explain either.
    func show(_ console: Console) { Terminal.errors.write(styled(console.noteStyle) + "\n") }
}

/// How far a running stage is, and how fast it gets on.
struct StageProgress {
    let node: String
    let start = ContinuousClock.now
    /// Where this execution began: not at zero when it resumed.
    private var first: (step: Int, time: ContinuousClock.Instant)?
    private(set) var step = 0
    private(set) var total = 0
    private(set) var metrics: [Metric] = []

    /// The fraction at which it went on, when it was interrupted before.
    let resumed: Double?

    init(node: String, resumed: Double? = nil) {
        self.node = node
        self.resumed = resumed
    }

    mutating func advance(to step: Int, of total: Int, _ metrics: [Metric]) {
        if first == nil { first = (step, .now) }
        self.step = step
        self.total = total
        if !metrics.isEmpty { self.metrics = metrics }
    }

    var fraction: Double { total > 0 ? min(1, Double(step) / Double(total)) : 0 }

    var elapsed: Double { (ContinuousClock.now - start).seconds }

    /// Steps per second since the first report; nil until there are two.
    var rate: Double? {
        guard let first, step > first.step else { return nil }
        let seconds = (ContinuousClock.now - first.time).seconds
        return seconds > 0 ? Double(step - first.step) / seconds : nil
    }

    /// The seconds that remain at this rate.
    var remaining: Double? { rate.map { Double(total - step) / $0 } }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
