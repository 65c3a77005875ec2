import ArgumentParser
import Engine
import Foundation

/// Lists the runs of a store.
struct RunsCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List the runs, newest first.")

    @Option(name: .shortAndLong, help: "Only so many.") var number = 20
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let history = RunHistory(try store.existing())
        let summaries = try history.identifiers().prefix(max(0, number)).map { try history.overview(of: $0) }
        if global.json { return try console.print(json: summaries) }
        var table = TextTable()
        for summary in summaries {
            let ran = summary.stages.count { $0.state == "ran" }
            table.add(
                "\(summary.id)", StatusCommand.cell(summary.state.rawValue, console.style),
                TextTable.Cell(summary.pipeline, console.style.bold),
                TextTable.Cell(
                    summary.unreadable.map { "\($0) cannot be read" }
                        ?? "\(ran) of \(Wording.count(summary.stages.count, "stage")) executed"),
                "\(summary.seconds.map(Wording.duration) ?? "")")
        }
        for line in table.lines() { console.print(line) }
        if history.identifiers().isEmpty { console.note("no run is recorded in '\(store.root.path)'") }
    }
}
