internal import Diagnostics
internal import Engine
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// Trains a model on labelled images: the whole network, or a classifier on its frozen features.
///
/// Images with masks make it a model that names pixels; those with depths or normals one that estimates them.
struct FineTune: Stage {
    static let name: StageName = "fine-tune"
    static let revision = 2
    static let summary = "Trains a model on labelled images: the whole network, or a head on frozen features."

    /// What learns.
    enum Scope: String, CaseIterable, SettingValue { case full, probe }

    @Input("The checkpoint to start from; it gets a new classifier if its classes differ.")
    var model: Checkpoint?
    @Setting("An architecture to train from scratch, in place of a checkpoint.") var architecture: String?
    @Input("Labelled images, or images with masks or other maps, to train on.", role: .training)
    var train: ImageSet
    @Input("Labelled images on which the accuracy is watched.") var val: ImageSet?
    @Setting("What is learnt of every pixel; by default what masks say, or nothing where there are labels.")
    var task: DenseTask?
    @Setting("How normals are compared.") var normalLoss: Loss.NormalDistance = .cosine

    @Setting("Whether the whole network learns or only its classifier.") var mode: Scope = .full
    @Setting("The side of the images in pixels; by default the model's own.", in: 8...1024) var imageSize:
        Int?
    @Setting(
        "How features become logits; by default as the model has it where that fits the images, else linear or "
            + "linear-dense.")
    var head: ModelHead?
    @Setting(
        "What the last map may be smaller by than the image, 8, 16 or 32; by default as the model has it.",
        in: 8...32)
    var outputStride: Int?
    @Setting("Whether BatchNorm statistics are learnt or kept; by default as the model has it.")
    var batchNorm: BatchNormPolicy?
    @Setting("Passes over the images.", in: 1...) var epochs = 20
    @Setting("Optimizer updates, in place of epochs.", in: 1...) var steps: Int?
    @Setting("Images in each update.", in: 1...) var batchSize = 64
    @Setting("Peak learning rate.", in: 0...10) var learningRate = 5e-4
    @Setting("Learning rate of the classifier, as a multiple of the body's.", in: 0...1000)
    var headLearningRateScale = 1.0
    @Setting("What the learning rate is multiplied by from each layer to the one below it.", in: 0...1)
    var layerDecay = 1.0
    @Setting("Validations without a new best after which training stops, keeping the best weights.", in: 1...)
    var patience: Int?
    @Setting("Probability mass spread over the wrong classes.", in: 0...0.9) var labelSmoothing = 0.1

    let optimization = OptimizationSettings()
    let views = ViewSettings()

    func validate() throws {
        try requireOne(
            $model.isGiven, architecture != nil, "model (a checkpoint)", "architecture (from scratch)")
        try views.validate()
        if patience != nil, !$val.isGiven {
            throw Diagnostic("patience needs images to validate on", hint: "set val: to a labelled split")
        }
    }

    func run(in context: StageContext) throws -> Checkpoint {
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(optimization.seed))
        let task = try task ?? train.mainTask()
        let images = try records(train, task, for: "fine-tuning")
        if let val, task?.outputNames == nil {
            try requireSameClasses(train.classes, val.classes, "train and val")
        }
        var loaded = try load(generator, device, task)
        loaded.card.task = task == .segmentation ? nil : task
        try loaded.requireTrainable(isProbe: mode == .probe)
        loaded.card.lineage.append("\(Self.name) \(context.node)")
        let count = steps ?? Recipe.steps(epochs: epochs, count: images.count, batchSize: batchSize)
        var recipe = optimization.recipe(
            steps: count, batchSize: batchSize, learningRate: learningRate)
        recipe.headLearningRateScale = headLearningRateScale
        recipe.layerDecay = layerDecay
        recipe.patience = patience
        let watched = try val.map { try records($0, task, for: "validation") } ?? []
        let provider = try context.provider(for: "train", "val")
        let session = context.trainingSession(generator)
        var training = SupervisedTraining(
            loaded, train: images, validation: watched, provider: provider, views: views.policy,
            recipe: recipe)
        training.labelSmoothing = labelSmoothing
        training.isProbe = mode == .probe
        training.dense = task.map { DenseObjective($0, normalDistance: normalLoss) }
        training.workers = context.execution.workers
        let end = try training.run(session)
        try context.note(recipe, end, model: loaded)
        context.count("images", images.count)
        return try context.checkpoint(loaded)
    }

    private func records(
        _ images: ImageSet, _ task: DenseTask?, for purpose: String
    ) throws -> [ImageRecord] {
        try task.map { try images.records(with: $0, for: purpose) } ?? images.labelledRecords(for: purpose)
    }

    private func load(_ generator: Generator, _ device: Device, _ task: DenseTask?) throws -> LoadedModel {
        let stride: [String: ModelOption] = outputStride.map { ["output_stride": .int($0)] } ?? [:]
        let classes = task?.outputNames ?? train.classes
        if let model {
            let own = model.card.configuration
            return try LoadedModel.load(
                model.location.directory, device: device, classes: classes, imageSize: imageSize,
                options: try batchNormOption(of: own)
                    .merging(own.headOption(head, isDense: task != nil)) { $1 }.merging(stride) { $1 },
                generator: generator)
        }
        var configuration = try ModelRegistry.defaults(for: architecture ?? "", imageSize: imageSize)
        configuration.options.merge(try batchNormOption(of: configuration)) { $1 }
        configuration.options.merge(try configuration.headOption(head, isDense: task != nil)) { $1 }
        configuration.options.merge(stride) { $1 }
        return try LoadedModel.initialize(
            configuration, classes: classes, generator: generator, device: device)
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
