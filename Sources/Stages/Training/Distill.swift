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
///
/// A student learns from stored answers. A node that names a teacher and images brings along the node that stores
/// them, so that a sweep over students asks the teacher once about each view.
struct Distill: Stage {
    static let name: StageName = "distill"
    static let revision = 2
    static let sharing = WorkSharing.sums
    static let summary = "Trains a student to agree with a teacher on unlabelled images."

    /// When the teacher is asked.
    enum Answers: String, CaseIterable, SettingValue { case stored, online }

    @Input("The teacher, whose answers about images are stored first; or give labels.")
    var teacher: Checkpoint?
    @Input("Images to agree on, with a teacher; their labels are not read.", role: .training)
    var images: ImageCollection?
    @Input("A teacher's stored answers, in place of teacher and images.") var labels: LabelSet?
    @Input("A checkpoint to start the student from, in place of an architecture.") var model: Checkpoint?
    @Input("Labelled images on which teacher and student are watched; by default those of the labels.")
    var val: ImageSet?

    @Setting("The student's architecture, with fresh weights.") var student: String?
    @Setting("The side of the student's images in pixels; by default its own.", in: 8...1024) var imageSize:
        Int?
    @Setting(
        "How the student's features become logits; by default as the student has it where that fits the teacher."
    )
    var head: ModelHead?
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
    @Setting(
        "Whether answers are stored once, for all students and passes, or asked anew for every view seen.")
    var answers: Answers = .stored
    @Setting(
        "Stored views of each image, shown in turn: more vary more, and cost as many passes of the teacher.",
        in: 1...1000)
    var views = 4
    let drawing = ViewSettings()
    let check = TeacherCheckSettings()
    @Setting(
        "Whether agreement with the teacher and what the features tell are measured on val.", hashed: false)
    var probes = true

    /// The stored answers of a teacher that is named here: what is said of views then goes to a `label` node.
    ///
    /// It has the default seed, so that students of all seeds share it. Features are stored where they are imitated.
    static func implied(by given: [String: PipelineValue]) -> ImpliedNode? {
        guard given["teacher"] != nil, given["images"] != nil, given["labels"] == nil,
            given["answers"]?.scalar != Answers.online.rawValue
        else { return nil }
        let isAgnostic = given["objective"]?.scalar == DistillationTraining.Objective.taskAgnostic.rawValue
        // A teacher of features need not know the classes of val, and is not checked unless that is asked for.
        let isChecked = !isAgnostic || given["teacher_floor"] != nil
        return ImpliedNode(
            suffix: "labels", uses: Label.name, input: "labels",
            moved: ["teacher", "images", "views", "crop_scale", "flip", "jitter", "teacher_floor"],
            shared: isChecked ? ["precision", "val"] : ["precision"],
            settings: isAgnostic ? [:] : ["features": "false"])
    }

    func validate() throws {
        try requireOne($model.isGiven, student != nil, "model (a checkpoint)", "student (an architecture)")
        try requireOne($labels.isGiven, $teacher.isGiven, "labels (stored answers)", "teacher (with images)")
        if $teacher.isGiven, !$images.isGiven {
            throw Diagnostic(
                "a teacher needs images to be asked about",
                hint: "set images: to an image set or a transfer set")
        }
        if $teacher.isGiven, answers == .stored {
            throw Diagnostic(
                "a teacher's answers are stored by a node of their own",
                hint:
                    "give labels: made by a `label` stage, or set answers: online; it cannot vary along the matrix"
            )
        }
        if $labels.isGiven, answers == .online || check.teacherFloor != nil {
            throw Diagnostic(
                answers == .online
                    ? "labels are stored answers, so nothing is asked online"
                    : "teacher_floor is checked when the teacher is asked, and its labels are stored already",
                hint: answers == .online
                    ? "give teacher and images, or leave `answers: online` out"
                    : "set it where the labels are made")
        }
        try drawing.validate()
        try check.validate(hasImages: $val.isGiven)
        if case .segmentation = head, $labels.isGiven {
            throw Diagnostic(
                "labels hold answers about whole images, and head: \(head?.rawValue ?? "") answers for every pixel",
                hint: "give teacher and images, and set answers: online")
        }
        if optimization.microBatch != nil, objective == .taskAgnostic {
            throw Diagnostic(
                "micro_batch would change the task-agnostic objective, which compares the images of a batch",
                hint: "leave micro_batch out, or lower batch_size")
        }
    }

