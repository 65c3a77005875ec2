public import Layers

/// How long, how fast and with which optimizer a model is trained.
public struct Recipe: Hashable, Sendable {
    /// The arithmetic of the forward and backward pass; weights and optimizer state stay in fp32.
    public enum Precision: String, CaseIterable, Sendable { case fp32, bf16 }

    /// The update rule.
    public enum Optimizer: String, CaseIterable, Sendable { case adamw, sgd }

    /// The number of optimizer updates.
    public var steps: Int
    /// Images in each update.
    public var batchSize: Int
    /// The peak learning rate.
    public var learningRate: Double
    /// The peak learning rate of the head, as a multiple of the body's.
    public var headLearningRateScale = 1.0
    /// Decoupled weight decay of matrices and kernels; vectors (biases, norms) have none.
    public var weightDecay = 0.05
    /// The share of the steps over which the learning rate rises linearly from zero.
    public var warmup = 0.05
    /// What the learning rate does after its rise.
    public var schedule = Schedule.Shape.cosine
    /// What the learning rate is multiplied by from each layer to the one below it; one treats all alike.
    public var layerDecay = 1.0
    /// The update rule.
    public var optimizer = Optimizer.adamw
    /// The decay of the exponential moving average of the weights; nil keeps the last weights.
    public var averageDecay: Double?
    /// The largest global gradient norm; nil never clips.
    public var gradientClip: Double? = 1
    /// The most images that pass through the network at once; nil takes the whole batch.
    ///
    /// Gradients are summed over the parts, so the update is the same, except where the network looks across
    /// images: batch normalisation then sees the part alone.
    public var microBatch: Int?
    /// The validations in a row without a new best after which training stops; nil never stops early.
    ///
    /// The weights of the best validation are kept.
    public var patience: Int?
    /// The seconds after which training stops, all sessions together; nil sets no limit.
    public var maxSeconds: Double?
    /// The arithmetic of the passes.
    public var precision = Precision.fp32
    /// Decides initial weights, order, views and noise.
    public var seed: UInt64

    /// Creates a recipe with the usual values for what is not named.
    public init(steps: Int, batchSize: Int, learningRate: Double, seed: UInt64) {
        self.steps = steps
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.seed = seed
    }

    /// The number of updates that shows each of `count` images `epochs` times.
    public static func steps(epochs: Int, count: Int, batchSize: Int) -> Int {
        max(1, (epochs * count + batchSize - 1) / batchSize)
    }
}
