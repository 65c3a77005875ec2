internal import Diagnostics
internal import Layers
internal import Models
internal import Tensors
public import Vision

/// Trains a model on images with labels or with maps, the whole network or the head alone.
///
/// With maps the model answers for pixels: image and map are cropped and mirrored alike, and pixels about which nothing
/// is known do not count.
public struct SupervisedTraining {
    /// The model to train.
    public var model: LoadedModel
    /// Images to train on, with labels or with maps.
    public var train: [ImageRecord]
    /// Images on which the figures are watched; may be empty.
    public var validation: [ImageRecord]
    /// Opens the images, and the maps that belong to them.
    public var provider: ImageProvider
    /// How training views are drawn.
    public var views: ViewPolicy
    /// Steps, batch size, rates.
    public var recipe: Recipe
    /// The probability mass spread over the wrong classes.
    public var labelSmoothing = 0.0
    /// Whether only the head learns, on frozen features.
    public var isProbe = false
    /// What is learnt about every pixel instead of labels; the head must then be one for every pixel.
    public var dense: DenseObjective?
    /// The maps that are learnt; by default those that belong to the images.
    public var targets: (any DenseTargets)?
    /// Threads that load images.
    public var workers = 2

    /// Creates the training of a model.
    public init(
        _ model: LoadedModel, train: [ImageRecord], validation: [ImageRecord] = [], provider: ImageProvider,
        views: ViewPolicy, recipe: Recipe
    ) {
        self.model = model
        self.train = train
        self.validation = validation
        self.provider = provider
        self.views = views
        self.recipe = recipe
    }

    /// Trains to the end; the model then holds the trained weights.
    ///
    /// - Returns: why and after how many steps it ended.
    /// - Throws: a `Diagnostic` for masks and a model without a head for every pixel.
    @discardableResult
    public func run(_ session: TrainingSession) throws -> TrainingOutcome {
        let plan = try session.plan(recipe)
        let sampler = EpochSampler(count: train.count, batchSize: recipe.batchSize, seed: recipe.seed)
        let size = model.viewSize
        let targets = dense.map { self.targets ?? RecordedTargets(self.provider, $0.task) }
        let task = try task(sampler, targets)
        if isProbe {
            try model.parameters.freeze("")
            for prefix in model.headPrefixes { try model.parameters.unfreeze(prefix) }
        }
        let trainer = try Trainer(model, recipe: recipe, session: session)
        // On frozen features there is no backward pass through the network.
        if isProbe { trainer.otherOperations = try -2 * ForwardCost(of: model).operations }
        let (train, views, provider, workers, seed) = (train, views, provider, workers, recipe.seed)
        let loader = { (steps: Range<Int>) in
            BatchLoader(
                provider, batches: steps, sizes: [size], targets: targets.map { [$0] } ?? [],
                targetSide: size.side, workers: workers
            ) { step in
                plan.own(sampler.batch(step)).map {
                    ImageView(train[$0.index], views, number: $0.epoch, seed: seed)
                }
            }
        }
        let epoch = Recipe.steps(epochs: 1, count: train.count, batchSize: recipe.batchSize)
        let interval = max(epoch, recipe.steps / 8)
        return try trainer.train(
            loader: loader, validateEvery: interval,
            validate: { _ in validation.isEmpty ? [] : try task.figures(on: validation) },
            objective: { part in
                let images = try model.images(part.batch, size: size)
                // On frozen features nothing is recorded, and statistics stay as they are.
                let features =
                    isProbe
                    ? try withoutGradients { try task.features(images, mode: .evaluation) }
                    : try task.features(images, mode: .training)
                let loss = try task.loss(features, part, labelSmoothing: labelSmoothing)
                guard let dense, let parallel = session.parallel else { return loss }
                // The mean over pixels that are known, of which each process may have more or fewer.
                let known = try part.batch.target(dense.task).slice(dim: 1, from: 0, to: 1).isFinite()
                let count = Int(try known.to(.float32).sum().item())
                return try loss * parallel.weight(units: count, of: part.pass)
            })
    }

    private func task(_ sampler: EpochSampler, _ targets: (any DenseTargets)?) throws -> any SupervisedTask {
        guard let dense, let targets else {
            return LabelTask(
                model: model, inference: Inference(model, provider: provider, workers: workers),
                sampler: sampler, labels: train.map { $0.label ?? 0 })
        }
        let inference = try DenseInference(model, targets: targets, provider: provider, workers: workers)
        guard let network = model.segmenter else {
            throw Diagnostic(
                "the model's answers for pixels come from a script, which has no head of ours to train",
                hint:
                    "start from an architecture that Retort knows, with head: linear-dense, psp or deeplabv3")
        }
        return PixelTask(model: model, network: network, objective: dense, inference: inference)
    }
}
