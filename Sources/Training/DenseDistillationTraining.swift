internal import Diagnostics
internal import Layers
internal import Models
internal import Tensors
public import Vision

// B batch, C channels, K classes, h × w places

/// Trains a student that names pixels to agree with a teacher on unlabelled images, place by place.
///
/// Both see the same view. Task-oriented: T² · KL(teacher ‖ student) of the classes at every place, averaged over the places.
/// Task-agnostic: InfoNCE between the projected patch features of the student and those of the teacher, in which the
/// other places of the batch are what a place is to be told from.
///
/// Source: Vemulapalli et al. 2023, "Knowledge Transfer from Vision Foundation Models", section 3.
public struct DenseDistillationTraining {
    /// The student.
    public var student: LoadedModel
    /// The teacher, which looks at every view as it is drawn.
    public var teacher: LoadedModel
    /// The images to agree on.
    public var images: [ImageRecord]
    /// How views are drawn.
    public var views: ViewPolicy
    /// Opens the images.
    public var provider: ImageProvider
    /// Images with masks on which the student is watched; may be empty.
    public var validation: [ImageRecord] = []
    /// What is matched.
    public var objective: DistillationTraining.Objective
    /// Softens both distributions of the task-oriented objective; divides similarities of the other.
    public var temperature: Double
    /// Steps, batch size, rates.
    public var recipe: Recipe
    /// Threads that load images.
    public var workers = 2

    /// The most places of a batch that are told from each other: their similarities are the square of this.
    private static let placeLimit = 1024

    /// Creates the distillation of a teacher into a student.
    public init(
        student: LoadedModel, teacher: LoadedModel, images: [ImageRecord], views: ViewPolicy,
        provider: ImageProvider, objective: DistillationTraining.Objective, temperature: Double,
        recipe: Recipe
    ) {
        self.student = student
        self.teacher = teacher
        self.images = images
        self.views = views
        self.provider = provider
        self.objective = objective
        self.temperature = temperature
        self.recipe = recipe
    }

    /// Trains to the end; the student then holds the trained weights.
    ///
    /// - Returns: why and after how many steps it ended.
    /// - Throws: a `Diagnostic` for a student or a teacher that does not name pixels, where the objective needs that.
    @discardableResult
    public func run(_ session: TrainingSession) throws -> TrainingOutcome {
        guard let network = student.segmenter else {
            throw Diagnostic(
                "the student has one class for a whole image, and the teacher one for every pixel",
                hint: "give the student a head for pixels: linear-dense, psp or deeplabv3")
        }
        let teaching = try objective == .taskOriented ? teacher.dense() : nil
        if let teaching, teaching.task != .segmentation {
            throw Diagnostic(
                "the teacher estimates \(teaching.task.rawValue), and only classes are distilled",
                hint: "store what it says by a `pseudo-label` stage, and train on that")
        }
        let sampler = EpochSampler(count: images.count, batchSize: recipe.batchSize, seed: recipe.seed)
        let (size, teacherSize) = (student.viewSize, teacher.viewSize)
        let projection = try objective == .taskAgnostic ? projection(session.generator) : nil
        let trainer = try Trainer(student, also: projection?.parameters, recipe: recipe, session: session)
        trainer.otherOperations = try ForwardCost(of: teacher).operations
        let (images, views, provider, workers, seed) = (images, views, provider, workers, recipe.seed)
        let sizes = size == teacherSize ? [size] : [size, teacherSize]
        let plan = try session.plan(recipe)
        return try trainer.train(
            loader: { steps in
                BatchLoader(provider, batches: steps, sizes: sizes, workers: workers) { step in
                    plan.own(sampler.batch(step)).map {
                        ImageView(images[$0.index], views, number: $0.epoch, seed: seed)
                    }
                }
            },
            validateEvery: max(1, recipe.steps / 8), validate: { _ in try figures() },
            objective: { part in
                let shown = try withoutGradients { try teacher.images(part.batch, size: teacherSize) }
                let map = try network.featureMap(student.images(part.batch, size: size), mode: .training)
                if let teaching {
                    let answer = try withoutGradients { try teaching.places(shown) }
                    return try Self.predictions(
                        answer, network.mapLogits(map, mode: .training), temperature: temperature)
                }
                guard let projection else { preconditionFailure("Retort bug: no projection") }
                let answer = try withoutGradients {
                    try teacher.network.featureMap(shown, mode: .evaluation)
                }
                let places = PlaceSample(of: answer.shape, in: part.pass, atMost: Self.placeLimit)
                var (projected, target) = try Self.patches(answer, map, projection.model, at: places)
                if let parallel = session.parallel {
                    (projected, target) = try (
                        places.gathered(projected, by: parallel, part.pass),
                        places.gathered(target, by: parallel, part.pass)
                    )
                }
                return try Loss.infoNCE(projected: projected, target: target, temperature: temperature)
            })
    }

