import Tensors
import Testing

/// Our kernels for convolutional networks against fp64, and libtorch's operations in their place.
@Suite(.serialized) struct ConvolutionKernelTests {
    private func normal(_ shape: [Int], _ seed: UInt64, deviation: Double = 1) throws -> Tensor {
        try Generator(seed: seed).normal(shape, deviation: deviation)
    }

    /// Compares in fp32 and in bf16; a bf16 sum of n products is off by about 0.004 of its largest one.
    private func compare(
        _ inputs: [Tensor], shape: [Int], _ what: String, casting: Bool = true,
        _ body: ([Tensor]) throws -> Tensor
    ) throws {
        let gradient = try normal(shape, 99).to(.bfloat16).to(.float32)
        let exact = try KernelReference.run(inputs, .float64, gradient: gradient, body)
        for dtype in casting ? [DType.float32, .bfloat16] : [.float32] {
            let own = try KernelReference.run(inputs, dtype, gradient: gradient, body)
            let library = try Torch.withoutOwnKernels {
                try KernelReference.run(inputs, dtype, gradient: gradient, body)
            }
            let tolerance = dtype == .float32 ? 2e-5 : 0.015
            let strict = Torch.hasOwnKernels ? tolerance : 2 * tolerance
            for (index, expected) in exact.enumerated() {
                #expect(
                    try KernelReference.distance(own[index], expected) < strict,
                    "\(what), \(dtype), result \(index)")
                #expect(
                    try KernelReference.distance(library[index], expected) < 2 * tolerance,
                    "\(what), \(dtype), library's result \(index)")
            }
        }
    }

    @Test(arguments: [(3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (7, 2)], [1, 16, 24, 70])
    func `a depthwise convolution and its gradients are those of fp64`(
        _ kernel: (side: Int, stride: Int), _ channels: Int
    ) throws {
        let (height, width) = (9, 12)
        let padding = kernel.side / 2
        let x = try normal([3, channels, height, width], 1).channelsLast()
        let weight = try normal([channels, 1, kernel.side, kernel.side], 2, deviation: 0.3)
        let bias = try normal([channels], 3)
        let size = [height, width].map { ($0 + 2 * padding - kernel.side) / kernel.stride + 1 }
        try compare(
            [x, weight, bias], shape: [3, channels] + size, "\(kernel) over \(channels) channels"
        ) {
            try $0[0].conv2d(
                weight: $0[1], bias: $0[2], stride: kernel.stride, padding: padding, groups: channels)
        }
    }

    @Test(arguments: [1, 3, 7], [2, 3])
    func `channels may have several outputs, and kernels a single place`(_ side: Int, _ times: Int) throws {
        let x = try normal([2, 20, 6, 8], 1).channelsLast()
        let weight = try normal([20 * times, 1, side, side], 2, deviation: 0.3)
        let size = [6, 8].map { ($0 + 2 * (side / 2) - side) / 2 + 1 }
        try compare([x, weight], shape: [2, 20 * times] + size, "\(times) outputs, kernel \(side)") {
            try $0[0].conv2d(weight: $0[1], stride: 2, padding: side / 2, groups: 20)
        }
    }

    @Test func `a kernel may be larger than its image, and padding smaller`() throws {
        let x = try normal([2, 20, 3, 4], 1).channelsLast()
        let weight = try normal([20, 1, 5, 5], 2, deviation: 0.3)
        try compare([x, weight], shape: [2, 20, 3, 4], "5 over 3") {
            try $0[0].conv2d(weight: $0[1], stride: 1, padding: 2, groups: 20)
        }
        let wide = try normal([2, 20, 8, 9], 1).channelsLast()
        try compare([wide, weight], shape: [2, 20, 2, 3], "without padding") {
            try $0[0].conv2d(weight: $0[1], stride: 2, padding: 0, groups: 20)
        }
    }

    @Test(arguments: [1, 8, 33]) func `a pointwise convolution is a matrix product`(_ outputs: Int) throws {
        let x = try normal([3, 24, 5, 6], 1).channelsLast()
        let weight = try normal([outputs, 24, 1, 1], 2, deviation: 0.3)
        let bias = try normal([outputs], 3)
        try compare([x, weight, bias], shape: [3, outputs, 5, 6], "\(outputs) outputs") {
            try $0[0].conv2d(weight: $0[1], bias: $0[2], stride: 1)
        }
    }

    // In fp32 only: in bf16 what was rounded decides on which side of a bend a number lies.
    @Test(
        arguments: [Activation.none, .relu, .relu6, .hardswish, .silu], [3, 16, 24, 70, 130])
    func `normalising channels and activating them is what fp64 makes of it`(
        _ activation: Activation, _ channels: Int
    ) throws {
        let x = try (normal([4, channels, 9, 10], 1, deviation: 2) + 30).channelsLast()
        let weight = try normal([channels], 2) + 2
        let bias = try normal([channels], 3)
        for training in [true, false] {
            let mean = try Tensor.ones([channels]) * 30
            let variance = try Tensor.ones([channels]) * 4.5
            try compare(
                [x, weight, bias], shape: [4, channels, 9, 10], "\(activation), training: \(training)",
                casting: false
            ) {
                try $0[0].batchNorm(
                    weight: $0[1], bias: $0[2], runningMean: mean.clone().to($0[0].dtype),
                    runningVariance: variance.clone().to($0[0].dtype), training: training, then: activation)
            }
        }
    }

    @Test func `running statistics move as libtorch's do, in fp32 and in bf16`() throws {
        let weight = try Tensor.ones([24])
        let bias = try Tensor.zeros([24])
        func statistics(_ x: Tensor) throws -> [Float] {
            let (mean, variance) = try (Tensor.zeros([24]), Tensor.ones([24]))
            _ = try x.batchNorm(
                weight: weight, bias: bias, runningMean: mean, runningVariance: variance, training: true)
            return try mean.floats() + variance.floats()
        }
        let x = try (normal([4, 24, 5, 5], 1) * 3 + 1).channelsLast()
        for x in [x, try x.to(.bfloat16)] {
            let (own, library) = try (statistics(x), Torch.withoutOwnKernels { try statistics(x) })
            for (a, b) in zip(own, library) { #expect(abs(a - b) < 1e-5) }
        }
    }

    @Test(.enabled(if: Torch.hasOwnKernels, "libtorch's operations may depend on the threads"))
    func `convolutions do not depend on the number of threads`() throws {
        let x = try normal([5, 40, 9, 9], 1).channelsLast()
        let weight = try normal([40, 1, 3, 3], 2)
        let (scale, shift) = (try Tensor.ones([40]), try Tensor.zeros([40]))
        func results() throws -> [[Float]] {
            let inputs = try [x, weight, scale, shift].map { try $0.clone().requiresGrad(true) }
            let out = try inputs[0].conv2d(weight: inputs[1], stride: 2, padding: 1, groups: 40).batchNorm(
                weight: inputs[2], bias: inputs[3], runningMean: Tensor.zeros([40]),
                runningVariance: Tensor.ones([40]), training: true, then: .hardswish)
            try (out * out * out).sum().backward()
            return try inputs.map { try #require(try $0.grad).floats() }
        }
        let before = Torch.threads
        defer { try? Torch.setThreads(before) }
        try Torch.setThreads(1)
        let one = try results()
        try Torch.setThreads(4)
        #expect(try results() == one)
    }
}
