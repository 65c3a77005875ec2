import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct PlannerTests {
    @Test func `planning writes nothing`() throws {
        let bench = try Bench()
        try bench.folder.write("text", to: "file.txt")
        let plan = try bench.plan(try bench.graph("data a: read-file path=file.txt\nb: length of=a"))
        #expect(plan.lines == ["a: RUN it has not run yet", "b: RUN it has not run yet"])
        #expect(plan.detailedExitCode == .workPending)
        #expect(try bench.folder.files() == ["file.txt"])
    }

    @Test func `a changed setting re-runs its stage and what follows, and the plan says why`() throws {
        let bench = try Bench()
        try bench.run(everyday)
        let same = try bench.plan(try bench.graph(everyday))
        #expect(same.lines == ["world: CACHED", "teacher: CACHED", "student: CACHED", "eval: CACHED"])
        #expect(same.detailedExitCode == .ok)
        let changed = try bench.plan(
            try bench.graph(everyday.replacing("teacher steps=12", with: "teacher learning_rate=1 steps=12")))
        #expect(
            changed.lines == [
                "world: CACHED", "teacher: CACHED", "student: RUN learning_rate 0.1 → 1",
                "eval: RUN input models.1 \(try digest(bench, "student")) → made by student",
            ])
    }

    private func digest(_ bench: Bench, _ node: String) throws -> Substring {
        try bench.record(try bench.run(everyday), node).digest.prefix(12)
    }

    @Test func `a changed file re-runs its reader`() throws {
        let bench = try Bench()
        try bench.folder.write("one", to: "file.txt")
        let graph = try bench.graph("data a: read-file path=file.txt")
        try bench.run(graph)
        try bench.folder.write("two", to: "file.txt")
        let (one, two) = (SHA256.digest(of: "one").prefix(12), SHA256.digest(of: "two").prefix(12))
        #expect(try bench.plan(graph).lines == ["a: RUN external file \(one) → \(two)"])
    }

    @Test func `a selector reads only its part`() throws {
        let bench = try Bench()
        try bench.run(everyday)
        let plan = try bench.plan(try bench.graph(everyday.replacing("splits", with: "splits test=other")))
        let world = try #require(plan.stages.first)
        #expect(world.reasons == [KeyDifference("setting.test", old: "test", new: "other")])
        let result = try bench.run(try bench.graph(everyday.replacing("splits", with: "splits test=other")))
        #expect(
            bench.states(result) == ["world": "ran", "teacher": "cached", "student": "cached", "eval": "ran"])
    }

    @Test func `a part that is not there is located and corrected`() throws {
        let bench = try Bench()
        let text = everyday.replacing("world.train", with: "world.trai")
        try bench.run(try bench.graph(text), plan: { $0.only = ["world"] })
        let problems = try #require(throws: Problems.self) { try bench.plan(try bench.graph(text)) }
        #expect(
            problems.description == """
                test.yml:2:21: error: data: 'world' has no part 'trai'
                  hint: did you mean 'train'?
                """)
    }

    @Test func `a missing file is located where it is named`() throws {
        let bench = try Bench()
        let problems = try #require(throws: Problems.self) {
            try bench.plan(
                try bench.graph("data a: read-file path=gone.txt\ndata b: read-file path=gone.txt"))
        }
        let path = bench.folder.appending("gone.txt").path
        #expect(
            problems.description == """
                test.yml:1:6: error: a: cannot read '\(path)': No such file or directory
                test.yml:2:6: error: b: cannot read '\(path)': No such file or directory
                """)
        #expect(problems.exitCode == .inputMissing)
    }

    @Test func `a part of the pipeline can be chosen`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        #expect(
            try bench.plan(graph) { $0.targets = ["teacher"] }.stages.map(\.node) == ["world", "teacher"])
        #expect(try bench.plan(graph) { $0.until = ["teacher"] }.stages.map(\.node) == ["world", "teacher"])
        #expect(
            try bench.plan(graph) { $0.only = ["student"] }.lines == [
                "world: BLOCKED not selected, and not in the store",
                "teacher: BLOCKED 'world' is not in the store",
                "student: BLOCKED 'world' is not in the store; 'teacher' is not in the store",
            ])
        try bench.run(graph, plan: { $0.until = ["teacher"] })
        #expect(
            try bench.plan(graph) { $0.from = ["student"] }.lines == [
                "world: CACHED", "teacher: CACHED", "student: RUN it has not run yet",
                "eval: RUN it has not run yet",
            ])
        #expect(
            try bench.plan(graph) {
                $0.from = ["student"]; $0.until = ["student"]
            }.stages.map(\.state.word) == [
                "cached", "cached", "run",
            ])
        let problems = try #require(throws: Problems.self) { try bench.plan(graph) { $0.only = ["studnet"] } }
        #expect(
            problems.description == """
                error: --only: the pipeline has no stage 'studnet'
                  hint: did you mean 'student'?
                """)
        #expect(problems.exitCode == .usage)
    }

    @Test func `history tells how long a stage will take`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        #expect(try bench.plan(graph).estimatedSeconds == nil)
        try bench.run(graph)
        let history = NodeHistory(bench.store, pipeline: "test")
        for (name, seconds) in [("teacher", 10.0), ("student", 30.0)] {
            let node = try #require(graph.nodes.first { $0.name == name })
            var entry = try #require(history.last(node))
            entry.seconds = seconds
            try history.remember(entry, of: node)
        }
        let plan = try bench.plan(graph) { $0.force = ["student"] }
        var estimate = try #require(plan.stages[2].estimate)
        #expect(estimate.bytes.map { $0 > 64 } == true)
        estimate.bytes = nil
        #expect(estimate == Estimate(seconds: 30, least: 10, most: 30, samples: 2))
        estimate.bytes = 70
        #expect(
            try CanonicalJSON.text(estimate) == #"{"bytes":70,"expected":30,"samples":2,"seconds":[10,30]}"#)
        let other = try bench.graph("data world: splits val=x\nnewcomer: train data=world.val")
        #expect(try bench.plan(other).stages[1].estimate?.seconds == 30)
    }

    @Test func `a plan can be written as JSON`() throws {
        let bench = try Bench()
        let plan = try bench.plan(try bench.graph("data a: write text=a"))
        let key = try #require(plan.stages[0].key)
        #expect(
            try CanonicalJSON.text(plan) == """
                {"stages":{"a":{"key":"\(key)","node":"a","reasons":[{"component":"note","new":"it has not run yet"}],\
                "stage":"write","state":"run"}}}
                """)
    }

    @Test func `what another process makes right now is said to be so`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        var dead = ProcessOwner.current()
        dead.birth = "1"
        let sink = RecordingSink(
            atStep(8) {
                let lines = (try? bench.plan(graph).lines) ?? []
                let busy = lines.filter { $0.hasSuffix(" process \(getpid()) is making it right now") }
                #expect(busy.count == 1)
                #expect(busy[0].hasPrefix("teacher: RESUME ") || busy[0].hasPrefix("student: RESUME "))
            })
        #expect(try bench.run(graph, sink: sink).ok)

        // A lock without a living holder means nothing.
        let plan = try bench.plan(try bench.graph("data a: write text=a"))
        let lock = bench.store.path("work/\(try #require(plan.stages[0].key)).lock")
        try CanonicalJSON.document(dead).write(to: URL(filePath: lock))
        #expect(try bench.plan(bench.graph("data a: write text=a")).lines == ["a: RUN it has not run yet"])
        var elsewhere = ProcessOwner.current()
        (elsewhere.host, elsewhere.pid, elsewhere.heartbeat) = ("n5", 7, "2026-01-02T03:04:05.000Z")
        try CanonicalJSON.document(elsewhere).write(to: URL(filePath: lock))
        #expect(
            try bench.plan(bench.graph("data a: write text=a")).lines == [
                "a: RUN process 7 on n5 has begun it, and was alive at 2026-01-02T03:04:05.000Z"
            ])
    }

    @Test func `a selection that leaves nothing, or not what is forced, is refused`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        func problem(_ change: (inout PlanOptions) -> Void) throws -> String {
            let problem = try #require(throws: Diagnostic.self) { try bench.plan(graph, change) }
            #expect(problem.exitCode == .usage)
            return problem.description
        }
        #expect(
            try problem { ($0.from, $0.until) = (["eval"], ["teacher"]) } == """
                error: no stage is left by '--until teacher --from eval'
                  hint: --from leaves what is made from a stage, --until what a stage is made from
                """)
        #expect(
            try problem { ($0.force, $0.only) = (["teacher"], ["student"]) } == """
                error: --force: 'teacher' is not among the stages that '--only student' leaves
                  hint: select it, too, or leave '--force teacher' out
                """)
        #expect(
            try problem { ($0.from, $0.targets) = (["eval"], ["teacher"]) }.hasPrefix(
                "error: no stage is left by 'teacher --from eval'\n"))
        let unknown = try #require(throws: Problems.self) {
            try bench.plan(graph) { $0.targets = ["teachr"] }
        }
        #expect(
            unknown.description
                == "error: the pipeline has no stage 'teachr'\n  hint: did you mean 'teacher'?")
        let nothingLike = try #require(throws: Problems.self) {
            try bench.plan(graph) { $0.only = ["nope"] }
        }
        #expect(
            nothingLike.description == """
                error: --only: the pipeline has no stage 'nope'
                  hint: the stages are world, teacher, student, eval
                """)
        let many = try bench.graph(
            "data a: write text=a\n" + (0..<20).map { "n\($0): length of=a" }.joined(separator: "\n"))
        let among = try #require(throws: Problems.self) { try bench.plan(many) { $0.force = ["nope"] } }
        #expect(
            among.description == """
                error: --force: the pipeline has no stage 'nope'
                  hint: the stages are a, n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 and 9 more
                """)
        #expect(try bench.folder.files() == [])
    }

    @Test(arguments: ["", "/below"])
    func `a file where the store should be is said to be none`(_ below: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("a file", to: "FILE").path
        let store = Store(root: URL(filePath: file + below))
        let graph = try Graph(pipeline("data a: write text=a", in: folder.url), catalog: fakeStages)
        let problem = try #require(throws: Diagnostic.self) { try Planner(graph, store).plan() }
        let place = below.isEmpty ? "" : ": '\(file)' is none"
        #expect(
            problem.description == """
                error: the store '\(file)\(below)' is no folder\(place)
                  hint: name a folder with --store or RETORT_HOME; the first run makes it
                """)
        #expect(problem.exitCode == .inputMissing)
        #expect(store.workers(at: "key") == nil)
    }

    @Test func `a stage whose time its settings decide is estimated by the same settings of the same node`()
        throws
    {
        let bench = try Bench()
        let graph = try bench.graph("data a: timed text=one\ndata b: timed text=two")
        try bench.run(graph)
        let history = NodeHistory(bench.store, pipeline: "test")
        for (node, seconds) in zip(graph.nodes, [10.0, 30.0]) {
            var entry = try #require(history.last(node))
            entry.seconds = seconds
            try history.remember(entry, of: node)
        }
        let forced = try bench.plan(graph) { $0.force = ["a"] }
        #expect(forced.stages[0].estimate?.seconds == 10)
        #expect(forced.stages[0].estimate?.samples == 1)
        let changed = try bench.graph("data a: timed text=two\ndata c: timed text=one")
        #expect(try bench.plan(changed).stages.map(\.estimate) == [nil, nil])
    }
}
