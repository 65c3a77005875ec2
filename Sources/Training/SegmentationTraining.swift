internal import Diagnostics
internal import Layers
internal import Models
internal import Tensors
public import Vision

/// Trains a model that names pixels on images with masks, the whole network or the head alone.
///
/// Images and masks are cropped and mirrored alike; pixels that nobody named do not count.
public struct SegmentationTraining {
    /// The model to train; its head must be one for every pixel.
    public var model: LoadedModel
    /// Images with masks to train on.
    public var train: [ImageRecord]
    /// Images with masks on which the figures are watched; may be empty.
    public var validation: [ImageRecord]
    /// Opens the images and their masks.
    public var provider: ImageProvider
    /// How training views are drawn.
    public var views: ViewPolicy
    /// Steps, batch size, rates.
    public var recipe: Recipe
    /// The probability mass spread over the wrong classes.
    public var labelSmoothing = 0.0
    /// Whether only the head learns, on frozen features.
    public var isProbe = false
    /// Threads that load images.
    public var workers = 2

    /// Creates the training of a model on images with masks.
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
        let inference = try SegmentationInference(model, provider: provider, workers: workers)
        let sampler = EpochSampler(count: train.count, batchSize: recipe.batchSize, seed: recipe.seed)
        let size = model.viewSize
        if isProbe {
            try model.parameters.freeze("")
            for prefix in model.headPrefixes { try model.parameters.unfreeze(prefix) }
        }
        let trainer = try Trainer(model, recipe: recipe, session: session)
        let (train, views, provider, workers, seed) = (train, views, provider, workers, recipe.seed)
        let loader = { (steps: Range<Int>) in
            BatchLoader(
                provider, batches: steps, sizes: [size], masks: size.side, workers: workers
            ) { step in
                sampler.batch(step).map {
                    ImageView(train[$0.index], views, number: $0.epoch, seed: seed)
                }
            }
        }
        let epoch = Recipe.steps(epochs: 1, count: train.count, batchSize: recipe.batchSize)
        return try trainer.train(
            loader: loader, validateEvery: max(epoch, recipe.steps / 8),
            validate: { _ in
                guard !validation.isEmpty else { return [] }
                let metrics = try inference.metrics(on: validation)
                return [("val_miou", metrics.miou), ("val_pixel_accuracy", metrics.pixelAccuracy)]
            },
            objective: { part in
                let images = try model.images(part.batch, size: size)
                let network = inference.network
                let map =
                    isProbe
                    ? try withoutGradients { try network.featureMap(images, mode: .evaluation) }
                    : try network.featureMap(images, mode: .training)
                let logits = try network.logits(
                    map, height: size.side, width: size.side, mode: .training)
                return try Loss.pixelCrossEntropy(
                    logits, part.batch.masks().to(model.device), labelSmoothing: labelSmoothing)
            })
    }
}

/// Names the pixels of images in evaluation mode, and counts how often that is right.
public struct SegmentationInference {
    let network: SegmentationModel
    private let model: LoadedModel
    private let provider: ImageProvider
    private let workers: Int
    /// Images in each batch.
    public var batchSize = 16

    /// Creates the inference of a model.
    ///
    /// - Throws: a `Diagnostic` for a model without a head for every pixel.
    public init(_ model: LoadedModel, provider: ImageProvider, workers: Int) throws {
        guard let network = model.segmenter else {
            throw Diagnostic(
                "the model has one class for a whole image, and none for its pixels",
                hint: "fine-tune it on images with masks, with head: linear-dense, psp or deeplabv3")
        }
        self.network = network
        self.model = model
        self.provider = provider
        self.workers = workers
    }

    /// Compares what the model says with the masks, in the square in which it sees each image.
    public func metrics(on records: [ImageRecord]) throws -> SegmentationMetrics {
        let (size, batchSize, views) = (model.viewSize, batchSize, model.evaluationViews)
        let classes = model.card.classes
        var confusion = [[Int]](repeating: [Int](repeating: 0, count: classes.count), count: classes.count)
        let loader = BatchLoader(
            provider, batches: 0..<(records.count + batchSize - 1) / batchSize, sizes: [size],
            masks: size.side, workers: workers
        ) { batch in
            records[batch * batchSize..<min(records.count, (batch + 1) * batchSize)].map {
                ImageView($0, views)
            }
        }
        defer { loader.cancel() }
        while let batch = try loader.next() {
            let predicted = try withoutGradients {
                try network(model.images(batch, size: size), mode: .evaluation).argmax(1).ints()
            }
            for (mask, prediction) in zip(batch.maskBytes, predicted) where mask != Mask.unnamed {
                confusion[Int(mask)][prediction] += 1
            }
        }
        return SegmentationMetrics(images: records.count, confusion: confusion, classes: classes)
    }
}
