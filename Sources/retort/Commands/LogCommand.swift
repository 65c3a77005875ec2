import ArgumentParser
import Engine
import Foundation

/// Prints what happened during a run.
struct LogCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Print what happened during a run.",
        discussion:
            "With --json, every event is one line of JSON (JSON lines), as the run's events.jsonl has it.")

    @Argument(help: "The run; by default, the newest.") var run: String?
    @Option(help: "Only what is about this stage.") var stage: String?
    @Flag(name: .shortAndLong, help: "Go on until the run is over.") var follow = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = store.open()
        let history = RunHistory(store)
        let id = try history.identifier(matching: run)
        var journal = JournalFollower(store, run: id)
        while true {
            // Asked before reading: what a run writes last must not be missed.
            let isRunning = follow && history.mayBeAtWork(id)
            for event in try journal.next() where isMeant(event, console) { try show(event, console) }
            if !isRunning { return }
            usleep(500_000)
        }
    }

    /// Progress and metrics are many: they are shown to programs, and to those who ask for more.
    private func isMeant(_ event: JournalEntry, _ console: Console) -> Bool {
        if let stage, event.stage != stage, event.stage?.hasPrefix(stage + "[") != true { return false }
        return global.json || console.isVerbose || !["progress", "metric"].contains(event.event)
    }

    private func show(_ event: JournalEntry, _ console: Console) throws {
        if global.json { return console.print(try CanonicalJSON.text(event)) }
        let style = console.style
        var parts = [style.dim(String(event.time.prefix(19))), event.event]
        if let stage = event.stage { parts.append(style.bold(stage)) }
        if let state = event.state { parts.append(StatusCommand.cell(state, style).style(state)) }
        if let step = event.step { parts.append(event.total.map { "\(step)/\($0)" } ?? "step \(step)") }
        parts += (event.metrics ?? []).map { "\($0.name)=\(Wording.number($0.value))" }
        if let seconds = event.seconds, seconds > 0 { parts.append(Wording.duration(seconds)) }
        if let message = event.message { parts.append(message) }
        if let hint = event.hint { parts.append("(\(hint))") }
        console.print(parts.joined(separator: " "))
    }
}
