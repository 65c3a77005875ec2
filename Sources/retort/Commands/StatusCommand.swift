import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// Shows how a run is getting on, or how it ended.
struct StatusCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how far a run is, stage by stage; works while it lasts.")

    @Argument(help: "The run; by default, the newest.") var run: String?
    @Flag(help: "Repeat every two seconds until the run is over.") var watch = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let history = RunHistory(try store.existing())
        let id = try history.identifier(matching: run)
        var summary = try history.overview(of: id)
        var drawn = show(summary, console, over: 0)
        if watch, summary.state == .running {
            var follower = try history.follower(of: id)
            while summary.state == .running {
                sleep(2)
                summary = try follower.next()
                drawn = show(summary, console, over: Terminal.output.isInteractive ? drawn : 0)
            }
        }
        if global.json { try console.print(json: summary) }
        if summary.unreadable != nil { throw EarlyExit(.io) }
    }

    /// Prints the table in place of the lines of the one before; returns how many lines it has.
    private func show(_ summary: RunSummary, _ console: Console, over drawn: Int) -> Int {
        if global.json { return 0 }
        let mayRedraw = watch && summary.state == .running && Terminal.output.isInteractive
        let size = mayRedraw ? Terminal.output.size : nil
        let lines = Self.lines(of: summary, console.style, within: size)
        Terminal.output.write(String(repeating: "\u{1B}[1A\u{1B}[2K", count: drawn))
        for line in lines { console.print(line) }
        return lines.count
    }

    /// The table; in a window that it has to fit into, the stages that are at work or went wrong come first.
    static func lines(
        of summary: RunSummary, _ style: TextStyle, within size: (columns: Int, rows: Int)? = nil
    ) -> [String] {
        let time = summary.seconds.map { " in \(Wording.duration($0))" } ?? ""
        var lines = ["\(style.bold(summary.pipeline)) \(summary.id): \(summary.state.rawValue)\(time)"]
        if let file = summary.unreadable {
            lines.append("  \(file) cannot be read: 'retort doctor --repair' puts the run aside")
        }
        var table = TextTable()
        for stage in summary.stages {
            table.add(
                cell(stage.state, style), "\(stage.name)", "\(detail(stage))",
                TextTable.Cell(stage.message?.split(separator: "\n").first.map(String.init) ?? "", style.dim))
        }
        guard let size else { return lines + table.lines(indentation: 2) }
        let block = RedrawnLines(size: size)
        return block.cut(
            lines
                + block.fitting(table.lines(indentation: 2), beside: lines.count) {
                    switch summary.stages[$0].state {
                    case "running", "failed": 0
                    case "waiting", "busy", "interrupted", "blocked": 1
                    default: 2
                    }
                })
    }

    private static func detail(_ stage: RunSummary.Stage) -> String {
        if stage.state == "running", let step = stage.step, let total = stage.total, total > 0 {
            let metrics = stage.metrics.map { "  \($0.name) \(Wording.number($0.value))" }.joined()
            return "\(step * 100 / total) %  \(step)/\(total)\(metrics)"
        }
        guard let seconds = stage.seconds, seconds > 0 else { return "" }
        return Wording.duration(seconds)
    }

    /// The word for a state, in its colour.
    static func cell(_ state: String, _ style: TextStyle) -> TextTable.Cell {
        switch state {
        case "ran", "succeeded": TextTable.Cell(state, style.green)
        case "failed", "died", "unreadable": TextTable.Cell(state, style.red)
        case "running": TextTable.Cell(state, style.cyan)
        case "interrupted", "blocked", "busy": TextTable.Cell(state, style.yellow)
        default: TextTable.Cell(state, style.dim)
        }
    }
}
