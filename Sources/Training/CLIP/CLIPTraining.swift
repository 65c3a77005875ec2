internal import Layers
internal import Models
internal import Tensors
public import Vision

/// Trains both towers of a CLIP on images with captions.
///
/// Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", section 2.3: the
/// symmetric loss over a batch, with a learned scale that never goes beyond 100.
public struct CLIPTraining {
    /// What is trained.
    public var clip: LoadedCLIP
    /// Images with captions to learn from.
    public var train: ImageTextPairs
    /// Images with captions on which retrieval is watched; may be none.
    public var validation: [ImageRecord] = []
    /// Opens the images.
    public var provider: ImageProvider
    /// How training views are drawn.
    public var views: ViewPolicy
    /// Steps, batch size, rates; a micro-batch is the chunk of a gradient cache.
    public var recipe: Recipe
    /// What the contrastive loss is multiplied by.
    public var weight = 1.0
    /// Threads that load images.
    public var workers = 2

    /// Creates the training of a CLIP.
    public init(
        _ clip: LoadedCLIP, train: ImageTextPairs, provider: ImageProvider, views: ViewPolicy, recipe: Recipe
    ) {
        self.clip = clip
        self.train = train
        self.provider = provider
        self.views = views
        self.recipe = recipe
    }

    /// Trains to the end; the CLIP then holds the trained weights.
    ///
    /// - Returns: why and after how many steps it ended.
    @discardableResult
    public func run(_ session: TrainingSession) throws -> TrainingOutcome {
        let sampler = EpochSampler(count: train.count, batchSize: recipe.batchSize, seed: recipe.seed)
        let whole = clip.whole
        let size = whole.viewSize
        let cache = GradientCache(
            chunk: recipe.microBatch, generator: session.generator,
            buffers: whole.parameters.named.filter { $0.kind == .buffer }.map(\.tensor))
        // The loss compares the pairs of a whole batch, so the cuts and the arithmetic of passes are the cache's.
        var updates = recipe
        updates.microBatch = nil
        updates.precision = .fp32
        let trainer = try Trainer(whole, recipe: updates, session: session)
        trainer.otherOperations = try textOperations()
        let (train, views, provider, workers, seed) = (train, views, provider, workers, recipe.seed)
        let outcome = try trainer.train(
            loader: { steps in
                BatchLoader(provider, batches: steps, sizes: [size], workers: workers) { step in
                    sampler.batch(step).map {
                        ImageView(train.records[$0.index], views, number: $0.epoch, seed: seed)
                    }
                }
            },
            validateEvery: max(1, recipe.steps / 8),
            validate: { _ in try validate() },
            objective: { part in
                try clip.model.clampLogitScale()
                let captions = sampler.batch(part.step).map(train.caption(of:))
                return try cache.loss(
                    of: part.batch.count, weight: weight, scale: { try clip.model.logitScale.exp() }
                ) { places, _ in
                    let images = try whole.images(part.batch.part(places), size: size)
                    return try recipe.precision.run(on: clip.device) {
                        GradientCache.Embeddings(
                            images: try clip.model.embedding(ofImages: images, mode: .training)
                                .to(.float32).normalize(-1),
                            texts: try clip.model.text(Array(captions[places]), device: clip.device)
                                .to(.float32).normalize(-1))
                    }
                }
            })
        try clip.model.clampLogitScale()
        return outcome
    }

    /// How well images and captions that were not learned from find each other.
    private func validate() throws -> [(String, Double)] {
        guard !validation.isEmpty else { return [] }
        let retrieval = try RetrievalMetrics(of: clip, on: validation, provider: provider, workers: workers)
        return [
            ("val_r1", (retrieval.imageToText.r1 + retrieval.textToImage.r1) / 2),
            ("logit_scale", try clip.model.logitScale.detach().exp().item()),
        ]
    }

    /// What a caption costs besides its image, forward and backward.
    private func textOperations() throws -> Double {
        let caption = train.captions[0][0]
        let multiplications = try countingMultiplications {
            try withoutGradients { _ = try clip.model.text([caption], device: clip.device) }
        }
        return 3 * 2 * multiplications
    }
}
