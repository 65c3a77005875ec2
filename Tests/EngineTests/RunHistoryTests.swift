import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct RunHistoryTests {
    @Test func `a run can be read back`() throws {
        let bench = try Bench()
        let graph = try bench.graph(
            everyday, matrix: [axis("seed", "0", "1", to: ["student"])], gates: ["eval.top1 > 0"])
        let result = try bench.run(graph)
        let history = RunHistory(bench.store)
        #expect(try history.identifier() == result.run)
        #expect(try history.pipeline(of: result.run) == graph.spec)
        #expect(try history.result(of: result.run) == result)
        let summary = try history.summary(of: result.run)
        #expect(summary.state == .succeeded)
        #expect(summary.pipeline == "test")
        #expect(summary.stages.map(\.name) == graph.nodes.map(\.name))
        #expect(summary.stages.map(\.planned) == ["run", "run", "run", "run", "run"])
        #expect(summary.stages[1].step == 10)
        #expect(summary.stages[1].total == 10)
        #expect(summary.stages[1].metrics == [Metric(name: "loss", value: 0.1)])
        let events = try history.events(of: result.run)
        #expect(events.first?.event == "run-started")
        #expect(events.last?.event == "run-ended")
        #expect(events.contains { $0.event == "metric" && $0.stage == "teacher" && $0.step == 3 })
        #expect(events.contains { $0.event == "gate" && $0.state == "held" })
    }

    @Test func `a run is followed without reading its journal again`() throws {
        let bench = try Bench()
        let history = RunHistory(bench.store)
        let result = try bench.run(everyday)
        let expected = try history.summary(of: result.run)
        let journal = history.folder(of: result.run).appending(path: RunFolder.journal)
        let whole = try Data(contentsOf: journal)
        let half = try #require(whole.dropLast(whole.count / 2).lastIndex(of: UInt8(ascii: "\n"))) + 1

        try whole.prefix(half).write(to: journal)
        let file = history.folder(of: result.run).appending(path: RunFolder.result)
        let end = try Data(contentsOf: file)
        try FileManager.default.removeItem(at: file)
        var follower = try history.follower(of: result.run)
        let early = try follower.next()
        #expect(early.seconds == nil && early.stages != expected.stages)

        // What was read is not read again.
        try (Data(repeating: UInt8(ascii: "x"), count: half - 1) + whole.dropFirst(half - 1)).write(
            to: journal)
        try end.write(to: file)
        #expect(try follower.next() == expected)
    }

    @Test func `a failed run says so, with its reason`() throws {
        let bench = try Bench()
        let result = try bench.run("data a: write text=a\nb: fail of=a")
        let summary = try RunHistory(bench.store).summary(of: result.run)
        #expect(summary.state == .failed)
        #expect(summary.stages[1].message == "error: b failed: it is in the nature of this stage")
    }

    @Test func `a torn last line is passed over`() throws {
        let bench = try Bench()
        let result = try bench.run("data a: write text=a")
        let history = RunHistory(bench.store)
        let journal = history.folder(of: result.run).appending(path: "events.jsonl")
        let whole = try Data(contentsOf: journal)
        let count = try history.events(of: result.run).count
        try whole.dropLast(10).write(to: journal)
        #expect(try history.events(of: result.run).count == count - 1)

        // Whoever goes on writing starts a line of its own.
        let file = try AppendOnlyFile(journal.path)
        try file.append(line: try CanonicalJSON.data(JournalEntry(.note("more"))))
        #expect(try history.events(of: result.run).map(\.event).suffix(1) == ["note"])
        #expect(try history.events(of: result.run).count == count)
    }

    @Test func `the newest run is told from others of the same second`() {
        let begin = Date(timeIntervalSinceReferenceDate: 800_000_000)
        let names = (0..<1000).map { RunFolder.newIdentifier(begin + Double($0) / 1000 + 0.0001) }
        #expect(names == names.sorted() && Set(names).count == 1000)
        #expect(names.allSatisfy { $0.wholeMatch(of: /\d{8}T\d{6}-[0-9a-f]{4}/) != nil }, "\(names[0])")
    }

    @Test func `a run is found by part of its name, or the nearest is suggested`() throws {
        let bench = try Bench()
        let history = RunHistory(bench.store)
        let none = try #require(throws: Diagnostic.self) { try history.identifier() }
        #expect(
            none.description == """
                error: no run is recorded in '\(bench.store.root.path)'
                  hint: start one with 'retort run FILE'
                """)
        let first = try bench.run("data a: write text=a").run
        try bench.run("data a: write text=a")
        #expect(history.identifiers().count == 2)
        #expect(try history.identifier(matching: first) == first)
        #expect(
            throws: Diagnostic("'20' means 2 runs", hint: "write more of the identifier", exitCode: .usage)
        ) {
            try history.identifier(matching: "20")
        }
        let newest = try history.identifier()
        let hint = "the newest is \(newest); 'retort runs' shows all"
        #expect(throws: Diagnostic("there is no run 'zz'", hint: hint, exitCode: .usage)) {
            try history.identifier(matching: "zz")
        }
    }
}
