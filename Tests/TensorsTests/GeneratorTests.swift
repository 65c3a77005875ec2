import Tensors
import Testing

@Suite struct GeneratorTests {
    @Test func `a seed draws what PyTorch draws, to the bit`() throws {
        let goldens = try Goldens("random.safetensors")
        let generator = try Generator(seed: 20_240_229)
        func expectEqual(_ value: Tensor, _ name: String) throws {
            #expect(try value.shape == goldens[name].shape)
            #expect(try value.bytes() == goldens[name].bytes(), "\(name)")
        }
        try expectEqual(generator.uniform([5, 3]) * 2 - 1, "uniform")
        try expectEqual(generator.normal([7], mean: 0.5, deviation: 2), "normal")
        try expectEqual(generator.normal([40]), "long normal")
        try expectEqual(generator.truncNormal([6, 5], deviation: 0.02), "truncated")
        try expectEqual(
            generator.truncNormal([40], mean: 0.25, deviation: 0.5, low: -0.25, high: 1), "tightly truncated")
        try expectEqual(generator.bernoulli([20], probability: 0.3), "bernoulli")
        try expectEqual(generator.integers([10], in: -3..<9), "integers")
        try expectEqual(generator.randperm(17), "permutation")
        #expect(try generator.state() == goldens["state"].bytes())
        try expectEqual(generator.uniform([4]), "after")
    }

    @Test func `a restored generator draws the same numbers again`() throws {
        let first = try Generator(seed: 1)
        // An odd count of normals leaves half a pair in the state.
        _ = try first.normal([3])
        let state = try first.state()
        let expected = try first.normal([5]).bytes() + first.randperm(9).bytes()
        let second = try Generator(seed: 99)
        try second.restore(state)
        #expect(try second.normal([5]).bytes() + second.randperm(9).bytes() == expected)
        #expect(throws: TorchError.self) { try second.restore([1, 2, 3]) }
    }

    @Test func `dropout keeps the mean, repeats from its generator and passes gradients to what it kept`()
        throws
    {
        let x = try Tensor.ones([1000]).requiresGrad(true)
        let dropped = try x.dropout(0.25, generator: Generator(seed: 5))
        #expect(try dropped.bytes() == x.dropout(0.25, generator: Generator(seed: 5)).bytes())
        let values = try dropped.floats()
        #expect(values.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-6 })
        #expect(abs(values.reduce(0, +) / 1000 - 1) < 0.05)
        try dropped.sum().backward()
        #expect(try x.grad?.floats() == values)
        #expect(try x.dropout(1, generator: Generator(seed: 5)).sum().item() == 0)
    }
}
