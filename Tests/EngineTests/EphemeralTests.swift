import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct EphemeralTests {
    /// `b` may go once `c` and `d` are made.
    private func graph(_ bench: Bench, c: String = "", d: String = "", isEphemeral: Bool = true) throws
        -> Graph
    {
        var spec = pipeline(
            """
            data a: write text=a
            b: join parts=[a,a]
            c: join parts=[b] \(c)
            d: join parts=[b] seed=1 \(d)
            """, in: bench.folder.url)
        let here = SourceLocation("test.yml", 2, 1)
        spec.nodes[1].entries.append(
            PipelineEntry("ephemeral", at: here, PipelineValue(.scalar("\(isEphemeral)"), at: here)))
        return try Graph(spec, catalog: fakeStages)
    }

    @Test func `an artifact goes when everything that reads it is made`() throws {
        let bench = try Bench()
        let sink = RecordingSink { event in
            // While `d` begins, `b` is there.
            guard case .stageStarted("d", _) = event else { return }
            #expect(bench.store.keys().count == 3)
        }
        let first = try bench.run(graph(bench), sink: sink)
        #expect(bench.states(first) == ["a": "ran", "b": "ran", "c": "ran", "d": "ran"])
        #expect(bench.store.keys().count == 3)
        #expect(RunHistory(bench.store).artifact(of: "b", run: first.run) == nil)

        #expect(
            try bench.plan(graph(bench)).lines == [
                "a: CACHED", "b: CACHED dropped; it is made again when something needs it", "c: CACHED",
                "d: CACHED",
            ])
        let second = try bench.run(graph(bench))
        #expect(second.ok)
        #expect(second.stages["b"]?.artifact == nil)
        #expect(bench.store.keys().count == 3)
    }

    /// `m`, which measures, may go once `e` is made.
    private func measured(_ bench: Bench, gates: [String]) throws -> Graph {
        var spec = pipeline(
            """
            data world: splits
            data a: write text=a
            m: measure models=[a] images=world.test
            e: join parts=[m]
            """, in: bench.folder.url, gates: gates)
        let here = SourceLocation("test.yml", 3, 1)
        spec.nodes[2].entries.append(
            PipelineEntry("ephemeral", at: here, PipelineValue(.scalar("true"), at: here)))
        return try Graph(spec, catalog: fakeStages)
    }

    @Test func `it is made again when a new gate asks for what went with it`() throws {
        let bench = try Bench()
        try bench.run(measured(bench, gates: []))
        let dropped = "m: CACHED dropped; it is made again when something needs it"
        // A fact stays known.
        let fact = try measured(bench, gates: ["m.leakage.exact == 0"])
        #expect(try bench.plan(fact).lines[2] == dropped)
        #expect(try bench.run(fact).gates.map(\.holds) == [true])

        let metric = try measured(bench, gates: ["m.top1 > 0"])
        #expect(try bench.plan(metric).lines[2] == "m: RUN dropped, and the gate 'm.top1 > 0' needs it")
        let sink = RecordingSink()
        let partly = try bench.run(metric, sink: sink, plan: { $0.only = ["e"] })
        #expect(partly.ok && partly.gates.isEmpty)
        #expect(sink.messages == ["the gate 'm.top1 > 0' was not checked: its artifact was dropped"])
        let result = try bench.run(metric)
        #expect(bench.states(result)["m"] == "ran")
        #expect(result.gates.map(\.holds) == [true])
        #expect(try bench.plan(metric).lines.allSatisfy { $0.hasSuffix("CACHED") }, "a gate keeps it")
    }

    @Test func `it is made again when a reader needs it, and goes again`() throws {
        let bench = try Bench()
        let first = try bench.run(graph(bench))
        let changed = try graph(bench, d: "separator=-")
        #expect(
            try bench.plan(changed).lines == [
                "a: CACHED", "b: RUN dropped, and 'd' needs it", "c: CACHED", "d: RUN separator  → -",
            ])
        let result = try bench.run(changed)
        #expect(bench.states(result) == ["a": "cached", "b": "ran", "c": "cached", "d": "ran"])
        #expect(result.stages["c"]?.artifact == first.stages["c"]?.artifact)
        #expect(bench.store.keys().count == 4, "a, c and both versions of d")
        #expect(
            try bench.plan(graph(bench, d: "separator=+")) { $0.only = ["d"] }.lines == [
                "a: CACHED", "b: BLOCKED dropped, and not selected",
                "d: BLOCKED 'b' was dropped, and is not selected; '--from b' makes it again",
            ])
        let blocked = try bench.run(
            graph(bench),
            plan: {
                $0.only = ["c"]
                $0.force = ["c"]
            })
        #expect(blocked.exitCode == .stageFailed)
        #expect(
            blocked.stages["c"]?.message == "'b' was dropped, and is not selected; '--from b' makes it again")
        let made = try bench.run(
            graph(bench),
            plan: {
                $0.from = ["b"]
                $0.force = ["c"]
            })
        #expect(bench.states(made) == ["a": "cached", "b": "ran", "c": "ran", "d": "cached"])
    }

    @Test func `it stays while a reader is not made`() throws {
        let bench = try Bench()
        try bench.run(graph(bench), plan: { $0.until = ["c"] })
        #expect(bench.store.keys().count == 3)
        try bench.run(graph(bench))
        #expect(bench.store.keys().count == 3)
    }

    @Test func `it stays while another run may read it`() throws {
        let bench = try Bench()
        // A run that has begun and is not over.
        let other = try RunFolder(bench.store, spec: graph(bench).spec, plan: bench.plan(graph(bench)))
        try withExtendedLifetime(other) { _ = try bench.run(graph(bench)) }
        #expect(bench.store.keys().count == 4)
    }

    @Test func `a node that is no longer ephemeral is made again`() throws {
        let bench = try Bench()
        try bench.run(graph(bench))
        let plan = try bench.plan(graph(bench, isEphemeral: false))
        #expect(plan.lines.prefix(2) == ["a: CACHED", "b: RUN its artifact is gone"])
        let result = try bench.run(graph(bench, isEphemeral: false))
        #expect(bench.states(result) == ["a": "cached", "b": "ran", "c": "cached", "d": "cached"])
    }
}
