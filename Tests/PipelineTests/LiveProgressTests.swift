import Diagnostics
import Engine
import TestSupport
import Testing

@testable import retort

/// What a live display leaves on a terminal, and what it takes away again.
@Suite struct LiveProgressTests {
    private let console = Console(isQuiet: false, isVerbose: false)

    private func progress(_ node: String, _ step: Int) -> RunEvent {
        .stage(node: node, .progress(step: step, total: 9, metrics: []))
    }

    @Test func `a tracker's warning stays above the block, and the block goes`() throws {
        let terminal = try PseudoTerminal(columns: 60, rows: 10)
        let display = LiveProgress(console: console, on: Terminal(descriptor: terminal.descriptor))
        display.receive(.stageStarted(node: "first", resumedFrom: nil))
        display.receive(progress("first", 3))
        // A folder that is a file cannot be written.
        let folder = try TemporaryFolder()
        let board = TensorBoardSink(try folder.write("", to: "file"), display: display)
        board.receive(.stage(node: "first", .metric(step: 3, Metric(name: "loss", value: 1))))
        display.show(Diagnostic("one more thing", hint: "look at it", severity: .warning))
        display.receive(.stageEnded(node: "first", StageResult(.interrupted)))
        display.receive(try .ended(exit: 130))
        display.show(Diagnostic("and after it", severity: .warning))
        let text = terminal.end().joined(separator: "\n")
        #expect(text.hasPrefix("warning: TensorBoard's files in '"), "\(text)")
        #expect(
            text.hasSuffix(
                """
                warning: one more thing
                  hint: look at it
                ‖ first  kept; can be resumed
                warning: and after it
                """), "\(text)")
        #expect(!text.contains("…") && !text.contains(" of "), "\(text)")
    }

    @Test func `wide names and more stages than rows leave nothing behind`() throws {
        let terminal = try PseudoTerminal(columns: 24, rows: 6)
        let display = LiveProgress(console: console, on: Terminal(descriptor: terminal.descriptor))
        let names = (0..<9).map { "学生学生-\($0)" }
        for name in names {
            display.receive(.stageStarted(node: name, resumedFrom: nil))
            display.receive(progress(name, 2))
            display.receive(.note("so far"))
        }
        for name in names { display.receive(.stageEnded(node: name, StageResult(.ran, seconds: 1))) }
        display.receive(try .ended(exit: 0))
        let lines = terminal.end()
        #expect(
            lines == names.map { _ in "note: so far" } + names.map { "✓ \($0)  1.0 s  " }, "\(lines)")
    }
}
