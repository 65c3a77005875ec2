import Tensors
import Testing

@Suite struct OptimizerTests {
    /// A linear regression with one optimiser, as in Scripts/fixtures/tensors.py.
    private struct Regression {
        let x, y, weight, bias, average: Tensor
        let optimizer: any Optimizer

        init(_ goldens: Goldens, _ make: ([ParameterGroup]) throws -> any Optimizer) throws {
            (x, y) = try (goldens["x"], goldens["y"])
            weight = try goldens["weight"].requiresGrad(true)
            bias = try goldens["bias"].requiresGrad(true)
            average = try weight.detach().clone()
            optimizer = try make([
                ParameterGroup([("weight", weight)], weightDecay: 0.1),
                ParameterGroup([("bias", bias)], learningRateScale: 0.5),
            ])
        }

        func step() throws -> (loss: Tensor, norm: Double) {
            try optimizer.zeroGrad()
            let loss = try x.linear(weight: weight, bias: bias).mseLoss(y)
            try loss.backward()
            let norm = try clipGradNorm(optimizer.parameters, maxNorm: 0.5).item()
            try optimizer.step()
            try updateAverages([average], of: [weight], decay: 0.9)
            return (try loss.detach(), norm)
        }
    }

    private static func make(_ name: String) -> ([ParameterGroup]) throws -> any Optimizer {
        { groups in
            switch name {
            case "adamw": try AdamW(groups, learningRate: 0.05, betas: (0.9, 0.95), epsilon: 1e-6)
            case "sgd": try SGD(groups, learningRate: 0.05, momentum: 0.9, nesterov: true)
            default: try SGD(groups, learningRate: 0.05)
            }
        }
    }

    @Test(arguments: ["adamw", "sgd", "plain"])
    func `five steps of an optimiser equal PyTorch's`(name: String) throws {
        let goldens = try Goldens("optimizers.safetensors")
        let regression = try Regression(goldens, Self.make(name))
        for step in 0..<5 {
            let (loss, norm) = try regression.step()
            try expectClose(loss, goldens["\(name).\(step).loss"])
            try expectClose(Tensor(scalar: norm), goldens["\(name).\(step).norm"])
            try expectClose(regression.weight.detach(), goldens["\(name).\(step).weight"])
            try expectClose(regression.bias.detach(), goldens["\(name).\(step).bias"])
            try expectClose(regression.average, goldens["\(name).\(step).average"])
        }
    }

    @Test(arguments: ["adamw", "sgd"])
    func `a restored optimiser goes on bit by bit`(name: String) throws {
        let goldens = try Goldens("optimizers.safetensors")
        let first = try Regression(goldens, Self.make(name))
        for _ in 0..<3 { _ = try first.step() }
        let second = try Regression(goldens, Self.make(name))
        try second.weight.copy_(first.weight)
        try second.bias.copy_(first.bias)
        // As a checkpoint does it: through bytes.
        var saved: [String: Tensor] = [:]
        for (key, tensor) in first.optimizer.state {
            saved[key] = try tensor.bytes().withUnsafeBytes {
                try Tensor(bytes: $0, shape: tensor.shape, dtype: tensor.dtype)
            }
        }
        try second.optimizer.restore(saved)
        for _ in 0..<3 { _ = try (first.step(), second.step()) }
        #expect(try first.weight.bytes() == second.weight.bytes())
        #expect(try first.bias.bytes() == second.bias.bytes())
    }

    @Test func `state is named after its parameters, and a state that lacks some is refused`() throws {
        let regression = try Regression(Goldens("optimizers.safetensors"), Self.make("adamw"))
        let state = regression.optimizer.state
        #expect(
            state.map(\.name) == [
                "exp_avg.weight", "exp_avg.bias", "exp_avg_sq.weight", "exp_avg_sq.bias", "step.weight",
                "step.bias",
            ])
        let partial = Dictionary(uniqueKeysWithValues: state.dropLast().map { ($0.name, $0.tensor) })
        let error = #expect(throws: TorchError.self) { try regression.optimizer.restore(partial) }
        #expect(error?.message == "the saved state lacks, or has in another shape, step.bias")
    }

    @Test func `parameters without a gradient stay as they are`() throws {
        let used = try Tensor.ones([2]).requiresGrad(true)
        let unused = try Tensor.ones([2]).requiresGrad(true)
        let groups = [ParameterGroup([("used", used), ("unused", unused)], weightDecay: 0.5)]
        let optimizers: [any Optimizer] = try [
            AdamW(groups, learningRate: 0.1), SGD(groups, learningRate: 0.1, momentum: 0.9),
        ]
        for optimizer in optimizers {
            try optimizer.zeroGrad()
            try used.sum().backward()
            try optimizer.step()
        }
        #expect(try unused.floats() == [1, 1])
        #expect(try used.floats()[0] < 0.9)
    }

    @Test func `gradients follow the layout of a channels-last weight through fused steps`() throws {
        // The fused kernels walk memory, so weight, gradient and state have to agree on its order.
        let values = (0..<36).map { Float($0) / 36 }
        let image = try Tensor((0..<32).map { Float($0 % 7) }, shape: [1, 2, 4, 4])
        func trained(_ layout: (Tensor) throws -> Tensor) throws -> [Float] {
            let weight = try layout(Tensor(values, shape: [2, 2, 3, 3])).detach().requiresGrad(true)
            let optimizer = try AdamW([ParameterGroup([("weight", weight)])], learningRate: 0.1)
            for _ in 0..<3 {
                try optimizer.zeroGrad()
                let output = try layout(image).conv2d(weight: weight, stride: 1)
                try (output * output).sum().backward()
                try optimizer.step()
            }
            return try weight.floats()
        }
        let plain = try trained { $0 }
        let channelsLast = try trained { try $0.channelsLast() }
        for (a, b) in zip(plain, channelsLast) { #expect(abs(a - b) < 1e-4) }
    }

    @Test func `averages follow floats and copy integers`() throws {
        let average = try Tensor([1, 2] as [Float]), counter = try Tensor([7])
        try updateAverages(
            [average, counter], of: [Tensor([3, 4] as [Float]), Tensor([9])], decay: 0.5)
        #expect(try average.floats() == [2, 3])
        #expect(try counter.ints() == [9])
    }
}
