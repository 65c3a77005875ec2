import ArgumentParser
import Engine
import Foundation
import Report

/// Writes the report of a run.
struct ReportCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write the report of a run: one HTML file that opens offline.",
        discussion: "Every run ends with its report; this writes it anew, of a running or a failed run, too.")

    @Argument(help: "The run; by default, the newest.") var run: String?
    @Flag(help: "Print the short version, as Markdown.") var markdown = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let reporter = RunReporter(store.open())
        let id = try reporter.history.identifier(matching: run)
        if markdown {
            let text = RunReport.markdown(try reporter.gather(id).run)
            if global.json { return try console.print(json: ["run": id, "markdown": text]) }
            return console.print(text)
        }
        let page = try reporter.write(id)
        if global.json { return try console.print(json: ["run": id, "report": page.path]) }
        console.print(page.path)
    }
}
