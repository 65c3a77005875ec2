internal import Engine
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// Trains a network from scratch on any labelled source: a surrogate foundation model where none is at hand.
struct Pretrain: Stage {
    static let name: StageName = "pretrain"
    static let revision = 1
    static let summary = "Trains a network from scratch on a labelled source: a surrogate foundation model."

    @Input("Labelled images of a broad, generic kind; never of the target task.", role: .training)
    var images: ImageSet
    @Setting("The architecture to train.") var architecture: String
    @Setting("The side of the images in pixels; by default the architecture's own.", in: 8...1024)
    var imageSize: Int?

    @Setting("Passes over the images.", in: 1...) var epochs = 10
    @Setting("Optimizer updates, in place of epochs.", in: 1...) var steps: Int?
    @Setting("Images in each update.", in: 1...) var batchSize = 128
    @Setting("Peak learning rate.", in: 0...10) var learningRate = 1e-3
    @Setting("Decoupled weight decay of matrices and kernels.", in: 0...1) var weightDecay = 0.05
    @Setting("Share of the steps over which the learning rate rises.", in: 0...1) var warmup = 0.05
    @Setting("The update rule.") var optimizer: Recipe.Optimizer = .adamw
    @Setting("Decay of the moving average of the weights; null keeps the last weights.", in: 0...1) var ema:
        Double?
    @Setting("Probability mass spread over the wrong classes.", in: 0...0.9) var labelSmoothing = 0.1
    @Setting("Smallest and largest share of an image that a training crop covers.", in: 0...1)
    var cropScale = [0.35, 1.0]
    @Setting("Whether half of the training views are mirrored.") var flip = true
    @Setting("How far brightness, contrast and saturation stray.", in: 0...1) var jitter = 0.0
    @Setting("Arithmetic of the passes; weights stay in fp32.") var precision: Recipe.Precision = .fp32
    @Setting("Decides initial weights, order, views and noise.", in: 0...) var seed = 0

    func validate() throws { try requireCropScale(cropScale) }

    func run(in context: StageContext) throws -> Checkpoint {
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(seed))
        let records = try images.labelledRecords(for: "pretraining")
        let configuration = try ModelRegistry.defaults(for: architecture, imageSize: imageSize)
        var loaded = try LoadedModel.initialize(
            configuration, classes: images.classes, generator: generator, device: device)
        loaded.card.lineage = ["\(Self.name) \(context.node)"]
        let count = steps ?? Recipe.steps(epochs: epochs, count: records.count, batchSize: batchSize)
        var recipe = Recipe(
            steps: count, batchSize: batchSize, learningRate: learningRate, seed: UInt64(seed))
        recipe.weightDecay = weightDecay
        recipe.warmup = warmup
        recipe.optimizer = optimizer
        recipe.averageDecay = ema
        recipe.precision = precision
        var training = SupervisedTraining(
            loaded, train: records, provider: try context.provider(for: "images"),
            views: .training(cropScale: cropScale, flip: flip, jitter: jitter), recipe: recipe)
        training.labelSmoothing = labelSmoothing
        training.workers = context.execution.workers
        try training.run(context.trainingSession(generator))
        context.note(recipe, model: loaded)
        context.count("images", records.count)
        return try context.checkpoint(loaded)
    }
}
