internal import Diagnostics
internal import Engine
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

extension Distill {
    /// Whether teacher and student are compared place by place: the teacher names pixels, or the student is to.
    var isAboutPixels: Bool {
        get throws {
            if case .segmentation = head { return true }
            return try teacher?.card.answersForPixels ?? false
        }
    }

    /// Trains a student that names pixels; the teacher looks at every view as it is drawn.
    func distilPixels(in context: StageContext) throws -> Checkpoint {
        guard let teacher, let images, answers == .online else {
            throw Diagnostic(
                "answers about pixels are not stored", at: context.sourceLocation(of: "answers"),
                hint: "give teacher and images, and set answers: online")
        }
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(optimization.seed))
        let asked = try LoadedModel.load(teacher.location.directory, device: device)
        // Features say nothing of classes: those of val are what the student will have to name.
        let classes = objective == .taskAgnostic ? val?.classes ?? asked.card.classes : asked.card.classes
        if let val, objective == .taskOriented {
            try requireSameClasses(classes, val.classes, "the teacher and val")
        }
        let provider = try context.provider(for: "images", "val")
        let watched = try val?.records(with: .segmentation, for: "validation") ?? []
        if objective == .taskOriented { try check(asked, on: watched, provider, in: context) }
        var loaded = try student(classes, generator, device, isDense: true)
        try loaded.requireTrainable()
        loaded.card.lineage.append("\(Self.name) \(context.node)")
        let records = try images.records()
        let count = steps ?? Recipe.steps(epochs: epochs, count: records.count, batchSize: batchSize)
        let recipe = optimization.recipe(steps: count, batchSize: batchSize, learningRate: learningRate)
        var training = DenseDistillationTraining(
            student: loaded, teacher: asked, images: records, views: drawing.policy, provider: provider,
            objective: objective, temperature: temperature ?? (objective == .taskOriented ? 1 : 0.07),
            recipe: recipe)
        training.validation = watched
        training.workers = context.execution.workers
        let end = try training.run(context.trainingSession(generator))
        try context.gather()
        try context.note(recipe, end, model: loaded)
        context.count("images", records.count)
        context.count("asked_views", end.steps * batchSize)
        return try context.checkpoint(loaded)
    }

    /// Notes how well the teacher names pixels, and refuses one that does no better than the most frequent class.
    private func check(
        _ teacher: LoadedModel, on records: [ImageRecord], _ provider: ImageProvider, in context: StageContext
    ) throws {
        guard !records.isEmpty else {
            context.log("the teacher was not checked: `val` is not given")
            return
        }
        let inference = try DenseInference(
            teacher, targets: RecordedTargets(provider, .segmentation), provider: provider,
            workers: context.execution.workers)
        let result = try inference.measure(on: records)
        let (found, floor) = (result.figures[.miou] ?? 0, check.teacherFloor ?? result.floor[.miou] ?? 0)
        context.fact("teacher_miou", found)
        context.fact("teacher_floor", floor)
        context.log("teacher_miou \(found) on \(records.count) images, floor \(floor)")
        guard !(found >= floor) else { return }
        throw Diagnostic(
            "the teacher's mean intersection over union on val is \(found), and it needs \(floor)",
            at: context.sourceLocation(of: "teacher"),
            hint: "train it longer, look at its classes and preprocessing, or lower `teacher_floor`",
            exitCode: .gateFailed)
    }
}
