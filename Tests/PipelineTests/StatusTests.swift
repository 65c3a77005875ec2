import Engine
import Foundation
import TestSupport
import Testing

@testable import retort

/// `retort status`, and what `--watch` leaves on a terminal.
@Suite struct StatusTests {
    private func summary(_ stages: [(String, String)]) throws -> RunSummary {
        let list = stages.map {
            #"{"name":"\#($0.0)","planned":"run","state":"\#($0.1)","metrics":[],"step":1,"total":2}"#
        }
        let text =
            #"{"id":"r","pipeline":"p","state":"running","started":"","stages":[\#(list.joined(separator: ","))]}"#
        return try JSONDecoder().decode(RunSummary.self, from: Data(text.utf8))
    }

    @Test func `the table fits into the window, and shows what is at work`() throws {
        var stages = (0..<30).map { ("stage-\($0)", "ran") }
        stages += [("漢字漢字漢字", "running"), ("next", "waiting"), ("last", "waiting")]
        let summary = try summary(stages)
        let style = TextStyle(Terminal(descriptor: -1))
        #expect(
            StatusCommand.lines(of: summary, style, within: (27, 6)) == [
                "p r: running", "  running  漢字漢字漢字  5", "  waiting  next",
                "  waiting  last", "… and 30 more",
            ])
        #expect(StatusCommand.lines(of: summary, style).count == 34)
        #expect(StatusCommand.lines(of: summary, style).contains("  running  漢字漢字漢字  50 %  1/2"))
    }

    @Test func `watching more stages than there are rows leaves nothing behind`() throws {
        let retort = try Retort()
        let others = (0..<20).map {
            "  stage-\($0): {uses: shell, cmd: 'date > $OUT/x', in: [first], out: x}\n"
        }
        try retort.folder.write(
            """
            retort: 1
            name: many
            stages:
              first: {uses: shell, cmd: "until test -e '\(retort.folder.url.path)/go'; do sleep 0.05; done; date > $OUT/x", out: x}
            \(others.joined())
            """, to: "p.yaml")
        let run = try retort.start(["run", "p.yaml"])
        let end = Date() + 60
        while try retort.run("status").code != 0, run.isRunning, Date() < end { usleep(50_000) }
        let terminal = try PseudoTerminal(columns: 60, rows: 9)
        let status = try retort.start(
            ["status", "--watch"], output: FileHandle(fileDescriptor: terminal.descriptor),
            environment: ["TERM": "xterm"])
        while terminal.isEmpty, status.isRunning, Date() < end { usleep(50_000) }
        try retort.folder.write("", to: "go")
        run.waitUntilExit()
        status.waitUntilExit()
        #expect(run.terminationStatus == 0 && status.terminationStatus == 0)
        let lines = terminal.end()
        #expect(lines.count == 22 && lines[0].contains(": succeeded in "), "\(lines)")
        #expect(lines[1].hasPrefix("  ran     first "), "\(lines)")
        #expect(lines[21] == "  cached  stage-19", "\(lines)")
    }
}
