internal import Layers
public import Models
internal import Tensors
public import Vision

/// Trains both towers of a CLIP on images with captions, and its image tower on what experts said of the pixels, too.
///
/// Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", section 2.3: the
/// symmetric loss over a batch, with a learned scale that never goes beyond 100. With experts: ``DenseTerm``.
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
    /// λ of the contrastive loss.
    public var weight = 1.0
    /// What experts said of the same images; one task once.
    public var experts: [DenseTerm] = []
    /// How λ of all experts goes on.
    public var expertSchedule = DenseTerm.Schedule.constant
    /// The head of each expert's task.
    public var expertHead = SegmentationHead.linearDense
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
        let heads = try ExpertHeads(experts, expertHead, of: clip, generator: session.generator)
        let step = CLIPStep(self, heads: heads, session: session)
        // The loss compares the pairs of a whole batch, so the cuts and the arithmetic of passes are the cache's.
        var updates = recipe
        updates.microBatch = nil
        updates.precision = .fp32
        let trainer = try Trainer(whole, also: heads.parameters, recipe: updates, session: session)
        trainer.otherOperations = try textOperations()
        let (train, views, provider, workers, seed) = (train, views, provider, workers, recipe.seed)
        let targets = experts.map(\.targets)
        let outcome = try trainer.train(
            loader: { steps in
                BatchLoader(
                    provider, batches: steps, sizes: [size], targets: targets, targetSide: size.side,
                    workers: workers
                ) { step in
                    sampler.batch(step).map {
                        ImageView(train.records[$0.index], views, number: $0.epoch, seed: seed)
                    }
                }
            },
            validateEvery: max(1, recipe.steps / 8),
            validate: { _ in try validate() },
            objective: { part in
                try clip.model.clampLogitScale()
                return try step.loss(part, captions: sampler.batch(part.step).map(train.caption(of:)))
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