    /// The student's measures; its head learns nothing from a task-agnostic objective.
    private func figures() throws -> [(String, Double)] {
        guard objective == .taskOriented, !validation.isEmpty else { return [] }
        let metrics = try SegmentationInference(student, provider: provider, workers: workers)
            .metrics(on: validation)
        return [("val_miou", metrics.miou), ("val_pixel_accuracy", metrics.pixelAccuracy)]
    }

    private func projection(
        _ generator: Generator
    ) throws -> (model: FeatureProjection, parameters: Parameters) {
        try Parameters.initialize(generator: generator, device: student.device) {
            try FeatureProjection(
                $0 / "projection", from: student.network.mapWidth, to: teacher.network.mapWidth)
        }
    }

    /// The task-oriented loss of logits at the places of two grids, `[B, K, h, w]`, compared on the finer one.
    static func predictions(_ teacher: Tensor, _ student: Tensor, temperature: Double) throws -> Tensor {
        let height = max(teacher.shape[2], student.shape[2])
        let width = max(teacher.shape[3], student.shape[3])
        func rows(_ logits: Tensor) throws -> Tensor {
            let isSame = Array(logits.shape[2...]) == [height, width]
            let map = try isSame ? logits : logits.upsampleBilinear(height: height, width: width)
            return try map.permute(0, 2, 3, 1).reshape(-1, map.shape[1])
        }
        return try Loss.distillation(
            teacher: rows(teacher), student: rows(student), temperature: temperature)
    }

    /// Features at some places of two maps, the student's projected and on the teacher's grid, `[places, C]` each.
    private static func patches(
        _ teacher: Tensor, _ student: Tensor, _ projection: FeatureProjection, at places: PlaceSample
    ) throws -> (projected: Tensor, target: Tensor) {
        let (height, width) = (teacher.shape[2], teacher.shape[3])
        let isSame = Array(student.shape[2...]) == [height, width]
        let map = try isSame ? student : student.upsampleBilinear(height: height, width: width)
        let indices = try Tensor(places.own).to(teacher.device)
        func rows(_ map: Tensor) throws -> Tensor {
            try map.permute(0, 2, 3, 1).reshape(-1, map.shape[1]).indexSelect(dim: 0, indices)
        }
        return try (projection(rows(map)), rows(teacher))
    }
}

/// Places of a batch's maps, evenly spread over its images, and the same ones of every batch, however many processes share it.
struct PlaceSample {
    /// How many there are in all processes.
    let count: Int
    /// Those in this process's maps, counted row by row from its first image.
    let own: [Int]
    /// Where they stand among all.
    let first: Int

    /// Chooses places of maps of some shape, `[own images, C, h, w]`.
    init(of shape: [Int], in pass: BatchPlan.Pass, atMost limit: Int) {
        let size = shape[2] * shape[3]
        let total = pass.whole.count * size
        let count = min(total, limit)
        let images =
            (pass.own.lowerBound - pass.whole.lowerBound)..<(pass.own.upperBound - pass.whole.lowerBound)
        let all = (0..<count).map { $0 * total / count }
        let first = all.firstIndex { $0 >= images.lowerBound * size } ?? count
        self.count = count
        self.first = first
        own = all[first...].prefix { $0 < images.upperBound * size }.map { $0 - images.lowerBound * size }
    }

    /// The rows of all processes' places; this process's keep their gradient.
    func gathered(_ rows: Tensor, by parallel: DataParallel, _ pass: BatchPlan.Pass) throws -> Tensor {
        try parallel.rows(rows, from: first, of: count, in: pass)
    }
}

extension DenseNetwork {
    /// The side of the grid on which a script is compared, as a share of its images: that of most segmentation heads.
    private static let stride = 4

    /// The logits at the places of the network's own map; those of a script, which answers for pixels, are averaged over
    /// squares of four by four.
    func places(_ images: Tensor) throws -> Tensor {
        if let network = network as? SegmentationModel {
            return try network.mapLogits(
                network.featureMap(images, mode: .evaluation), mode: .evaluation)
        }
        let pixels = try self(images)
        return try pixels.adaptiveAvgPool2d(
            height: max(1, pixels.shape[2] / Self.stride), width: max(1, pixels.shape[3] / Self.stride))
    }
}
