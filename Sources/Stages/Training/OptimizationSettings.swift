internal import Diagnostics
internal import Engine
internal import Layers
internal import Training
internal import Vision

/// How weights are moved: what every training stage can be told.
struct OptimizationSettings: SettingGroup {
    @Setting("Decoupled weight decay of matrices and kernels.", in: 0...1) var weightDecay = 0.05
    @Setting("Share of the steps over which the learning rate rises.", in: 0...1) var warmup = 0.05
    @Setting("What the learning rate does after its rise.") var schedule: Schedule.Shape = .cosine
    @Setting("The update rule.") var optimizer: Recipe.Optimizer = .adamw
    @Setting("Largest global norm of the gradient; null never clips.", in: 0...1e6)
    var gradientClip: Double? = 1
    @Setting("Decay of the moving average of the weights; null keeps the last weights.", in: 0...1)
    var ema: Double?
    @Setting("Most images that pass through the network at once; null takes the whole batch.", in: 1...)
    var microBatch: Int?
    @Setting("Seconds after which training stops; the result then depends on the machine.", in: 0...)
    var maxSeconds: Double?
    @Setting("Arithmetic of the passes; weights stay in fp32.") var precision: Recipe.Precision = .fp32
    @Setting("Decides initial weights, order, views and noise.", in: 0...) var seed = 0

    /// A recipe with these settings.
    func recipe(steps: Int, batchSize: Int, learningRate: Double) -> Recipe {
        var recipe = Recipe(
            steps: steps, batchSize: batchSize, learningRate: learningRate, seed: UInt64(seed))
        recipe.weightDecay = weightDecay
        recipe.warmup = warmup
        recipe.schedule = schedule
        recipe.optimizer = optimizer
        recipe.gradientClip = gradientClip
        recipe.averageDecay = ema
        recipe.microBatch = microBatch
        recipe.maxSeconds = maxSeconds
        recipe.precision = precision
        return recipe
    }
}

/// How training views are drawn.
struct ViewSettings: SettingGroup {
    @Setting("Smallest and largest share of an image that a training view covers.", in: 0...1)
    var cropScale = [0.35, 1.0]
    @Setting("Whether half of the training views are mirrored.") var flip = true
    @Setting("How far brightness, contrast and saturation stray.", in: 0...1) var jitter = 0.0

    func validate() throws {
        if cropScale.count != 2 || cropScale[0] <= 0 || cropScale[0] > cropScale[1] {
            throw Diagnostic(
                "crop_scale needs two numbers, 0 < smallest <= largest <= 1", hint: "crop_scale: [0.35, 1.0]")
        }
    }

    /// The policy with these settings.
    var policy: ViewPolicy {
        .training(
            TrainingViews(
                scale: cropScale[0]...cropScale[1], flip: flip ? 0.5 : 0, brightness: jitter,
                contrast: jitter, saturation: jitter))
    }
}
