import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct RunnerTests {
    @Test func `a second run executes nothing`() throws {
        let bench = try Bench()
        let first = try bench.run(everyday)
        #expect(first.ok)
        #expect(bench.states(first) == ["world": "ran", "teacher": "ran", "student": "ran", "eval": "ran"])
        let sink = RecordingSink()
        let second = try bench.run(everyday, sink: sink)
        #expect(sink.started == [])
        #expect(second.stages.values.allSatisfy { $0.state == .cached })
        #expect(second.stages.mapValues(\.artifact) == first.stages.mapValues(\.artifact))
    }

    @Test func `an artifact's record tells what it is and what it was made from`() throws {
        let bench = try Bench()
        let result = try bench.run(everyday)
        let record = try bench.record(result, "student")
        #expect(record.node == "student")
        #expect(record.kind == "text")
        #expect(record.stage == "train")
        #expect(record.counts == ["steps": 12])
        #expect(record.facts == ["device": .bool(false)])
        #expect(record.retort == ProductVersion.current)
        #expect(record.inputs.map(\.name) == ["data", "start"])
        #expect(record.inputs.map(\.node) == ["world", "teacher"])
        #expect(record.inputs.map(\.selector) == ["val", nil])
        #expect(record.inputs[1].digest == (try bench.record(result, "teacher").digest))
        #expect(record.files.map(\.path) == ["content.txt", "metrics.jsonl"])
        #expect(record.files.map(\.role) == [.content, .record])
        #expect(record.files[0].sha256 == SHA256.digest(of: try bench.text(result, "student")))
        #expect(result.stages["student"]?.artifact == bench.store.folder(of: record.key).path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.store.path("work")) == [])
    }

    @Test func `the same result of a changed stage leaves its readers alone`() throws {
        let bench = try Bench()
        try bench.run("data a: write text=one\nb: length of=a\nc: length of=b")
        let changed = try bench.graph("data a: write text=two\nb: length of=a\nc: length of=b")
        #expect(try bench.plan(changed).stages.map(\.state) == [.run, .run, .run])
        #expect(bench.states(try bench.run(changed)) == ["a": "ran", "b": "ran", "c": "cached"])
    }

    @Test func `a forced stage runs again, and its readers only if the bytes differ`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        let first = try bench.run(graph)
        let second = try bench.run(graph, plan: { $0.force = ["teacher"] })
        #expect(
            bench.states(second) == [
                "world": "cached", "teacher": "ran", "student": "cached", "eval": "cached",
            ])
        #expect(second.stages["teacher"]?.artifact == first.stages["teacher"]?.artifact)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.store.path("work")) == [])
    }

    @Test func `a failure blocks what reads it and stops the rest`() throws {
        let bench = try Bench()
        let text = """
            data a: write text=a
            broken: fail of=a
            reader: length of=broken
            other: length of=a
            """
        let result = try bench.run(text)
        #expect(!result.ok)
        #expect(result.exitCode == .stageFailed)
        #expect(
            bench.states(result) == ["a": "ran", "broken": "failed", "reader": "blocked", "other": "skipped"])
        #expect(
            result.stages["broken"]?.message == "error: broken failed: it is in the nature of this stage")
        let patient = try bench.run(try bench.graph(text), options: { $0.keepsGoing = true })
        #expect(
            bench.states(patient) == ["a": "cached", "broken": "failed", "reader": "blocked", "other": "ran"])
        #expect(bench.store.keys().count == 2)
    }

    @Test func `gates are checked at the end`() throws {
        let bench = try Bench()
        let held = try bench.run(
            try bench.graph(
                everyday, gates: ["eval.leakage.exact == 0", "eval.top1 >= 0.2", "student.steps > 11"]))
        #expect(held.ok)
        #expect(held.gates.map(\.value) == [0, 0.2, 12])
        let failed = try bench.run(
            try bench.graph(everyday, gates: ["eval.leakage.near < 2", "eval.nothing == 0"]))
        #expect(failed.exitCode == .gateFailed)
        #expect(failed.gates.map(\.holds) == [false, false])
        #expect(failed.gates.map(\.value) == [2, nil])
        #expect(failed.gates.map(\.trouble) == [nil, nil])
    }

    @Test func `a gate names the file that it cannot read`() throws {
        let bench = try Bench()
        let spec = pipeline("data a: broken-metrics", in: bench.folder.url, gates: ["a.top1 > 0"])
        let result = try bench.run(try Graph(spec, catalog: [FakeBrokenMetrics.self]))
        #expect(result.gates.map(\.trouble) == ["metrics.json is no JSON"])
        #expect(try RunHistory(bench.store).result(of: result.run)?.gates == result.gates)
    }

    @Test func `the result is the JSON that other programs rely on`() throws {
        let bench = try Bench()
        var result = try bench.run("data a: write text=a")
        result.seconds = 0
        result.stages["a"]?.seconds = 0
        let artifact = try #require(result.stages["a"]?.artifact)
        #expect(
            try CanonicalJSON.text(result) == """
                {"exit":0,"gates":[],"ok":true,"run":"\(result.run)","seconds":0,\
                "stages":{"a":{"artifact":"\(artifact)","seconds":0,"state":"ran"}}}
                """)
    }

    @Test func `a matrix runs at every point`() throws {
        let bench = try Bench()
        let graph = try bench.graph(
            everyday.replacing("steps=12", with: "steps=3"), matrix: [axis("seed", "0", "1", to: ["student"])]
        )
        let result = try bench.run(graph)
        #expect(try bench.text(result, "student[seed=0]") != bench.text(result, "student[seed=1]"))
        #expect(
            try bench.record(result, "eval").inputs.map(\.node) == [
                "teacher", "student[seed=0]", "student[seed=1]", "world",
            ])
        let run = RunHistory(bench.store)
        #expect(
            run.artifact(of: "student[seed=1]", run: result.run)?.path
                == result.stages["student[seed=1]"]?.artifact)
    }

    @Test func `a problem with an input that was opened is located where it was named`() throws {
        let bench = try Bench()
        let result = try bench.run(everyday.replacing("world.train", with: "world.trai"))
        #expect(
            result.stages["teacher"]?.message == """
                test.yml:2:21: error: data: 'world' has no part 'trai'
                  hint: did you mean 'train'?
                """)
        #expect(result.exitCode == .badConfiguration)
    }
}

/// Writes metrics that are none.
private struct FakeBrokenMetrics: Stage {
    static let name: StageName = "broken-metrics"
    static let revision = 1
    static let summary = "Writes metrics that are none."
    static let section = PipelineSection.data
    init() {}
    func run(in context: StageContext) throws -> FakeText {
        try Data("top1: 1".utf8).write(to: context.output.appending(path: "metrics.json"))
        return try FakeText.write("text", in: context)
    }
}