    func run(in context: StageContext) throws -> Checkpoint {
        if try isAboutPixels { return try distilPixels(in: context) }
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(optimization.seed))
        let provider = try context.provider(for: labels == nil ? "images" : "labels", "val")
        let (answers, checked, classes) = try teaching(device, provider, context)
        if let val, objective == .taskOriented {
            try requireSameClasses(classes, val.classes, "the teacher and val")
        }
        let validation = try val?.labelledRecords(for: "validation") ?? checked?.records ?? []
        var loaded = try student(classes, generator, device)
        try loaded.requireTrainable()
        loaded.card.lineage.append("\(Self.name) \(context.node)")
        let imageCount = answers.imageCount
        let count = steps ?? Recipe.steps(epochs: epochs, count: imageCount, batchSize: batchSize)
        let recipe = optimization.recipe(
            steps: count, batchSize: batchSize, learningRate: learningRate)
        var training = DistillationTraining(
            student: loaded, teacher: answers, provider: provider, objective: objective,
            temperature: temperature ?? (objective == .taskOriented ? 1 : 0.07), recipe: recipe)
        training.validation = validation
        if probes, !validation.isEmpty {
            training.probes = StudentProbes(
                images: validation, teacherLogits: try checked?.logits(for: validation))
        }
        training.workers = context.execution.workers
        if case .labels(let labels) = answers { note(labels.shards, training, in: context) }
        let end = try training.run(context.trainingSession(generator))
        try context.gather()
        try context.note(recipe, end, model: loaded)
        context.count("images", imageCount)
        if case .online = answers { context.count("asked_views", end.steps * batchSize) }
        if let share = training.probes?.timeShare {
            context.log("the probes took \((share * 1000).rounded() / 10) % of the time")
        }
        return try context.checkpoint(loaded)
    }

    /// Who answers, what it said about labelled images, and the classes it knows.
    private func teaching(
        _ device: Device, _ provider: ImageProvider, _ context: StageContext
    ) throws -> (DistillationTraining.Teacher, TeacherAnswers?, classes: [String]) {
        if let labels {
            let answers = try labels.answers()
            try require(answers.shards, of: labels.location.node)
            return (
                .labels(answers), try TeacherAnswers.read(from: labels.location.directory),
                try labels.classes()
            )
        }
        guard let teacher, let images else { preconditionFailure("Retort bug: validate() let this through") }
        let model = try LoadedModel.load(teacher.location.directory, device: device)
        var checked: TeacherAnswers?
        // A teacher of features need not know the classes of val.
        if let val, objective == .taskOriented || check.teacherFloor != nil {
            var inference = Inference(model, provider: provider, workers: context.execution.workers)
            inference.precision = optimization.precision
            let answers = try TeacherAnswers.ask(inference, model, about: val)
            try answers.check(check, of: teacher.location.node, in: context)
            checked = answers
        }
        return (
            .online(model, images: try images.records(), views: drawing.policy), checked, model.card.classes
        )
    }

    /// Notes what stored answers leave open.
    private func note(_ shards: LabelShards, _ training: DistillationTraining, in context: StageContext) {
        if case .topK(let k) = shards.form, objective == .taskOriented, training.temperature != 1 {
            context.log(
                "only the \(k) largest logits are stored: at temperature \(training.temperature) the ratios between "
                    + "them are exact, and the share of all others is \(training.temperature > 1 ? "at most" : "at least") "
                    + "what the student sees of it")
        }
        if let probes = training.probes, objective == .taskOriented, probes.teacherLogits == nil {
            context.log("agreement is not measured: the labels hold no answers about all images of val")
        }
    }

    /// Checks that the labels hold what the objective imitates.
    private func require(_ shards: LabelShards, of node: String) throws {
        switch objective {
        case .taskOriented where shards.classCount == 0:
            throw Diagnostic(
                "the teacher of '\(node)' has no classifier, so there are no predictions to match",
                hint: "fine-tune the teacher first, or set objective: task-agnostic")
        case .taskAgnostic where shards.featureWidth == nil:
            throw Diagnostic(
                "'\(node)' holds no features to imitate", hint: "leave `features: false` out of '\(node)'")
        default: break
        }
    }

    func student(
        _ classes: [String], _ generator: Generator, _ device: Device, isDense: Bool = false
    ) throws -> LoadedModel {
        if let model {
            return try LoadedModel.load(
                model.location.directory, device: device, classes: classes, imageSize: imageSize,
                options: model.card.configuration.headOption(head, isDense: isDense), generator: generator)
        }
        var configuration = try ModelRegistry.defaults(for: student ?? "", imageSize: imageSize)
        configuration.options.merge(try configuration.headOption(head, isDense: isDense)) { $1 }
        return try LoadedModel.initialize(
            configuration, classes: classes, generator: generator, device: device)
    }
}
