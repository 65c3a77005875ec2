import Tensors
import Testing

/// Our bf16 kernels against fp64, and against libtorch's own operations where the processor has no kernels.
///
/// Tolerances are relative to the largest value: bf16 keeps eight bits, so a single rounding is off by up to 0.004.
@Suite(.serialized) struct KernelTests {
    private func compare(
        _ inputs: [Tensor], shape: [Int], tolerance: Double = 0.008, _ what: String,
        _ body: ([Tensor]) throws -> Tensor
    ) throws {
        let gradient = try Generator(seed: 9).normal(shape, deviation: 1).to(.bfloat16).to(.float32)
        let exact = try KernelReference.run(inputs, .float64, gradient: gradient, body)
        let own = try KernelReference.run(inputs, .bfloat16, gradient: gradient, body)
        // libtorch rounds more often on its way.
        let strict = Torch.hasOwnAttention ? tolerance : 3 * tolerance
        let library = try Torch.withoutOwnKernels {
            try KernelReference.run(inputs, .bfloat16, gradient: gradient, body)
        }
        for (index, expected) in exact.enumerated() {
            #expect(
                try KernelReference.distance(own[index], expected) < strict, "\(what), result \(index)")
            #expect(
                try KernelReference.distance(library[index], expected) < 3 * tolerance,
                "\(what), library's result \(index)")
        }
    }

    private func normal(_ shape: [Int], _ seed: UInt64, deviation: Double = 1) throws -> Tensor {
        try Generator(seed: seed).normal(shape, deviation: deviation)
    }

    // The sizes that the models use (heads of 16 to 80 numbers, 5 to 257 tokens), and odd ones.
    @Test(arguments: [16, 32, 64, 80, 2, 6, 34], [1, 2, 5, 6, 7, 16, 17, 50, 65, 197])
    func `attention and its gradient are those of fp64`(_ size: Int, _ tokens: Int) throws {
        let qkv = try normal([2, tokens, 3 * 2 * size], UInt64(size * 1000 + tokens)).to(.bfloat16)
        try compare([qkv], shape: [2, tokens, 2 * size], "\(tokens) tokens of \(size)") {
            try $0[0].selfAttention(heads: 2)
        }
    }

    @Test(arguments: [1, 2, 3, 8]) func `only the first tokens may ask`(_ count: Int) throws {
        let qkv = try normal([3, 37, 3 * 2 * 16], 4).to(.bfloat16)
        try compare([qkv], shape: [3, count, 32], "\(count) queries") {
            try $0[0].selfAttention(heads: 2, reading: count)
        }
        let all = try autocast(.bfloat16, on: .cpu) { try qkv.selfAttention(heads: 2) }
        let some = try autocast(.bfloat16, on: .cpu) { try qkv.selfAttention(heads: 2, reading: count) }
        #expect(try KernelReference.distance(some, all.slice(dim: 1, from: 0, to: count)) < 0.008)
    }

    @Test func `attention to one thing alone does not overflow`() throws {
        let qkv = try normal([1, 9, 3 * 16], 5, deviation: 60).to(.bfloat16)
        try compare([qkv], shape: [1, 9, 16], tolerance: 0.02, "large products") {
            try $0[0].selfAttention(heads: 1)
        }
    }

    @Test(arguments: [(1, 1, 1), (21, 9, 31), (3, 64, 65), (150, 5, 7)])
    func `the most probable classes are those of fp64`(_ classes: Int, _ height: Int, _ width: Int) throws {
        let logits = try normal([3, classes, height, width], 8, deviation: 4)
        let (numbers, probabilities) = try logits.mostProbableClasses()
        let innermost = try logits.channelsLast().mostProbableClasses()
        #expect(try innermost.classes.floats() == numbers.floats())
        #expect(try innermost.probabilities.floats() == probabilities.floats())
        let (largest, places) = try logits.to(.float64).softmax(1).max(1)
        #expect(try numbers.floats() == places.to(.float32).floats())
        #expect(try zip(probabilities.doubles(), largest.doubles()).allSatisfy { abs($0 - $1) < 1e-5 })
        try Torch.withoutOwnKernels {
            let (other, theirs) = try logits.mostProbableClasses()
            #expect(try other.floats() == numbers.floats())
            #expect(try zip(theirs.doubles(), largest.doubles()).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test(arguments: [false, true])
    func `of equal classes the first wins, and what is not finite spoils its image`(
        _ library: Bool
    ) throws {
        var values = [Float](repeating: 0.5, count: 3 * 4 * 100)
        for place in 0..<100 { values[400 + 2 * 100 + place] = 0.5 + Float(place % 2) }
        values[2 * 400 + 399] = .infinity
        let logits = try Tensor(values, shape: [3, 4, 10, 10])
        func check(_ logits: Tensor) throws {
            let (numbers, probabilities) = try logits.mostProbableClasses()
            let (found, shares) = (try numbers.floats(), try probabilities.floats())
            #expect(
                found[..<100].allSatisfy { $0 == 0 } && shares[..<100].allSatisfy { abs($0 - 0.25) < 1e-5 })
            #expect((0..<100).allSatisfy { found[100 + $0] == ($0 % 2 == 1 ? 2 : 0) })
            #expect(shares[200...].allSatisfy(\.isNaN) && shares[..<200].allSatisfy(\.isFinite))
        }
        let innermost = try logits.channelsLast()
        for logits in [logits, innermost] {
            try library ? Torch.withoutOwnKernels { try check(logits) } : check(logits)
        }
    }

    @Test func `what is not a number stays in its image`() throws {
        var values = try normal([2, 5, 48], 6).floats()
        values[20] = .nan
        values[70] = .infinity
        let qkv = try Tensor(values).reshape(2, 5, 48).to(.bfloat16)
        let out = try autocast(.bfloat16, on: .cpu) { try qkv.selfAttention(heads: 1) }.to(.float32)
        #expect(try out.select(dim: 0, index: 0).floats().contains { $0.isNaN })
        #expect(try out.select(dim: 0, index: 1).floats().allSatisfy(\.isFinite))
    }

    @Test(arguments: [2, 6, 16, 48, 50, 192, 384, 100])
    func `joining a residual stream is adding and normalising`(_ width: Int) throws {
        let (batch, tokens) = (3, 130)
        let stream = try normal([batch, tokens, width], 1)
        let branch = try normal([batch, tokens, width], 2).to(.bfloat16)
        let scale = try normal([width], 3)
        let factors = try Tensor([Float(0), 1.25, 1.25])
        let weight = try normal([width], 4)
        let bias = try normal([width], 5)
        func joined(_ x: [Tensor]) throws -> Tensor {
            let (sum, normed) = try x[0].joined(
                with: x[1], scale: x[2], factors: factors.to(x[0].dtype), weight: x[3], bias: x[4],
                epsilon: 1e-6)
            return try sum.to(normed.dtype) + normed * 2
        }
        try compare(
            [stream, branch, scale, weight, bias], shape: [batch, tokens, width], tolerance: 0.01,
            "width \(width)", joined)
        try compare([stream, weight, bias], shape: [batch, tokens, width], tolerance: 0.01, "no branch") {
            try $0[0].joined(with: nil, weight: $0[1], bias: $0[2], epsilon: 1e-6).normalized
        }
    }

    @Test(arguments: [1, 15, 16, 4099]) func `activations and their slopes are those of fp64`(_ count: Int)
        throws
    {
        let x = try normal([count], 7, deviation: 3).to(.bfloat16)
        try compare([x], shape: [count], "gelu") { try $0[0].gelu() }
        try compare([x], shape: [count], "quick gelu") { try $0[0].quickGELU() }
    }

    @Test func `activations leave channels innermost`() throws {
        let x = try normal([2, 5, 3, 4], 15).to(.bfloat16).channelsLast()
        try compare([x], shape: [2, 5, 3, 4], "gelu of images") { try $0[0].gelu() }
        let out = try autocast(.bfloat16, on: .cpu) { try x.gelu() }
        #expect(try !out.isContiguous && out.permute(0, 2, 3, 1).isContiguous)
    }

    @Test func `an activation far from zero is zero or its argument`() throws {
        let x = try Tensor([Float(-40), 8, 40, .nan, 0, .infinity]).to(.bfloat16)
        func check(_ activation: (Tensor) throws -> Tensor, ofInfinity: Bool = true) throws {
            let out = try autocast(.bfloat16, on: .cpu) { try activation(x) }.floats()
            #expect(abs(out[0]) < 1e-20 && out[1...2] == [8, 40] && out[3].isNaN && out[4] == 0)
            if ofInfinity { #expect(out[5] == .infinity) }
        }
        try check({ try $0.quickGELU() })
        // libtorch's own multiplies infinity by zero on some processors
        try check({ try $0.gelu() }, ofInfinity: Torch.hasOwnKernels)
    }

    @Test(arguments: [1, 255, 256, 257, 700]) func `linear maps keep their weights in fp32`(_ rows: Int)
        throws
    {
        let x = try normal([rows, 24], 8).to(.bfloat16)
        let weight = try normal([40, 24], 9, deviation: 0.2)
        let bias = try normal([40], 10)
        try compare([x, weight, bias], shape: [rows, 40], tolerance: 0.01, "linear") {
            try $0[0].linear(weight: $0[1], bias: $0[2])
        }
        try weight.requiresGrad(true)
        try autocast(.bfloat16, on: .cpu) { try x.linear(weight: weight) }.sum().backward()
        #expect(try #require(try weight.grad).dtype == .float32)
    }

    @Test(.enabled(if: Torch.hasOwnAttention, "libtorch's operations may depend on the threads"))
    func `results do not depend on the number of threads`() throws {
        let qkv = try normal([3, 50, 3 * 4 * 32], 11)
        let weight = try normal([128], 12)
        let bias = try normal([128], 13)
        func results() throws -> [[Float]] {
            let packed = try qkv.clone().requiresGrad(true)
            let (scale, shift) = (try weight.clone().requiresGrad(true), try bias.clone().requiresGrad(true))
            let out = try autocast(.bfloat16, on: .cpu) {
                let read = try packed.to(.bfloat16).selfAttention(heads: 4)
                let stream = try packed.slice(dim: 2, from: 0, to: 128)
                return try stream.joined(with: read, weight: scale, bias: shift, epsilon: 1e-5).normalized
                    .gelu()
            }
            let wide = try out.to(.float32)
            try (wide * wide).sum().backward()
            return try [out, #require(try packed.grad), #require(try scale.grad)].map { try $0.floats() }
        }
        let before = Torch.threads
        defer { try? Torch.setThreads(before) }
        try Torch.setThreads(1)
        let one = try results()
        try Torch.setThreads(4)
        #expect(try results() == one)
    }
}
