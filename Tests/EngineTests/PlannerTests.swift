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
}
