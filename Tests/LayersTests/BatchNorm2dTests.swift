import Layers
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct BatchNorm2dTests {
    @Test func `training and evaluation are PyTorch's`() throws {
        let (norm, parameters) = try filled { try BatchNorm2d($0, 3) }
        let file = try SafetensorsFile(results)
        let first = try Fixtures.tensor("batch.0", 4, 3, 2, 2)
        #expect(
            try Tolerance.float32.mismatch(norm(first, mode: .training), file, "batchnorm.training") == nil)
        _ = try norm(Fixtures.tensor("batch.1", 4, 3, 2, 2, scale: 2, offset: 1), mode: .training)
        for name in ["running_mean", "running_var"] {
            let value = try #require(parameters[name])
            #expect(try Tolerance.float32.mismatch(value, file, "batchnorm.\(name)") == nil)
        }
        #expect(try parameters["num_batches_tracked"]?.ints() == [2])
        #expect(
            try Tolerance.float32.mismatch(norm(first, mode: .evaluation), file, "batchnorm.evaluation")
                == nil)
    }

    @Test func `frozen statistics stay, while scale and shift learn`() throws {
        let (norm, parameters) = try filled { try BatchNorm2d($0, 3, policy: .frozen) }
        let before = try parameters.named.map { try $0.tensor.floats() }
        let x = try Fixtures.tensor("batch.0", 4, 3, 2, 2)
        let y = try norm(x, mode: .training)
        #expect(try y.floats() == norm(x, mode: .evaluation).floats())
        #expect(try parameters.named.map { try $0.tensor.floats() } == before)
        try y.sum().backward()
        #expect(try parameters["weight"]?.grad != nil)
        #expect(try parameters["bias"]?.grad != nil)
    }

    @Test func `re-estimated statistics leave the function and mend training`() throws {
        let (norm, parameters) = try filled { try BatchNorm2d($0, 3) }
        let batches = try (0..<3).map {
            try Fixtures.tensor("batch.\($0)", 8 + $0, 3, 5, 4, scale: 2, offset: 1.5)
        }
        let before = try batches.map { try norm($0, mode: .evaluation).floats() }
        try BatchNorm2d.reestimate([norm]) {
            for batch in batches { _ = try norm(batch, mode: .evaluation) }
        }
        for (batch, old) in zip(batches, before) {
            #expect(try Tolerance.float32.mismatch(norm(batch, mode: .evaluation).floats(), old) == nil)
        }
        let all = try Tensor.cat(batches)
        let mean = try all.mean(dims: [0, 2, 3]).floats()
        #expect(try Tolerance.float32.mismatch(#require(parameters["running_mean"]).floats(), mean) == nil)
        let variance = try all.variance(dims: [0, 2, 3], unbiased: false).floats()
        #expect(try Tolerance.float32.mismatch(#require(parameters["running_var"]).floats(), variance) == nil)
        // The batch that the statistics come from is normalised alike in both modes.
        let evaluated = try norm(all, mode: .evaluation).floats()
        #expect(try Tolerance.float32.mismatch(norm(all, mode: .training).floats(), evaluated) == nil)
    }

    @Test func `observation ends with re-estimation`() throws {
        let (norm, parameters) = try filled { try BatchNorm2d($0, 3) }
        struct Interrupted: Error {}
        let x = try Fixtures.tensor("batch.0", 4, 3, 2, 2)
        let before = try parameters.named.map { try $0.tensor.floats() }
        #expect(throws: Interrupted.self) {
            try BatchNorm2d.reestimate([norm]) {
                _ = try norm(x, mode: .evaluation)
                throw Interrupted()
            }
        }
        #expect(try parameters.named.map { try $0.tensor.floats() } == before)
    }
}
