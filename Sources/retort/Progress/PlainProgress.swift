import Diagnostics
import Engine
import Foundation
import Synchronization

/// A `key=value` line when a stage begins and ends, and for each running one every 30 seconds in between.
final class PlainProgress: ProgressDisplay {
    private static let interval = Duration.seconds(30)

    private struct State {
        /// The running stages, and when each was last told of.
        var stages: [String: (progress: StageProgress, told: ContinuousClock.Instant)] = [:]
    }

    private let console: Console
    private let state = Mutex(State())

    init(console: Console) { self.console = console }

    func receive(_ event: RunEvent) {
        if let message = RunMessage(event) { message.show(console) }
        state.withLock { state in
            for line in lines(event, &state) { console.note(line) }
        }
    }

    func show(_ problem: Diagnostic) { console.show(problem) }

    private func lines(_ event: RunEvent, _ state: inout State) -> [String] {
        switch event {
        case .runStarted(let id, _): return [fields([("run", id)])]
        case .stageStarted(let node, let fraction):
            state.stages[node] = (StageProgress(node: node), .now)
            var pairs = [("stage", node), ("event", "start")]
            if let fraction { pairs.append(("resumed", "\(Int(fraction * 100))%")) }
            return [fields(pairs)]
        case .stage(let node, .progress(let step, let total, let metrics)):
            state.stages[node]?.progress.advance(to: step, of: total, metrics)
            guard let stage = state.stages[node], ContinuousClock.now - stage.told >= Self.interval else {
                return []
            }
            state.stages[node]?.told = .now
            return [progress(stage.progress)]
        case .stageEnded(let node, let result):
            state.stages[node] = nil
            if [.cached, .skipped].contains(result.state) && !console.isVerbose { return [] }
            var pairs = [("stage", node), ("event", "end"), ("state", result.state.rawValue)]
            if result.seconds > 0 { pairs.append(("seconds", Wording.number(result.seconds))) }
            if result.state == .ran, let headline = Headline(result) {
                pairs.append((headline.name, headline.value))
            }
            return [fields(pairs)]
        case .gate(let gate):
            return [fields([("gate", gate.text), ("node", gate.node), ("holds", "\(gate.holds)")])]
        case .stage, .note, .runEnded: return []
        }
    }

    private func progress(_ stage: StageProgress) -> String {
        var pairs = [("stage", stage.node), ("step", "\(stage.step)"), ("total", "\(stage.total)")]
        if let rate = stage.rate { pairs.append(("rate", Wording.number(rate))) }
        for metric in stage.metrics { pairs.append((metric.name, Wording.number(metric.value))) }
        if let remaining = stage.remaining { pairs.append(("eta", "\(Int(remaining.rounded()))s")) }
        return fields(pairs)
    }

    private func fields(_ pairs: [(String, String)]) -> String {
        pairs.map { name, value in
            let isPlain = !value.isEmpty && !value.contains { $0.isWhitespace || $0 == "\"" }
            return "\(name)=" + (isPlain ? value : "\"\(value.replacing("\"", with: "'"))\"")
        }.joined(separator: " ")
    }
}

/// The one figure by which a finished stage is remembered.
struct Headline {
    let name: String
    let value: String

    /// The accuracy of an evaluation, the stage's own `headline`, or else its largest count.
    init?(_ result: StageResult) {
        guard let artifact = result.artifact else { return nil }
        let folder = URL(filePath: artifact, directoryHint: .isDirectory)
        guard let record = try? ArtifactRecord.read(at: folder) else { return nil }
        if let data = try? Data(contentsOf: folder.appending(path: "metrics.json")),
            let top1 = (try? JSONDecoder().decode(JSON.self, from: data))?["top1"]?.double
        {
            (name, value) = ("top1", String(format: "%.1f%%", top1 * 100))
        } else if let text = record.facts["headline"]?.text {
            (name, value) = ("headline", text)
        } else if let count = record.counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
            (name, value) = (count.key, "\(count.value)")
        } else {
            return nil
        }
    }

    /// The figure for people.
    var text: String { name == "headline" ? value : "\(name) \(value)" }
}
