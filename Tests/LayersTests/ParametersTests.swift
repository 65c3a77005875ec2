import Diagnostics
import Foundation
import Layers
import Safetensors
import Tensors
import TestSupport
import Testing

/// A trunk and a head, as models have them.
private struct Tiny {
    let trunk, head: Linear
    let norm: BatchNorm2d

    init(_ scope: Scope, classes: Int = 3) throws {
        trunk = try Linear(scope / "blocks" / 0 / "fc", 4, 2)
        norm = try BatchNorm2d(scope / "norm", 2)
        head = try Linear(scope / "head", 2, classes)
    }
}

@Suite struct ParametersTests {
    private func initialized(seed: UInt64 = 0, classes: Int = 3) throws -> Parameters {
        try Parameters.initialize(generator: Generator(seed: seed)) { try Tiny($0, classes: classes) }
            .parameters
    }

    @Test func `names are PyTorch's, in the order of construction`() throws {
        let parameters = try initialized()
        #expect(
            parameters.named.map(\.name) == [
                "blocks.0.fc.weight", "blocks.0.fc.bias", "norm.weight", "norm.bias", "norm.running_mean",
                "norm.running_var", "norm.num_batches_tracked", "head.weight", "head.bias",
            ])
        #expect(parameters.count == 8 + 2 + 4 + 6 + 3)
        #expect(parameters.named.filter { $0.kind == .buffer }.count == 3)
    }

    @Test func `the same seed gives the same tensors`() throws {
        let values = try [1, 1, 2].map { seed in
            try initialized(seed: seed).named.map { try $0.tensor.floats() }
        }
        #expect(values[0] == values[1])
        #expect(values[0] != values[2])
    }

    @Test func `a foreign checkpoint is refused with every mismatch`() throws {
        var state = try initialized().state()
        state["head.bais"] = state.removeValue(forKey: "head.bias")
        state["extra"] = try .zeros([1])
        state["head.weight"] = try .zeros([3, 5])
        state["norm.num_batches_tracked"] = try .zeros([])
        let error = #expect(throws: CheckpointMismatch.self) { try Parameters.load(state) { try Tiny($0) } }
        #expect(
            error?.description == """
                the checkpoint does not fit the model
                  missing: head.bias (the checkpoint has 'head.bais')
                  unexpected: extra
                  unexpected: head.bais
                  type: norm.num_batches_tracked is float32, expected int64
                  shape: head.weight is [3, 5], expected [3, 2]
                """)
        #expect(error?.diagnostic.exitCode == .badData)
    }

    @Test func `a common prefix is named`() throws {
        let state = try initialized().state()
        let wrapped = Dictionary(uniqueKeysWithValues: state.map { ("module." + $0.key, $0.value) })
        let error = #expect(throws: CheckpointMismatch.self) { try Parameters.load(wrapped) { try Tiny($0) } }
        #expect(error?.diagnostic.hint == "the checkpoint's names begin with 'module.'")
    }

    @Test func `a head for other classes is made afresh only when allowed`() throws {
        let state = try initialized().state()
        let error = #expect(throws: CheckpointMismatch.self) {
            try Parameters.load(state) { try Tiny($0, classes: 5) }
        }
        #expect(error?.reshaped.map(\.name) == ["head.weight", "head.bias"])
        #expect(error?.diagnostic.hint == "only one part of the model differs: it can be re-initialised")

        func load(seed: UInt64, classes: Int) throws -> Parameters {
            try Parameters.load(state, reinitializing: ["head"], generator: Generator(seed: seed)) {
                try Tiny($0, classes: classes)
            }.parameters
        }
        let fresh = try load(seed: 1, classes: 5)
        #expect(fresh.reinitialized == ["head"])
        #expect(fresh["head.weight"]?.shape == [5, 2])
        #expect(try fresh["head.weight"]?.floats() == load(seed: 1, classes: 5)["head.weight"]?.floats())
        #expect(try fresh["blocks.0.fc.weight"]?.floats() == state["blocks.0.fc.weight"]?.floats())
        let same = try load(seed: 1, classes: 3)
        #expect(same.reinitialized.isEmpty)
        #expect(try same["head.weight"]?.floats() == state["head.weight"]?.floats())
    }

    @Test func `a head is renewed as a whole, whatever the checkpoint has of it`() throws {
        var state = try initialized().state()
        state["head.weight"] = nil
        state["head.old"] = try .zeros([1])
        let loaded = try Parameters.load(state, reinitializing: ["head"]) { try Tiny($0) }.parameters
        #expect(loaded.reinitialized == ["head"])
        #expect(try loaded["head.bias"]?.floats() != state["head.bias"]?.floats())
        state["header.weight"] = try .zeros([1])
        #expect(throws: CheckpointMismatch(unexpected: ["header.weight"])) {
            try Parameters.load(state, reinitializing: ["head"]) { try Tiny($0) }
        }
    }

    @Test func `a loaded model does not share memory with its checkpoint`() throws {
        let state = try initialized().state()
        let before = try state["head.weight"]?.floats()
        let loaded = try Parameters.load(state) { try Tiny($0) }.parameters
        try loaded["head.weight"]?.fill_(7.0)
        #expect(try state["head.weight"]?.floats() == before)
    }

    @Test func `a written model is read back, and its bytes depend on its tensors only`() throws {
        let folder = try TemporaryFolder()
        let url = folder.appending("model.safetensors")
        let parameters = try initialized()
        try parameters.write(to: url, metadata: ["architecture": "tiny"])
        let bytes = try Data(contentsOf: url)
        let state = try SafetensorsFile(url).state()
        let loaded = try Parameters.load(state) { try Tiny($0) }.parameters
        for (a, b) in zip(parameters.named, loaded.named) {
            #expect(a.name == b.name && a.tensor.dtype == b.tensor.dtype)
            #expect(try a.tensor.floats() == b.tensor.floats())
        }
        try loaded.write(to: url, metadata: ["architecture": "tiny"])
        #expect(try Data(contentsOf: url) == bytes)
        let other = try initialized(seed: 9)
        try other.restore(state)
        #expect(try other["head.weight"]?.floats() == parameters["head.weight"]?.floats())
        #expect(throws: CheckpointMismatch(missing: ["head.bias"])) {
            try other.restore(state.filter { $0.key != "head.bias" })
        }
    }

    @Test func `half-precision checkpoints become full-precision models`() throws {
        let state = try initialized().state().mapValues { try $0.dtype == .float32 ? $0.to(.bfloat16) : $0 }
        let loaded = try Parameters.load(state) { try Tiny($0) }.parameters
        #expect(loaded["head.weight"]?.dtype == .float32)
    }

    @Test func `frozen parameters are not trained`() throws {
        let parameters = try initialized()
        try parameters.freeze("")
        #expect(parameters.trainable().isEmpty)
        try parameters.unfreeze("head", "nor")
        #expect(parameters.trainable().map(\.name) == ["head.weight", "head.bias"])
        #expect(parameters.trainable("blocks").isEmpty)
        #expect(parameters.trainable("head.bias").map(\.name) == ["head.bias"])
        #expect(parameters["norm.running_mean"]?.requiresGrad == false)
    }

    @Test func `only matrices decay, and the head may learn faster`() throws {
        let groups = try initialized().groups(weightDecay: 0.05) { $0.hasPrefix("head") ? 10 : 1 }
        let summary = groups.map { group in
            "\(group.weightDecay) \(group.learningRateScale) \(group.parameters.map(\.name).joined(separator: " "))"
        }
        #expect(
            summary == [
                "0.05 1.0 blocks.0.fc.weight", "0.0 1.0 blocks.0.fc.bias norm.weight norm.bias",
                "0.05 10.0 head.weight", "0.0 10.0 head.bias",
            ])
    }
}

