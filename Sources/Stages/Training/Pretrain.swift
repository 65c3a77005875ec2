internal import Engine
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// Trains a network from scratch on any labelled source: a surrogate foundation model where none is at hand.
struct Pretrain: Stage {
    static let name: StageName = "pretrain"
    static let revision = 2
    static let sharing = WorkSharing.sums
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
    @Setting("Probability mass spread over the wrong classes.", in: 0...0.9) var labelSmoothing = 0.1

    let optimization = OptimizationSettings()
    let views = ViewSettings()

    func validate() throws { try views.validate() }

    func run(in context: StageContext) throws -> Checkpoint {
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(optimization.seed))
        let records = try images.labelledRecords(for: "pretraining")
        let configuration = try ModelRegistry.defaults(for: architecture, imageSize: imageSize)
        var loaded = try LoadedModel.initialize(
            configuration, classes: images.classes, generator: generator, device: device)
        loaded.card.lineage = ["\(Self.name) \(context.node)"]
        let count = steps ?? Recipe.steps(epochs: epochs, count: records.count, batchSize: batchSize)
        let recipe = optimization.recipe(
            steps: count, batchSize: batchSize, learningRate: learningRate)
        var training = SupervisedTraining(
            loaded, train: records, provider: try context.provider(for: "images"),
            views: views.policy, recipe: recipe)
        training.labelSmoothing = labelSmoothing
        training.workers = context.execution.workers
        let end = try training.run(context.trainingSession(generator))
        try context.gather()
        try context.note(recipe, end, model: loaded)
        context.count("images", records.count)
        return try context.checkpoint(loaded)
    }
}
