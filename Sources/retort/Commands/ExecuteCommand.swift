import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Report

/// Executes one stage of a run in a process of its own; `run -j` and `run --executor` start it.
struct ExecuteCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "execute", abstract: "Execute one stage of a run that has begun.", shouldDisplay: false)

    @Option(help: "The run.") var run: String
    @Option(help: "The stage, with its point of the matrix.") var node: String
    @Flag(help: "Execute it even when its artifact is there.") var force = false
    @Option(
        help: ArgumentHelp("Make only the parts of the i-th of n jobs.", valueName: "i/n"), transform: jobPart
    )
    var part: JobPart?
    @Flag(help: "Come to rest when standard input ends: the run has died.") var attached = false
    @OptionGroup(title: "Execution") var execution: ExecutionFlags
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        if attached {
            stopWithInput()
            // Where memory runs out, a stage goes before the run that can tell about it.
            try? "500".write(toFile: "/proc/self/oom_score_adj", atomically: false, encoding: .utf8)
        }
        signal(SIGPIPE, SIG_IGN)
        let job = try StageJob(
            run: run, node: node, store.open(), catalog: stageCatalog, options: try execution.options(),
            isForced: force, part: part)
        let code = try job.run()
        if code != .ok { throw EarlyExit(code) }
    }

    private static func jobPart(_ text: String) throws -> JobPart {
        guard let part = JobPart(text) else { throw ValidationError("'\(text)' is no i/n") }
        return part
    }

    /// Asks this process to stop when the other end of its standard input is closed.
    private func stopWithInput() {
        let thread = Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { break }
            }
            kill(getpid(), SIGTERM)
        }
        thread.name = "lifeline"
        thread.start()
    }
}
