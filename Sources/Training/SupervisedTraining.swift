internal import Layers
internal import Models
internal import Tensors
public import Vision

/// Trains a classifier on labelled images, the whole network or the head alone.
public struct SupervisedTraining {
    /// The model to train.
    public var model: LoadedModel
    /// Labelled images to train on.
    public var train: [ImageRecord]
    /// Labelled images on which the accuracy is watched; may be empty.
    public var validation: [ImageRecord]
    /// Opens the images.
    public var provider: ImageProvider
    /// How training views are drawn.
    public var views: ViewPolicy
    /// Steps, batch size, rates.
    public var recipe: Recipe
    /// The probability mass spread over the wrong classes.
    public var labelSmoothing = 0.0
    /// Whether only the classifier learns, on frozen features.
    public var isProbe = false
    /// Threads that load images.
    public var workers = 2

    /// Creates the training of a model on labelled images.
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
    @discardableResult
    public func run(_ session: TrainingSession) throws -> TrainingOutcome {
        let sampler = EpochSampler(count: train.count, batchSize: recipe.batchSize, seed: recipe.seed)
        let labels = train.map { $0.label ?? 0 }
        let size = model.viewSize
        if isProbe {
            try model.parameters.freeze("")
            for prefix in model.headPrefixes { try model.parameters.unfreeze(prefix) }
        }
        let trainer = try Trainer(model, recipe: recipe, session: session)
        // On frozen features there is no backward pass through the network.
        if isProbe { trainer.otherOperations = try -2 * ForwardCost(of: model).operations }
        let (train, views, provider, workers, seed) = (train, views, provider, workers, recipe.seed)
        let loader = { (steps: Range<Int>) in
            BatchLoader(provider, batches: steps, sizes: [size], workers: workers) { step in
                sampler.batch(step).map {
                    ImageView(train[$0.index], views, number: $0.epoch, seed: seed)
                }
            }
        }
        let inference = Inference(model, provider: provider, workers: workers)
        let epoch = Recipe.steps(epochs: 1, count: train.count, batchSize: recipe.batchSize)
        let interval = max(epoch, recipe.steps / 8)
        return try trainer.train(
            loader: loader, validateEvery: interval,
            validate: { _ in
                validation.isEmpty ? [] : [("val_top1", try inference.accuracy(on: validation))]
            },
            objective: { part in
                let images = try model.images(part.batch, size: size)
                let items = sampler.batch(part.step)[part.places]
                let targets = try Tensor(items.map { labels[$0.index] }).to(model.device)
                let features =
                    isProbe
                    ? try withoutGradients { try model.network.features(images, mode: .evaluation) }
                    : try model.network.features(images, mode: .training)
                return try Loss.crossEntropy(
                    model.network.head(features), targets, labelSmoothing: labelSmoothing)
            })
    }
}
