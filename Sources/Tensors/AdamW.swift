internal import CTorch

/// Adam with weight decay apart from the gradient, by libtorch's fused kernel.
public final class AdamW: Optimizer {
    /// What it updates.
    public let groups: [ParameterGroup]
    /// The learning rate of the next step.
    public var learningRate: Double
    /// How slowly the averages of gradients and of their squares follow.
    public let betas: (Double, Double)
    /// Added to the root of the squares' average.
    public let epsilon: Double

    private let means, squares, steps: [[Tensor]]

    /// Creates an optimiser that has made no step.
    public init(
        _ groups: [ParameterGroup], learningRate: Double, betas: (Double, Double) = (0.9, 0.999),
        epsilon: Double = 1e-8
    ) throws(TorchError) {
        self.groups = groups
        self.learningRate = learningRate
        self.betas = betas
        self.epsilon = epsilon
        means = try groups.zeros { (tensor) throws(TorchError) in try tensor.detach().zerosLike() }
        squares = try groups.zeros { (tensor) throws(TorchError) in try tensor.detach().zerosLike() }
        steps = try groups.zeros { (tensor) throws(TorchError) in try Tensor.zeros([], device: tensor.device)
        }
    }

    /// Updates every parameter that has a gradient.
    public func step() throws(TorchError) {
        for (index, group) in groups.enumerated() {
            let status = Tensor.withHandles(group.tensors) { parameters in
                Tensor.withHandles(means[index]) { means in
                    Tensor.withHandles(squares[index]) { squares in
                        Tensor.withHandles(steps[index]) { steps in
                            ct_adamw_step(
                                parameters, means, squares, steps, Int64(group.parameters.count),
                                learningRate * group.learningRateScale, betas.0, betas.1, epsilon,
                                group.weightDecay)
                        }
                    }
                }
            }
            try check(status, operation: "AdamW.step")
        }
    }

    /// The averages and step counts, named as in PyTorch before the parameter's name.
    public var state: [(name: String, tensor: Tensor)] {
        groups.named("exp_avg", means) + groups.named("exp_avg_sq", squares) + groups.named("step", steps)
    }
}

extension [ParameterGroup] {
    /// One tensor for each parameter of each group.
    func zeros(
        _ make: (Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> [[Tensor]] {
        var result: [[Tensor]] = []
        for group in self {
            var tensors: [Tensor] = []
            for (_, tensor) in group.parameters { tensors.append(try make(tensor)) }
            result.append(tensors)
        }
        return result
    }

    /// Tensors of the same layout as this list, each under `prefix.` and its parameter's name.
    func named(_ prefix: String, _ tensors: [[Tensor]]) -> [(name: String, tensor: Tensor)] {
        zip(self, tensors).flatMap { group, tensors in
            zip(group.parameters, tensors).map { (name: "\(prefix).\($0.name)", tensor: $1) }
        }
    }
}
