import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct RunRequestTests {
    /// Runs with options that are kept as the run's request.
    @discardableResult
    private func run(
        _ bench: Bench, _ graph: Graph, stop: StopRequest = StopRequest(),
        sink: any EventSink = SilentSink(), _ change: (inout PlanOptions) -> Void
    ) throws -> String {
        var selection = PlanOptions()
        change(&selection)
        let request = RunRequest(commands: [["retort", "run", "test.yml"]], selection: selection)
        return try bench.run(graph, stop: stop, sink: sink, options: { $0.request = request }, plan: change)
            .run
    }

    private func remainder(_ bench: Bench, _ run: String, _ graph: Graph, until stage: String? = nil) throws
        -> PlanOptions
    {
        try RunHistory(bench.store).remainder(of: run, in: graph, until: stage)
    }

    @Test func `what a pipeline does otherwise is told, wherever it stands`() {
        let old = pipeline(
            "data a: write text=a\nb: length of=a\nc: join parts=[a,b]",
            matrix: [axis("seed", "0", "1", to: ["c"]), axis("text", "x")], gates: ["b.n == 1", "b.n > 0"])
        #expect(old.differences(from: old) == [])
        let moved = pipeline(
            "\n\ndata a: write text=a\nb: length of=a\nc: join parts=[a,b]",
            matrix: [axis("seed", "0", "1", to: ["c"]), axis("text", "x")], gates: ["b.n > 0", "b.n == 1"])
        #expect(moved.differences(from: old) == [])
        let new = pipeline(
            "data a: write text=b\nc: join parts=[a] separator=x", name: "other",
            matrix: [axis("seed", "0", "2"), axis("text", "x", to: ["a"])], gates: ["b.n > 0", "c.n < 3"])
        #expect(
            new.differences(from: old).map(\.description) == [
                "a.text a → b", "b length → none", "b.of a → none", "c.parts [a, b] → [a]",
                "c.separator none → x", "matrix.seed 0, 1 → 0, 2",
                "the targets of matrix.seed c → every stage that has it",
                "the targets of matrix.text every stage that has it → a", "gates b.n == 1 → c.n < 3",
                "the pipeline's name test → other",
            ])
        let none = pipeline("data a: write text=a\nb: length of=a\nc: join parts=[a,b]", matrix: old.matrix)
        #expect(none.differences(from: old).map(\.description) == ["gates b.n == 1; b.n > 0 → none"])
    }

    @Test func `what was asked of a run can be read back, and is missing in older ones`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=a")
        let request = RunRequest(
            commands: [["retort", "run", "my file.yml", "-s", "a.text=it's", ""], ["retort", "resume"]],
            profile: "my profile", overrides: ["a.text=it's"])
        let run = try bench.run(graph, options: { $0.request = request }).run
        let history = RunHistory(bench.store)
        #expect(try history.request(of: run) == request)
        #expect(
            request.commandLines == [
                "retort run 'my file.yml' -s 'a.text=it'\\''s' ''", "retort resume",
            ])
        #expect(try history.request(of: bench.run(graph).run) == nil)
    }

    @Test func `a run that is gone on with does not go beyond what was selected`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=a\nb: length of=a\nc: length of=b")
        for _ in 0..<2 {
            let run = try run(bench, graph) { $0.until = ["a"] }
            let options = try remainder(bench, run, graph)
            #expect(try bench.plan(graph) { $0 = options }.lines == ["a: CACHED"])
        }
        let blocked = try run(bench, graph) { $0.only = ["c"] }
        let options = try remainder(bench, blocked, graph)
        #expect(try bench.plan(graph) { $0 = options }.pending.isEmpty)
        let further = try remainder(bench, blocked, graph, until: "b")
        #expect(try bench.plan(graph) { $0 = further }.lines == ["a: CACHED", "b: RUN it has not run yet"])
    }

    @Test func `nor does one of an earlier version, which kept only its plan`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=a\nb: length of=a\nc: length of=b")
        for _ in 0..<2 {
            let run = try bench.run(graph, plan: { $0.until = ["a"] }).run
            let options = try remainder(bench, run, graph)
            #expect(try bench.plan(graph) { $0 = options }.lines == ["a: CACHED"])
        }
        let blocked = try bench.run(graph, plan: { $0.only = ["c"] }).run
        let options = try remainder(bench, blocked, graph)
        #expect(try bench.plan(graph) { $0 = options }.pending.isEmpty)
    }

    @Test func `what was forced and not made is forced again, and what was made is not`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        try bench.run(graph)
        let stop = StopRequest()
        let sink = RecordingSink(atStep(8) { stop.request(signal: SIGINT) })
        let stopped = try run(bench, graph, stop: stop, sink: sink) { $0.force = ["world", "teacher"] }
        let options = try remainder(bench, stopped, graph)
        #expect(options.force == ["teacher"])
        #expect(
            try bench.plan(graph) { $0 = options }.lines.prefix(2) == [
                "world: CACHED", "teacher: RUN forced",
            ])
        #expect(try remainder(bench, stopped, graph, until: "world").force == [])
        let last = try run(bench, graph) { $0 = options }
        #expect(try remainder(bench, last, graph).force == [])
    }

    @Test func `a name that the file has no more is named with the option it came from`() throws {
        let bench = try Bench()
        let run = try run(bench, bench.graph("data a: write text=a")) { $0.until = ["a"] }
        let graph = try bench.graph("data b: write text=a")
        let problem = try #require(throws: Diagnostic.self) { try remainder(bench, run, graph) }
        #expect(
            problem.description == """
                error: the run \(run) was begun with '--until a', and the pipeline has no stage 'a' any more
                  hint: '--use frozen' goes on with the pipeline as it was
                """)
        #expect(problem.exitCode == .usage)
    }
}
