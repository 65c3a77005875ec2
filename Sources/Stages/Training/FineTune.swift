internal import Diagnostics
internal import Engine
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// Trains a model on labelled images: the whole network, or a classifier on its frozen features.
struct FineTune: Stage {
    static let name: StageName = "fine-tune"
    static let revision = 1
    static let summary = "Trains a model on labelled images: the whole network, or a head on frozen features."

    /// What learns.
    enum Scope: String, CaseIterable, SettingValue { case full, probe }

    @Input("The checkpoint to start from; it gets a new classifier if its classes differ.")
    var model: Checkpoint?
    @Setting("An architecture to train from scratch, in place of a checkpoint.") var architecture: String?
    @Input("Labelled images to train on.", role: .training) var train: ImageSet
    @Input("Labelled images on which the accuracy is watched.") var val: ImageSet?

    @Setting("Whether the whole network learns or only its classifier.") var mode: Scope = .full
    @Setting("The side of the images in pixels; by default the model's own.", in: 8...1024) var imageSize:
        Int?
    @Setting("Whether BatchNorm statistics are learnt or kept; by default as the model has it.")
    var batchNorm: BatchNormPolicy?
    @Setting("Passes over the images.", in: 1...) var epochs = 20
    @Setting("Optimizer updates, in place of epochs.", in: 1...) var steps: Int?
    @Setting("Images in each update.", in: 1...) var batchSize = 64
    @Setting("Peak learning rate.", in: 0...10) var learningRate = 5e-4
    @Setting("Learning rate of the classifier, as a multiple of the body's.", in: 0...1000)
    var headLearningRateScale = 1.0
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

    func validate() throws {
        try requireOne(
            $model.isGiven, architecture != nil, "model (a checkpoint)", "architecture (from scratch)")
        try requireCropScale(cropScale)
    }

    func run(in context: StageContext) throws -> Checkpoint {
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(seed))
        let images = try train.labelledRecords(for: "fine-tuning")
        if let val { try requireSameClasses(train.classes, val.classes, "train and val") }
        var loaded = try load(generator, device)
        loaded.card.lineage.append("\(Self.name) \(context.node)")
        let count = steps ?? Recipe.steps(epochs: epochs, count: images.count, batchSize: batchSize)
        var recipe = Recipe(
            steps: count, batchSize: batchSize, learningRate: learningRate, seed: UInt64(seed))
        recipe.headLearningRateScale = headLearningRateScale
        recipe.weightDecay = weightDecay
        recipe.warmup = warmup
        recipe.optimizer = optimizer
        recipe.averageDecay = ema
        recipe.precision = precision
        var training = SupervisedTraining(
            loaded, train: images, validation: try val?.labelledRecords(for: "validation") ?? [],
            provider: try context.provider(for: "train", "val"),
            views: .training(cropScale: cropScale, flip: flip, jitter: jitter), recipe: recipe)
        training.labelSmoothing = labelSmoothing
        training.isProbe = mode == .probe
        training.workers = context.execution.workers
        try training.run(context.trainingSession(generator))
        context.note(recipe, model: loaded)
        context.count("images", images.count)
        return try context.checkpoint(loaded)
    }

    private func load(_ generator: Generator, _ device: Device) throws -> LoadedModel {
        if let model {
            return try LoadedModel.load(
                model.location.directory, device: device, classes: train.classes, imageSize: imageSize,
                options: try batchNormOption(of: model.card.configuration), generator: generator)
        }
        var configuration = try ModelRegistry.defaults(for: architecture ?? "", imageSize: imageSize)
        configuration.options.merge(try batchNormOption(of: configuration)) { $1 }
        return try LoadedModel.initialize(
            configuration, classes: train.classes, generator: generator, device: device)
    }

    private func batchNormOption(of configuration: ModelConfiguration) throws -> [String: ModelOption] {
        guard let batchNorm else { return [:] }
        guard configuration.options["batch_norm"] != nil else {
            throw Diagnostic(
                "\(configuration.architecture) has no BatchNorm, so batch_norm means nothing",
                hint: "leave batch_norm out")
        }
        return ["batch_norm": .string(batchNorm.rawValue)]
    }
}
