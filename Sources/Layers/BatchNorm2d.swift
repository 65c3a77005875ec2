public import Tensors

/// Where batch normalisation takes its statistics from while training.
public enum BatchNormPolicy: String, Codable, CaseIterable, Hashable, Sendable {
    /// From the batch, as usual.
    case train
    /// From the running statistics, which stay as they are; scale and shift are still trained.
    case frozen
}

/// Normalises each channel of `[B, C, H, W]`, by the batch's statistics or by running ones.
public struct BatchNorm2d {
    let weight, bias: Tensor
    let runningMean, runningVariance, batchCount: Tensor
    let policy: BatchNormPolicy
    let epsilon: Double
    let momentum: Double
    let observer = ChannelObserver()

    /// Claims `weight`, `bias`, `running_mean`, `running_var` and `num_batches_tracked`.
    public init(
        _ scope: Scope, _ channels: Int, policy: BatchNormPolicy = .train, epsilon: Double = 1e-5,
        momentum: Double = 0.1, initial: Initializer = .ones
    ) throws {
        weight = try scope.parameter("weight", channels, initial: initial)
        bias = try scope.parameter("bias", channels, initial: .zeros)
        runningMean = try scope.buffer("running_mean", channels, initial: .zeros)
        runningVariance = try scope.buffer("running_var", channels, initial: .ones)
        batchCount = try scope.buffer("num_batches_tracked", dtype: .int64, initial: .zeros)
        self.policy = policy
        self.epsilon = epsilon
        self.momentum = momentum
    }

    /// Normalises `[B, C, H, W]` and applies an activation.
    ///
    /// In training the running statistics move towards the batch's.
    public func callAsFunction(
        _ x: Tensor, mode: Mode, then activation: Activation = .none
    ) throws -> Tensor {
        try observer.observe(x)
        let training = mode == .training && policy == .train
        if training { try batchCount.add_(1) }
        return try x.batchNorm(
            weight: weight, bias: bias, runningMean: runningMean, runningVariance: runningVariance,
            training: training, momentum: momentum, epsilon: epsilon, then: activation)
    }

    /// What evaluation mode multiplies each channel by, and what it adds then; both in fp64.
    public func affine() throws -> (scale: Tensor, shift: Tensor) {
        let scale = try weight.to(.float64) * (runningVariance.to(.float64) + epsilon).rsqrt()
        return (scale, try bias.to(.float64) - runningMean.to(.float64) * scale)
    }
}

// MARK: - Re-estimation

extension BatchNorm2d {
    /// Takes running statistics from what `layers` see in evaluation mode, and mends scale and shift to match.
    ///
    /// The function of the model in evaluation mode stays as it is. Afterwards training mode, which normalises by
    /// the batch, is close to it: so networks whose statistics were folded away can be trained again.
    public static func reestimate(_ layers: [BatchNorm2d], _ forward: () throws -> Void) throws {
        for layer in layers { layer.observer.begin() }
        defer { for layer in layers { layer.observer.end() } }
        try withoutGradients { try forward() }
        for layer in layers { try layer.adoptObservations() }
    }

    private func adoptObservations() throws {
        guard let (mean, variance) = observer.moments else { return }
        let (oldMean, oldVariance) = try (runningMean.doubles(), runningVariance.doubles())
        var (scales, shifts) = try (weight.doubles(), bias.doubles())
        for channel in mean.indices {
            let slope = scales[channel] / (oldVariance[channel] + epsilon).squareRoot()
            scales[channel] = slope * (variance[channel] + epsilon).squareRoot()
            shifts[channel] += slope * (mean[channel] - oldMean[channel])
        }
        try weight.copy_(Tensor(doubles: scales))
        try bias.copy_(Tensor(doubles: shifts))
        try runningMean.copy_(Tensor(doubles: mean))
        try runningVariance.copy_(Tensor(doubles: variance))
    }
}

/// Collects mean and variance of each channel over many batches, when asked to.
final class ChannelObserver {
    private var isObserving = false
    private var count = 0.0
    private var mean: [Double] = []
    /// The sum of squared differences from the mean.
    private var spread: [Double] = []

    func begin() { (isObserving, count, mean, spread) = (true, 0, [], []) }

    func end() { isObserving = false }

    /// Adds a batch; the moments of parts are combined as Chan, Golub and LeVeque do, without cancellation.
    func observe(_ x: Tensor) throws {
        guard isObserving else { return }
        let shape = x.shape
        let (channels, size) = (shape[1], Double(shape[0] * shape[2] * shape[3]))
        // With a momentum of one the running statistics are the batch's, in one fast pass over it.
        let running = try (
            mean: Tensor.zeros([channels]).to(x.device), variance: Tensor.ones([channels]).to(x.device)
        )
        _ = try x.batchNorm(
            weight: nil, bias: nil, runningMean: running.mean, runningVariance: running.variance,
            training: true, momentum: 1)
        let batchMean = try running.mean.doubles()
        // The unbiased variance of a single value does not exist.
        let batchSpread = try running.variance.doubles().map { size > 1 ? $0 * (size - 1) : 0 }
        if count == 0 { (mean, spread) = (batchMean.map { _ in 0 }, batchMean.map { _ in 0 }) }
        let total = count + size
        for channel in mean.indices {
            let difference = batchMean[channel] - mean[channel]
            spread[channel] += batchSpread[channel] + difference * difference * count * size / total
            mean[channel] += difference * size / total
        }
        count = total
    }

    var moments: (mean: [Double], variance: [Double])? {
        count > 0 ? (mean, spread.map { $0 / count }) : nil
    }
}
