internal import Layers
internal import Models
internal import Tensors
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
        /// A model that looks at every view as it is drawn, of these images.
        case online(LoadedModel, images: [ImageRecord], views: ViewPolicy)
        /// Answers that were computed before, for stored views of the labels' own images.
        case labels(TeacherLabels)

        /// The number of images to learn from.
        public var imageCount: Int {
            switch self {
            case .online(_, let images, _): images.count
            case .labels(let labels): labels.count
            }
        }
    }

    /// The student.
    public var student: LoadedModel
    /// The teacher.
    public var teacher: Teacher
    /// Opens the images.
    public var provider: ImageProvider
    /// Labelled images on which the student's accuracy is watched while it learns; may be empty.
    public var validation: [ImageRecord] = []
    /// More than the accuracy, on the same images: agreement with the teacher, and what the features tell.
    public var probes: StudentProbes?
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
        student: LoadedModel, teacher: Teacher, provider: ImageProvider, objective: Objective,
        temperature: Double, recipe: Recipe
    ) {
        self.student = student
        self.teacher = teacher
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
        let sampler = EpochSampler(
            count: teacher.imageCount, batchSize: recipe.batchSize, seed: recipe.seed)
        let size = student.viewSize
        let projection = try objective == .taskAgnostic ? projection(session.generator) : nil
        let trainer = try Trainer(student, also: projection?.parameters, recipe: recipe, session: session)
        if case .online(let model, _, _) = teacher {
            trainer.otherOperations = try ForwardCost(of: model).operations
        }
        let inference = Inference(student, provider: provider, workers: workers)
        let (sizes, workers, provider) = (sizes, workers, provider)
        let fetched = FetchedAnswers()
        let views = views(sampler, fetched, try session.plan(recipe))
        return try trainer.train(
            loader: { steps in
                BatchLoader(provider, batches: steps, sizes: sizes, workers: workers, views: views)
            },
            validateEvery: max(1, recipe.steps / 8),
            validate: { try validate(inference, isLast: $0) },
            objective: { part in
                let images = try student.images(part.batch, size: size)
                let features = try student.network.features(images, mode: .training)
                let answer = try answer(part, fetched)
                guard let projection else {
                    return try Loss.distillation(
                        teacher: answer, student: student.network.head(features), temperature: temperature)
                }
                var (projected, target) = (try projection.model(features), answer)
                if let parallel = session.parallel {
                    (projected, target) = try (
                        parallel.rows(projected, of: part.pass), parallel.rows(target, of: part.pass)
                    )
                }
                return try Loss.infoNCE(projected: projected, target: target, temperature: temperature)
            })
    }

    /// The student's measures; its classifier learns nothing from a task-agnostic objective.
    private func validate(_ inference: Inference, isLast: Bool) throws -> [(String, Double)] {
        let predicts = objective == .taskOriented
        if let probes {
            return try probes.values(of: inference, predicts: predicts, isLast: isLast)
        }
        return predicts && !validation.isEmpty
            ? [("val_top1", try inference.accuracy(on: validation))] : []
    }

    private func projection(
        _ generator: Generator
    ) throws -> (model: FeatureProjection, parameters: Parameters) {
        let width =
            switch teacher {
            case .online(let model, _, _): model.network.featureWidth
            case .labels(let labels): labels.shards.featureWidth ?? 0
            }
        return try Parameters.initialize(generator: generator, device: student.device) {
            try FeatureProjection($0 / "projection", from: student.network.featureWidth, to: width)
        }
    }

    /// The sizes in which a view is rendered: the student's, and an online teacher's.
    private var sizes: [ViewSize] {
        let own = student.viewSize
        guard case .online(let model, _, _) = teacher, model.viewSize != own else {
            return [own]
        }
        return [own, model.viewSize]
    }

    /// What a step shows: fresh views, or the next stored ones, whose answers are read on the loader's thread too.
    private func views(
        _ sampler: EpochSampler, _ fetched: FetchedAnswers, _ plan: BatchPlan
    ) -> @Sendable (_ step: Int) throws -> [ImageView] {
        let (objective, seed) = (objective, recipe.seed)
        switch teacher {
        case .online(_, let images, let policy):
            return { step in
                plan.own(sampler.batch(step)).map {
                    ImageView(images[$0.index], policy, number: $0.epoch, seed: seed)
                }
            }
        case .labels(let labels):
            return { step in
                let items = plan.own(sampler.batch(step))
                fetched.put(try labels.answers(to: items, for: objective), for: step)
                return try items.map { try labels.view($0) }
            }
        }
    }

    /// The teacher's logits or features for a batch, without gradients.
    private func answer(_ part: Trainer.Part, _ fetched: FetchedAnswers) throws -> Tensor {
        try withoutGradients {
            switch teacher {
            case .online(let model, _, _):
                let images = try model.images(part.batch, size: model.viewSize)
                let features = try model.network.features(images, mode: .evaluation)
                return try objective == .taskAgnostic ? features : model.network.head(features)
            case .labels:
                return try fetched.answers(for: part.step).tensor(part.rows).to(student.device)
            }
        }
    }
}
