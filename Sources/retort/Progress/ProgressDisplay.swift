import Engine
import Foundation
import Synchronization

extension ProgressStyle {
    /// The sink that shows a run in this style.
    func display(_ console: Console) -> any EventSink {
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
struct MessageSink: EventSink {
    let console: Console

    func receive(_ event: RunEvent) {
        if let message = RunMessage(event) { message.show(console) }
    }
}

/// Writes the journal's lines to stderr as they happen.
struct JournalSink: EventSink {
    func receive(_ event: RunEvent) {
        guard let line = try? CanonicalJSON.text(JournalEntry(event)) else { return }
        Terminal.errors.write(line + "\n")
    }
}

/// A warning or failure that is shown whatever the style.
struct RunMessage {
    let text: String
    let isFailure: Bool

    init?(_ event: RunEvent) {
        switch event {
        case .stage(let node, .warning(let message, let hint)):
            text = "\(node): \(message)" + (hint.map { "\n  hint: \($0)" } ?? "")
            isFailure = false
        case .stageEnded(let node, let result) where result.state == .failed:
            text = result.message ?? "\(node) failed"
            isFailure = true
        case .note(let note):
            text = note
            isFailure = false
        default: return nil
        }
    }

    /// Prints the message; a failure's text is a diagnostic already.
    func show(_ console: Console) {
        Terminal.errors.write(styled(console.noteStyle) + "\n")
    }

    func styled(_ style: TextStyle) -> String {
        isFailure
            ? text.replacing("error:", with: style.red("error:"), maxReplacements: 1)
            : "\(style.yellow("warning:")) \(text)"
    }
}

/// How far the running stage is, and how fast it gets on.
struct StageProgress {
    let node: String
    let start = ContinuousClock.now
    /// Where this execution began: not at zero when it resumed.
    private var first: (step: Int, time: ContinuousClock.Instant)?
    private(set) var step = 0
    private(set) var total = 0
    private(set) var metrics: [Metric] = []

    init(node: String) { self.node = node }

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
