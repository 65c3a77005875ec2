import Tensors
import Testing

@Suite struct BatchNormTests {
    @Test func `training moves the running statistics as PyTorch does and evaluation uses them`() throws {
        let goldens = try Goldens("batch_norm.safetensors")
        let mean = try Tensor.zeros([3]), variance = try Tensor.ones([3])
        func norm(_ x: Tensor, training: Bool) throws -> Tensor {
            try x.batchNorm(
                weight: Tensor.ones([3]), bias: Tensor.zeros([3]), runningMean: mean,
                runningVariance: variance,
                training: training, momentum: 0.2, epsilon: 1e-3)
        }
        for step in 0..<3 {
            try expectClose(norm(goldens["in\(step)"], training: true), goldens["out\(step)"])
            try expectClose(mean, goldens["mean\(step)"])
            try expectClose(variance, goldens["variance\(step)"])
        }
        try expectClose(norm(goldens["in0"], training: false), goldens["evaluated"])
        try expectClose(mean, goldens["mean2"], "evaluation leaves the statistics alone")
    }
}
