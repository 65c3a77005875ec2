internal import Layers
internal import Models
public import Tensors
public import Vision

/// Trains a student to agree with a teacher on unlabelled images.
///
/// Source: Vemulapalli et al. 2023, "Knowledge Transfer from Vision Foundation Models", section 3.
public struct DistillationTraining {
    /// What the student is to agree about.
    public enum Objective: String, CaseIterable, Sendable {
        /// The teacher's predictions for the target task: forward KL, T² · KL(teacher ‖ student).
        case taskOriented = "task-oriented"
        /// The teacher's features: InfoNCE between projected student and teacher features of the same view.
        case taskAgnostic = "task-agnostic"
    }

    /// Where the teacher's answers come from.
    public enum Teacher {
        /// A model that looks at every view as it is drawn.
        case online(LoadedModel, views: ViewPolicy)
        /// Answers that were computed before, for stored views.
        case labels(TeacherLabels)
    }

    /// The student.
    public var student: LoadedModel
    /// The teacher.
    public var teacher: Teacher
    /// The images; with stored labels, the labels' own.
    public var images: [ImageRecord]
    /// Opens the images.
    public var provider: ImageProvider
    /// Labelled images for the student's accuracy while it learns; may be empty.
    public var validation: [ImageRecord] = []
    /// What is matched.
    public var objective: Objective
    /// Softens both distributions of the task-oriented objective; divides similarities of the other.
    public var temperature: Double
    /// Steps, batch size, rates.
    public var recipe: Recipe
    /// Threads that load images.
    public var workers = 2

    /// Creates the distillation of a teacher into a student.
    public init(
        student: LoadedModel, teacher: Teacher, images: [ImageRecord], provider: ImageProvider,
        objective: Objective, temperature: Double, recipe: Recipe
    ) {
        self.student = student
        self.teacher = teacher
        self.images = images
        self.provider = provider
        self.objective = objective
        self.temperature = temperature
        self.recipe = recipe
    }

    /// Trains to the end; the student then holds the trained weights.
    ///
    /// - Returns: why and after how many steps it ended.
    @discardableResult
    public func run(_ session: TrainingSession) throws -> TrainingOutcome {
        let sampler = EpochSampler(count: images.count, batchSize: recipe.batchSize, seed: recipe.seed)
        let size = student.viewSize
        let projection = try objective == .taskAgnostic ? projection(session.generator) : nil
        let trainer = try Trainer(student, also: projection?.parameters, recipe: recipe, session: session)
        if case .online(let model, _) = teacher {
            trainer.otherOperations = try ForwardCost(of: model).operations
        }
        let inference = Inference(student, provider: provider, workers: workers)
        let (sizes, workers, provider, view) = (sizes, workers, provider, view)
        let canValidate = objective == .taskOriented && !validation.isEmpty
        return try trainer.train(
            loader: { steps in
                BatchLoader(provider, batches: steps, sizes: sizes, workers: workers) { step in
                    sampler.batch(step).map { view($0) }
                }
            },
            validateEvery: max(1, recipe.steps / 8),
            validate: { canValidate ? [("val_top1", try inference.accuracy(on: validation))] : [] },
            objective: { part in
                let images = try student.images(part.batch, size: size)
                let features = try student.network.features(images, mode: .training)
                let answer = try answer(
                    part.batch, items: Array(sampler.batch(part.step)[part.places]))
                guard let projection else {
                    return try Loss.distillation(
                        teacher: answer, student: student.network.head(features), temperature: temperature)
                }
                return try Loss.infoNCE(
                    projected: projection.model(features), target: answer, temperature: temperature)
            })
    }

    private func projection(
        _ generator: Generator
    ) throws -> (model: FeatureProjection, parameters: Parameters) {
        let width =
            switch teacher {
            case .online(let model, _): model.network.featureWidth
            case .labels(let labels): labels.featureWidth
            }
        return try Parameters.initialize(generator: generator, device: student.device) {
            try FeatureProjection($0 / "projection", from: student.network.featureWidth, to: width)
        }
    }

    /// The sizes in which a view is rendered: the student's, and an online teacher's.
    private var sizes: [ViewSize] {
        let own = student.viewSize
        guard case .online(let model, _) = teacher, model.viewSize != own else {
            return [own]
        }
        return [own, model.viewSize]
    }

    /// What is shown of an image the how-manieth time: a fresh view, or the next stored one.
    private var view: @Sendable (EpochSampler.Item) -> ImageView {
        let (images, seed) = (images, recipe.seed)
        switch teacher {
        case .online(_, let policy):
            return { ImageView(images[$0.index], policy, number: $0.epoch, seed: seed) }
        case .labels(let labels):
            let (views, count) = (labels.views, labels.viewCount)
            return { ImageView(images[$0.index], views[$0.index][$0.epoch % count]) }
        }
    }

    /// The teacher's logits or features for a batch, without gradients.
    private func answer(_ batch: Batch, items: [EpochSampler.Item]) throws -> Tensor {
        try withoutGradients {
            switch teacher {
            case .online(let model, _):
                let images = try model.images(batch, size: model.viewSize)
                let features = try model.network.features(images, mode: .evaluation)
                return try objective == .taskAgnostic ? features : model.network.head(features)
            case .labels(let labels):
                let rows = items.map { $0.index * labels.viewCount + $0.epoch % labels.viewCount }
                let table = objective == .taskAgnostic ? labels.features : labels.logits
                return try table.indexSelect(dim: 0, Tensor(rows)).to(.float32).to(student.device)
            }
        }
    }
}

/// A teacher's answers for stored views of a list of images.
public struct TeacherLabels {
    /// The views of each image, all of the same number.
    public var views: [[ViewParameters]]
    /// Class logits, fp32 `[N · V, K]`: the views of an image stand together.
    public var logits: Tensor
    /// Pooled features, fp16 `[N · V, D]`.
    public var features: Tensor

    /// Creates labels.
    public init(views: [[ViewParameters]], logits: Tensor, features: Tensor) {
        self.views = views
        self.logits = logits
        self.features = features
    }

    /// The number of views of each image.
    public var viewCount: Int { views.first?.count ?? 1 }
    /// The number of features.
    public var featureWidth: Int { features.shape[1] }
}