@Suite struct MovingAverageTests {
    @Test func `averages follow, counters are copied, and the model gets its tensors back`() throws {
        let (_, parameters) = try Parameters.initialize(generator: Generator(seed: 0)) {
            try BatchNorm2d($0, 2)
        }
        let average = try MovingAverage(of: parameters, decay: 0.9)
        try parameters["weight"]?.fill_(3.0)
        try parameters["num_batches_tracked"]?.fill_(5)
        try average.update()
        // The first update keeps 2 / 11.
        let expected = Float(1.0 * 2 / 11 + 3.0 * 9 / 11)
        try average.withAverages {
            let weight = try #require(parameters["weight"])
            #expect(Tolerance.float32.mismatch(try weight.floats(), [expected, expected]) == nil)
            #expect(try parameters["num_batches_tracked"]?.ints() == [5])
        }
        #expect(try parameters["weight"]?.floats() == [3, 3])

        let copy = try MovingAverage(of: parameters, decay: 0.9)
        try copy.restore(average.state(), updates: average.updates)
        try parameters["weight"]?.fill_(-1.0)
        try average.update()
        try copy.update()
        #expect(try copy.state()["weight"]?.floats() == average.state()["weight"]?.floats())
    }

    @Test func `an error inside still gives the tensors back`() throws {
        struct Interrupted: Error {}
        let (_, parameters) = try Parameters.initialize(generator: Generator(seed: 0)) {
            try Linear($0, 2, 2)
        }
        let average = try MovingAverage(of: parameters, decay: 0.5)
        try parameters["bias"]?.fill_(4.0)
        #expect(throws: Interrupted.self) { try average.withAverages { throw Interrupted() } }
        #expect(try parameters["bias"]?.floats() == [4, 4])
    }
}
