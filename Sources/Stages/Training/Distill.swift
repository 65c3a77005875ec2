internal import Diagnostics
internal import Engine
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// Trains a small student to agree with a large teacher on unlabelled images.
///
/// Task-oriented transfer matches the teacher's predictions for the target task; task-agnostic transfer matches
/// its features (Vemulapalli et al. 2023, "Knowledge Transfer from Vision Foundation Models", section 3).
struct Distill: Stage {
    static let name: StageName = "distill"
    static let revision = 1
    static let summary = "Trains a student to agree with a teacher on unlabelled images."

    @Input("The teacher, asked for every view anew; or give labels.") var teacher: Checkpoint?
    @Input("Images to agree on, with a teacher; their labels are not read.", role: .training)
    var images: ImageCollection?
    @Input("A teacher's stored answers, in place of teacher and images.") var labels: LabelSet?
    @Input("A checkpoint to start the student from, in place of an architecture.") var model: Checkpoint?
    @Input("Labelled images on which the student's accuracy is watched.") var val: ImageSet?

    @Setting("The student's architecture, with fresh weights.") var student: String?
    @Setting("The side of the student's images in pixels; by default its own.", in: 8...1024) var imageSize:
        Int?
    @Setting("How the student's features become logits; by default as the student has it.")
    var head: ClassificationHead?
    @Setting("What the student is to agree about.")
    var objective: DistillationTraining.Objective = .taskOriented
    @Setting(
        "Softens both distributions; for task-agnostic the divisor of similarities, 0.07 by default.",
        in: 0.01...100)
    var temperature: Double?
    @Setting("Passes over the images.", in: 1...) var epochs = 30
    @Setting("Optimizer updates, in place of epochs.", in: 1...) var steps: Int?
    @Setting("Images in each update.", in: 1...) var batchSize = 128
    @Setting("Peak learning rate.", in: 0...10) var learningRate = 2e-3

    let optimization = OptimizationSettings()
    let views = ViewSettings()

    func validate() throws {
        try requireOne($model.isGiven, student != nil, "model (a checkpoint)", "student (an architecture)")
        try requireOne($labels.isGiven, $teacher.isGiven, "labels (stored answers)", "teacher (with images)")
        if $teacher.isGiven, !$images.isGiven {
            throw Diagnostic(
                "a teacher needs images to be asked about",
                hint: "set images: to an image set or a transfer set")
        }
        try views.validate()
        if optimization.microBatch != nil, objective == .taskAgnostic {
            throw Diagnostic(
                "micro_batch would change the task-agnostic objective, which compares the images of a batch",
                hint: "leave micro_batch out, or lower batch_size")
        }
    }

    func run(in context: StageContext) throws -> Checkpoint {
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(optimization.seed))
        let (answers, records, classes) = try teaching(device)
        let validation = try val?.labelledRecords(for: "validation") ?? []
        if let val { try requireSameClasses(classes, val.classes, "the teacher and val") }
        var loaded = try student(classes, generator, device)
        loaded.card.lineage.append("\(Self.name) \(context.node)")
        let count = steps ?? Recipe.steps(epochs: epochs, count: records.count, batchSize: batchSize)
        let recipe = optimization.recipe(
            steps: count, batchSize: batchSize, learningRate: learningRate)
        var training = DistillationTraining(
            student: loaded, teacher: answers, images: records,
            provider: try context.provider(for: labels == nil ? "images" : "labels", "val"),
            objective: objective,
            temperature: temperature ?? (objective == .taskOriented ? 1 : 0.07), recipe: recipe)
        training.validation = validation
        training.workers = context.execution.workers
        let end = try training.run(context.trainingSession(generator))
        context.note(recipe, end, model: loaded)
        context.count("images", records.count)
        return try context.checkpoint(loaded)
    }

    private func teaching(
        _ device: Device
    ) throws -> (DistillationTraining.Teacher, [ImageRecord], classes: [String]) {
        if let labels {
            let (records, answers) = try labels.read()
            if objective == .taskOriented, answers.logits.shape.last == 0 {
                throw Diagnostic(
                    "the teacher of '\(labels.location.node)' has no classifier, so there are no predictions to match",
                    at: nil, hint: "fine-tune the teacher first, or set objective: task-agnostic")
            }
            return (.labels(answers), records, try labels.classes())
        }
        guard let teacher, let images else { preconditionFailure("Retort bug: validate() let this through") }
        let model = try LoadedModel.load(teacher.location.directory, device: device)
        return (.online(model, views: views.policy), try images.records(), model.card.classes)
    }

    private func student(_ classes: [String], _ generator: Generator, _ device: Device) throws -> LoadedModel
    {
        if let model {
            return try LoadedModel.load(
                model.location.directory, device: device, classes: classes, imageSize: imageSize,
                options: head?.option ?? [:], generator: generator)
        }
        var configuration = try ModelRegistry.defaults(for: student ?? "", imageSize: imageSize)
        configuration.options.merge(head?.option ?? [:]) { $1 }
        return try LoadedModel.initialize(
            configuration, classes: classes, generator: generator, device: device)
    }
}
