import Layers
import Safetensors
import Tensors
import TestSupport
import Testing

let results = Fixtures.url("layers/results.safetensors")

/// Makes a layer and gives it the weights of the fixtures.
func filled<Layer>(_ build: (Scope) throws -> Layer) throws -> (layer: Layer, parameters: Parameters) {
    let (layer, parameters) = try Parameters.initialize(generator: Generator(seed: 0), build)
    for entry in parameters.named {
        try entry.tensor.copy_(Fixtures.weight(entry.name, entry.tensor.shape))
    }
    return (layer, parameters)
}

@Suite struct Conv2dTests {
    @Test(arguments: [
        (3, 1, 1, 6), (3, 2, 1, 6), (3, 2, 1, 7), (5, 2, 4, 8), (5, 2, 4, 9), (2, 2, 1, 7), (3, 3, 2, 8),
        (1, 2, 1, 5),
    ])
    func `same padding is TensorFlow's`(kernel: Int, stride: Int, groups: Int, size: Int) throws {
        let (conv, _) = try filled {
            try Conv2d($0, 4, 4, kernel: kernel, stride: stride, groups: groups, bias: true, padding: .same)
        }
        let y = try conv(Fixtures.tensor("image", 2, 4, size, size))
        let name = "same.k\(kernel).s\(stride).g\(groups).n\(size)"
        #expect(try Tolerance.float32.mismatch(y, SafetensorsFile(results), name) == nil)
    }

    @Test func `symmetric padding differs from it at even sizes only`() throws {
        let (same, _) = try filled { try Conv2d($0, 4, 4, kernel: 3, stride: 2, padding: .same) }
        let (symmetric, _) = try filled { try Conv2d($0, 4, 4, kernel: 3, stride: 2) }
        for size in [6, 7] {
            let image = try Fixtures.tensor("image", 2, 4, size, size)
            let (a, b) = try (same(image), symmetric(image))
            #expect(a.shape == b.shape)
            #expect(try (a.floats() == b.floats()) == (size == 7))
        }
    }
}

@Suite struct TransformerTests {
    @Test func `a block and its gradients are timm's`() throws {
        let (block, parameters) = try filled { try TransformerBlock($0, width: 12, heads: 3, hidden: 24) }
        let file = try SafetensorsFile(results)
        let x = try Fixtures.tensor("tokens", 2, 5, 12).requiresGrad(true)
        let y = try block(ResidualStream(x), mode: .training).tokens()
        #expect(try Tolerance.float32.mismatch(y, file, "block.output") == nil)
        try (y * Fixtures.tensor("tokens.cotangent", 2, 5, 12)).sum().backward()
        #expect(try Tolerance.float32.mismatch(#require(try x.grad), file, "block.input_gradient") == nil)
        let gradients = try parameters.named.map { ($0.name, try #require(try $0.tensor.grad)) }
        #expect(
            try Tolerance.float32Network.mismatch(Fixtures.probes(gradients), file.floats("block.gradients"))
                == nil)
    }

    @Test func `whole images are dropped, and the others scaled`() throws {
        let drop = DropPath(0.25, generator: try Generator(seed: 1))
        let x = try Tensor.ones([400, 2, 3])
        let rows = try drop(x, mode: .training).reshape(400, 6).floats()
        for row in 0..<400 {
            let values = Set(rows[row * 6..<row * 6 + 6])
            #expect(values == [0] || values == [Float(1 / 0.75)])
        }
        let kept = rows.count { $0 > 0 } / 6
        #expect((270...330).contains(kept))
        let again = DropPath(0.25, generator: try Generator(seed: 1))
        #expect(try again(x, mode: .training).reshape(400, 6).floats() == rows)
        #expect(try drop(x, mode: .evaluation).floats() == x.floats())
    }

    @Test func `patches are read row by row`() throws {
        let (embed, _) = try filled { try PatchEmbed($0, width: 5, patch: 4) }
        let image = try Fixtures.tensor("image", 1, 3, 8, 8)
        let tokens = try embed(image)
        #expect(tokens.shape == [1, 4, 5])
        let second = try embed(image.slice(dim: 2, from: 0, to: 4).slice(dim: 3, from: 4, to: 8))
        #expect(
            try Tolerance.float32.mismatch(
                tokens.select(dim: 1, index: 1).floats(), second.select(dim: 1, index: 0).floats()) == nil)
    }
}

@Suite struct LinearTests {
    @Test func `a projection starts small and without a shift`() throws {
        let (projection, parameters) = try Parameters.initialize(generator: Generator(seed: 3)) {
            try FeatureProjection($0 / "projection", from: 64, to: 48)
        }
        #expect(parameters.named.map(\.name) == ["projection.linear.weight", "projection.linear.bias"])
        #expect(try parameters["projection.linear.bias"]?.floats().allSatisfy { $0 == 0 } == true)
        #expect(try projection(.ones([2, 64])).shape == [2, 48])
    }
}

@Suite struct InitializerTests {
    /// Mean and standard deviation of the weight a layer starts with.
    func moments(_ initial: Initializer, _ shape: (Int, Int, Int, Int)) throws -> (Double, Double) {
        let (weight, _) = try Parameters.initialize(generator: Generator(seed: 5)) {
            try $0.parameter("weight", shape.0, shape.1, shape.2, shape.3, initial: initial)
        }
        let values = try weight.doubles()
        let mean = values.reduce(0, +) / Double(values.count)
        return (
            mean, (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
        )
    }

    @Test func `kaiming looks at the outputs of a group`() throws {
        let (mean, deviation) = try moments(.kaimingFanOut(groups: 64), (64, 8, 5, 5))
        #expect(abs(mean) < 0.01)
        #expect(abs(deviation - (2.0 / 25).squareRoot()) < 0.01)
    }

    @Test func `truncated and uniform weights have PyTorch's spread`() throws {
        #expect(abs(try moments(.truncNormal(), (50, 50, 2, 2)).1 - 0.02) < 0.001)
        #expect(abs(try moments(.fanIn(25), (50, 50, 2, 2)).1 - 0.2 / 3.0.squareRoot()) < 0.005)
    }
}
