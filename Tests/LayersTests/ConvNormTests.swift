import Layers
import Tensors
import TestSupport
import Testing

@Suite struct ConvNormTests {
    @Test(arguments: [1, 4]) func `one convolution does the same in evaluation mode`(groups: Int) throws {
        let (pair, parameters) = try filled {
            try ConvNorm($0, 4, 8, kernel: 3, stride: 2, groups: groups)
        }
        #expect(parameters.named.map(\.name).prefix(2) == ["conv.weight", "bn.weight"])
        let image = try Fixtures.tensor("image", 2, 4, 6, 6)
        let (weight, bias) = try pair.folded()
        let single = try image.to(.float64)
            .conv2d(weight: weight, bias: bias, stride: 2, padding: 1, groups: groups)
        #expect(
            try Tolerance.float32.mismatch(
                pair(image, mode: .evaluation).floats(), single.to(.float32).floats()) == nil)
    }
}

@Suite struct SqueezeExciteTests {
    @Test(arguments: [SqueezeExcite.Gate.sigmoid, .hardsigmoid])
    func `channels are weighed by their means`(gate: SqueezeExcite.Gate) throws {
        let (squeeze, parameters) = try filled { try SqueezeExcite($0, 6, reduced: 2, gate: gate) }
        #expect(parameters.named.map(\.name) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"])
        let x = try Fixtures.tensor("image", 2, 6, 4, 4)
        let weights = try withoutGradients { try (squeeze(x) / x).reshape(12, 16).floats() }
        for row in 0..<12 {
            let values = weights[row * 16..<row * 16 + 16]
            #expect(values.allSatisfy { abs($0 - values[row * 16]) < 1e-4 && $0 > 0 && $0 < 1 })
        }
        #expect(Set(weights.map { ($0 * 1000).rounded() }).count > 6)
    }
}

@Suite struct LayerScale2dTests {
    @Test func `channels are scaled, a little at first, and the factors do not decay`() throws {
        let (scale, parameters) = try Parameters.initialize(generator: Generator(seed: 0)) {
            try LayerScale2d($0, 3)
        }
        #expect(try scale(.ones([1, 3, 1, 1])).floats() == [1e-5, 1e-5, 1e-5])
        #expect(parameters["gamma"]?.shape == [3, 1, 1])
        #expect(parameters.groups(weightDecay: 0.1).map(\.weightDecay) == [0])
        try parameters["gamma"]?.copy_(Tensor([1, 2, 3] as [Float], shape: [3, 1, 1]))
        #expect(try scale(.ones([1, 3, 1, 2])).floats() == [1, 1, 2, 2, 3, 3])
        #expect(try scale.factors().doubles() == [1, 2, 3])
    }
}

@Suite struct StridedPointwiseTests {
    /// libtorch's own backward pass damages memory here; see `Conv2d`.
    @Test(arguments: [7, 8]) func `few channels are seen at every second place`(size: Int) throws {
        let (conv, parameters) = try filled { try Conv2d($0, 3, 16, kernel: 1, stride: 2, bias: true) }
        let image = try Fixtures.tensor("image", 2, 3, size, size).channelsLast()
        let y = try conv(image)
        let direct = try withoutGradients {
            try image.conv2d(weight: conv.weight, bias: conv.bias, stride: 2)
        }
        #expect(y.shape == [2, 16, 4, 4])
        #expect(y.isChannelsLast)
        #expect(try Tolerance.float32.mismatch(y.floats(), direct.floats()) == nil)
        try y.sum().backward()
        let gradient = try #require(try parameters["weight"]?.grad)
        let places = try image.slice(dim: 2, step: 2).slice(dim: 3, step: 2)
        let sums = try places.sum(0, 2, 3).floats()
        let expected = (0..<16).flatMap { _ in sums }
        #expect(try Tolerance.float32.mismatch(gradient.floats(), expected) == nil)
    }
}
