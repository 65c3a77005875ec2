internal import CTorch

/// Gradient descent with momentum, by libtorch's fused kernel.
public final class SGD: Optimizer {
    /// What it updates.
    public let groups: [ParameterGroup]
    /// The learning rate of the next step.
    public var learningRate: Double
    /// How much of the last step is kept.
    public let momentum: Double
    /// Whether the gradient is taken as if the step were already made.
    public let nesterov: Bool

    private let momenta: [[Tensor]]

    /// Creates an optimiser that has made no step.
    public init(
        _ groups: [ParameterGroup], learningRate: Double, momentum: Double = 0, nesterov: Bool = false
    ) throws(TorchError) {
        guard !nesterov || momentum > 0 else {
            throw TorchError(code: .internal, operation: "SGD", message: "Nesterov's step needs a momentum")
        }
        self.groups = groups
        self.learningRate = learningRate
        self.momentum = momentum
        self.nesterov = nesterov
        let remembered = momentum == 0 ? [] : groups
        momenta = try remembered.zeros { (tensor) throws(TorchError) in try tensor.detach().zerosLike() }
    }

    /// Updates every parameter that has a gradient.
    public func step() throws(TorchError) {
        for (index, group) in groups.enumerated() {
            let status = Tensor.withHandles(group.tensors) { parameters in
                Tensor.withHandles(momentum == 0 ? [] : momenta[index]) { momenta in
                    ct_sgd_step(
                        parameters, momenta, Int64(group.parameters.count),
                        learningRate * group.learningRateScale, momentum, group.weightDecay, nesterov)
                }
            }
            try check(status, operation: "SGD.step")
        }
    }

    /// The momenta, named as in PyTorch before the parameter's name.
    public var state: [(name: String, tensor: Tensor)] { groups.named("momentum_buffer", momenta) }
}
