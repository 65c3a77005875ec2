import Foundation
import TestSupport
import Testing

@testable import Engine

extension Tag { @Tag static var golden: Self }

@Suite struct KeyTests {
    @Test(.tags(.golden)) func `a key never changes by itself`() throws {
        // If this fails, every store in the world is recomputed: change it only on purpose, and say so.
        let bench = try Bench()
        let result = try bench.run("data world: splits\nteacher: train data=world.train learning_rate=1e-2")
        let record = try bench.record(result, "teacher")
        #expect(
            record.components == [
                "kind": "text", "stage": "train", "revision": "1", "numerics": "fp32", "setting.steps": "12",
                "setting.learning_rate": "0.01", "setting.seed": "0", "setting.precision": "fp32",
                "input.data": "a1fe8cea41b803009b7861fb23fb37aeaa4cde6e2366f8d20b02e51290f6943b",
            ])
        #expect(record.key == "70970fcaf075fb7d39d5adf2d43b44122fa44c66617060f013a4b45ee7d083fe")
    }

    @Test func `the key is the digest of the components as JSON`() {
        var components = KeyComponents(values: ["b": "2\"\\\n", "a": "é"])
        #expect(components.key == SHA256.digest(of: #"{"a":"é","b":"2\"\\\u000a"}"#))
        components.values["c"] = ""
        #expect(components.key == SHA256.digest(of: #"{"a":"é","b":"2\"\\\u000a","c":""}"#))
    }

    @Test func `order, spelling, paths, device and workers are not part of the key`() throws {
        let bench = try Bench()
        try bench.folder.write("text", to: "here.txt")
        try bench.folder.write("text", to: "there/it.txt")
        try bench.run(
            "data w: splits\ndata a: read-file path=here.txt\nt: train data=w.val steps=20 learning_rate=1e-1"
        )
        let moved = try bench.graph(
            "data w: splits\ndata a: read-file path=there/it.txt\nt: train learning_rate=0.10 steps=2e1 data=w.val"
        )
        let result = try bench.run(
            moved, options: { $0.execution = ExecutionOptions(device: "cuda:1", threads: 9, workers: 3) })
        #expect(bench.states(result) == ["w": "cached", "a": "cached", "t": "cached"])
        // The record, which is no content, was brought up to date.
        let artifact = URL(filePath: try #require(result.stages["a"]?.artifact))
        #expect(
            try String(contentsOf: artifact.appending(path: "source.json"), encoding: .utf8)
                == bench.folder.appending("there/it.txt").path)
        #expect(bench.states(try bench.run(moved)) == ["w": "cached", "a": "cached", "t": "cached"])
    }

    @Test func `names are part of the key where the artifact holds them`() throws {
        let bench = try Bench()
        let result = try bench.run("data w: splits\na: train data=w.val\nb: measure models=[a] images=w.test")
        let components = try bench.record(result, "b").components
        #expect(components["name"] == "b")
        #expect(components["name.input.models.0"] == "a")
        let renamed = try bench.run(
            "data w: splits\nc: train data=w.val\nb: measure models=[c] images=w.test")
        #expect(bench.states(renamed) == ["w": "cached", "c": "cached", "b": "ran"])
        let moved = try bench.run("data v: splits\nc: train data=v.val\nb: measure models=[c] images=v.test")
        #expect(bench.states(moved) == ["v": "ran", "c": "cached", "b": "ran"])
    }

    @Test func `what is computed in is part of the key`() throws {
        let bench = try Bench()
        let text = "data w: splits\nt: train data=w.val"
        try bench.run(text)
        let plan = try bench.plan(try bench.graph(text + " precision=bf16"))
        #expect(plan.lines[1] == "t: RUN precision fp32 → bf16; numerics fp32 → bf16")
    }
}
