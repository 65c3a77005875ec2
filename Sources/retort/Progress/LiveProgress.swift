import Diagnostics
import Engine
import Foundation
import Synchronization

/// A live block on a terminal: finished stages scroll by with their headline figure, the running ones stay below.
final class LiveProgress: ProgressDisplay {
    private static let interval = Duration.milliseconds(100)
    /// How many rows the running stages may take.
    private static let shown = 13

    private struct State {
        /// The running stages, in the order in which they began.
        var stages: [StageProgress] = []
        var finished = 0
        var count = 0
        var nameWidth = 0
        var start = ContinuousClock.now
        var lastDraw: ContinuousClock.Instant?
        /// The lines of the block that stand on the screen.
        var drawn = 0
    }

    private let console: Console
    private let terminal: Terminal
    private let state = Mutex(State())
    private var style: TextStyle { console.noteStyle }

    init(console: Console, on terminal: Terminal = .errors) {
        self.console = console
        self.terminal = terminal
    }

    func receive(_ event: RunEvent) {
        state.withLock { state in
            var output = ""
            for line in lines(event, &state) { output += erasing(&state) + line + "\n" }
            let isDue = state.lastDraw.map { ContinuousClock.now - $0 >= Self.interval } ?? true
            if !output.isEmpty || isDue { output += block(&state) }
            if case .runEnded = event {
                output += erasing(&state)
                state.stages = []
            }
            if !output.isEmpty { terminal.write(output) }
        }
    }

    func show(_ problem: Diagnostic) {
        state.withLock { state in
            terminal.write(erasing(&state) + console.styled(problem) + "\n" + block(&state))
        }
    }

    /// What an event leaves on the screen for good.
    private func lines(_ event: RunEvent, _ state: inout State) -> [String] {
        switch event {
        case .runStarted(_, let plan):
            state.count = plan.pending.count
            state.nameWidth = plan.pending.map(\.node.columns).max() ?? 0
        case .stageStarted(let node, let fraction):
            state.stages.removeAll { $0.node == node }
            state.stages.append(StageProgress(node: node, resumed: fraction))
        case .stage(let node, .progress(let step, let total, let metrics)):
            guard let index = state.stages.firstIndex(where: { $0.node == node }) else { break }
            state.stages[index].advance(to: step, of: total, metrics)
        case .stageEnded(let node, let result):
            state.stages.removeAll { $0.node == node }
            return ended(node, result, &state)
        case .gate(let gate) where gate.holds: return ["\(style.green("✓")) gate \(gate.text)"]
        case .stage, .gate, .note, .runEnded: break
        }
        return RunMessage(event).map { [$0.styled(style)] } ?? []
    }

    private func ended(_ node: String, _ result: StageResult, _ state: inout State) -> [String] {
        let name = node.padded(toColumns: state.nameWidth)
        let time = Wording.duration(result.seconds)
        switch result.state {
        case .ran:
            state.finished += 1
            let headline = Headline(result).map { style.cyan($0.text) } ?? ""
            return ["\(style.green("✓")) \(style.bold(name))  \(style.dim(time))  \(headline)"]
        case .cached: return console.isVerbose ? ["\(style.green("=")) \(name)  \(style.dim("cached"))"] : []
        case .failed:
            state.finished += 1
            return ["\(style.red("✗")) \(style.bold(name))  \(style.dim(time))"]
                + (RunMessage(.stageEnded(node: node, result)).map { [$0.styled(style)] } ?? [])
        case .busy:
            return ["\(style.yellow("‖")) \(style.bold(name))  \(style.dim("busy elsewhere"))"]
                + (RunMessage(.stageEnded(node: node, result)).map { [$0.styled(style)] } ?? [])
        case .interrupted:
            return ["\(style.yellow("‖")) \(style.bold(name))  \(style.dim("kept; can be resumed"))"]
        case .blocked: return ["\(style.yellow("-")) \(name)  \(style.dim(result.message ?? "blocked"))"]
        case .skipped: return []
        }
    }

    // MARK: The block

    private func erasing(_ state: inout State) -> String {
        defer { state.drawn = 0 }
        return String(repeating: "\u{1B}[1A\u{1B}[2K", count: state.drawn) + "\r"
    }

    private func block(_ state: inout State) -> String {
        let output = erasing(&state)
        state.lastDraw = .now
        guard !state.stages.isEmpty else { return output }
        let elapsed = Wording.duration((ContinuousClock.now - state.start).seconds)
        let count = "  \(state.finished) of \(state.count) stages, \(elapsed)"
        var (columns, rows) = terminal.size
        rows = min(rows, Self.shown + 2)
        let block = RedrawnLines(size: (columns, rows))
        let lines = block.cut(block.fitting(state.stages.map(running), beside: 1) + [count])
        state.drawn = lines.count
        return output + lines.map { $0 + "\n" }.joined()
    }

    private func running(_ stage: StageProgress) -> String {
        guard stage.total > 0 else { return "… \(stage.node)  \(Wording.duration(stage.elapsed))" }
        let width = 20
        let filled = Int((stage.fraction * Double(width)).rounded())
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        var parts = [
            "… \(stage.node)", bar, "\(Int(stage.fraction * 100)) %", "\(stage.step)/\(stage.total)",
        ]
        if let rate = stage.rate { parts.append("\(Wording.number(rate))/s") }
        for metric in stage.metrics { parts.append("\(metric.name) \(Wording.number(metric.value))") }
        if let remaining = stage.remaining { parts.append("ETA \(Wording.duration(remaining))") }
        if let resumed = stage.resumed { parts.append("resumed at \(Int(resumed * 100)) %") }
        return parts.joined(separator: "  ")
    }
}
