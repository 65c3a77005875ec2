internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Tensors
internal import Text
internal import Training
internal import Vision

/// What a CLIP learns of experts beside captions.
struct ExpertSettings: SettingGroup {
    @Setting("The weight of the captions' loss.", in: 0...1000) var lambdaClip = 1.0
    @Setting("The weight of each expert's loss, which is one for a head that knows nothing.", in: 0...1000)
    var lambda = 1.0
    @Setting("Other weights for some tasks: {depth: 0.5}.") var lambdas: [String: Double] = [:]
    @Setting("How the experts' weights go on: as they are, or down to zero.")
    var lambdaSchedule: DenseTerm.Schedule = .constant
    @Setting("The head of each task, which is thrown away after training.")
    var expertHead: SegmentationHead = .linearDense
    @Setting("How normals are compared.") var normalDistance: Loss.NormalDistance = .cosine
    @Setting("Tasks that are learned from what the data set itself knows, in place of an expert.")
    var truth: [DenseTask] = []

    /// Checks which tasks are learned from what.
    func validate(asked: [(task: DenseTask, isGiven: Bool)]) throws {
        let names = DenseTask.allCases.map(\.rawValue)
        for key in lambdas.keys.sorted() where !names.contains(key) {
            throw Diagnostic(
                "lambdas names the task '\(key)'",
                hint: key.didYouMean(names) ?? "the tasks are \(names.joined(separator: ", "))")
        }
        if let value = lambdas.values.first(where: { $0 < 0 }) {
            throw Diagnostic("lambdas has a weight of \(value)", hint: "weights are at least 0")
        }
        let learned = asked.filter { $0.isGiven || truth.contains($0.task) }.map(\.task.rawValue)
        // The control arm may say what the others do.
        for key in lambdas.keys.sorted() where !learned.isEmpty && !learned.contains(key) {
            throw Diagnostic(
                "lambdas weighs '\(key)', which nothing is learned about",
                hint: "give \(key): an expert's labels, or take it out of lambdas")
        }
        for (task, isGiven) in asked where isGiven && truth.contains(task) {
            throw Diagnostic(
                "\(task.rawValue) is learned from an expert or from the truth, and both are given",
                hint: "take \(task.rawValue) out of truth, or leave the expert's labels out")
        }
    }

    /// The terms of the loss: what experts said, and what the data set knows.
    func terms(
        _ labels: [DenseLabelSet?], truth images: ImageSet, _ provider: ImageProvider,
        among records: [ImageRecord], _ context: StageContext
    ) throws -> [DenseTerm] {
        try zip(DenseTask.allCases, labels).compactMap { task, labels in
            let objective = DenseObjective(task, normalDistance: normalDistance)
            let weight = lambdas[task.rawValue] ?? lambda
            guard let labels else {
                guard truth.contains(task) else { return nil }
                _ = try images.records(with: task, for: "learning \(task.rawValue)")
                return DenseTerm(
                    objective, targets: RecordedTargets(provider, task), classCount: images.classes.count,
                    weight: weight)
            }
            guard labels.summary.task == task else {
                throw Diagnostic(
                    "'\(labels.location.node)' holds \(labels.summary.task.rawValue)",
                    at: context.sourceLocation(of: task.rawValue),
                    hint: "give it as \(labels.summary.task.rawValue):", exitCode: .badData)
            }
            let answered = Set(try labels.rows().filter { $0.failure == nil }.map(\.record.id))
            let known = records.count { answered.contains($0.id) }
            guard known > 0 else {
                throw Diagnostic(
                    "'\(labels.location.node)' says nothing about the images of '\(images.location.node)'",
                    at: context.sourceLocation(of: task.rawValue),
                    hint: "label the same images: pseudo-label finds them by their content",
                    exitCode: .badData)
            }
            let classCount = try labels.classes().count
            guard labels.summary.yield.pixels > 0, task != .segmentation || classCount > 1 else {
                throw Diagnostic(
                    "'\(labels.location.node)' has nothing to teach: "
                        + (labels.summary.yield.pixels > 0 ? "it knows one class" : "no pixel has an answer"),
                    at: context.sourceLocation(of: task.rawValue),
                    hint: "retort inspect \(labels.location.node) shows its maps", exitCode: .badData)
            }
            if known < records.count {
                context.warn(
                    "'\(labels.location.node)' knows \(known) of \(records.count) images",
                    hint: "the others are learned from their captions alone")
            }
            context.count("\(task.rawValue)_images", known)
            return DenseTerm(
                objective, targets: try labels.targets(), classCount: classCount,
                weight: weight)
        }
    }
}

/// Trains a CLIP on images with captions, from scratch or from a pretrained one.
///
/// The checkpoint is one of an image model, too: every stage that takes images alone reads the image tower.
struct TrainCLIP: Stage {
    static let name: StageName = "train-clip"
    static let revision = 2
    static let summary = "Trains an image tower and a text tower on images with captions: CLIP."

    @Input("The CLIP to start from; or give an architecture.") var model: Checkpoint?
    @Input("Images with captions; their labels are not read.", role: .training) var images: ImageSet
    @Input("Images with captions on which retrieval is watched.") var val: ImageSet?
    @Setting(
        "Two towers with fresh weights, such as clip_vit_mini; any other architecture gets a small text tower."
    )
    var architecture: String?
    @Setting("The side of the images in pixels; by default the model's own.", in: 8...1024) var imageSize:
        Int?
    @Setting(
        "The pairs of the vocabulary, for fresh towers; by default they are learned from the captions.",
        hashed: false)
    var vocabulary: String?
    @Setting("The most tokens of a vocabulary that is learned.", in: 514...49408) var vocabularySize = 8192
    @Setting("Passes over the images.", in: 1...) var epochs = 30
    @Setting("Optimizer updates, in place of epochs.", in: 1...) var steps: Int?
    @Setting("Pairs in each update, every one compared with all others.", in: 2...) var batchSize = 256
    @Setting("Peak learning rate.", in: 0...10) var learningRate = 1e-3

    @Input("Classes of the pixels of the same images, by an expert.") var segmentation: DenseLabelSet?
    @Input("Depths of the pixels of the same images, by an expert.") var depth: DenseLabelSet?
    @Input("Normals of the pixels of the same images, by an expert.") var normals: DenseLabelSet?
    let experts = ExpertSettings()

    let optimization = OptimizationSettings()
    let views = ViewSettings()

    func validate() throws {
        try requireOne($model.isGiven, architecture != nil, "model (a CLIP)", "architecture (from scratch)")
        try views.validate()
        try experts.validate(
            asked: [
                (.segmentation, $segmentation.isGiven), (.depth, $depth.isGiven),
                (.normals, $normals.isGiven),
            ])
        if vocabulary != nil, $model.isGiven {
            throw Diagnostic(
                "a CLIP brings its own vocabulary", hint: "leave vocabulary out, or name an architecture")
        }
    }

    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        guard let vocabulary else { return [:] }
        let url = environment.resolve(vocabulary)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw Diagnostic(
                "no file \(url.path)", at: environment.location(of: "vocabulary"),
                hint: "name a vocabulary such as bpe_simple_vocab_16e6.txt.gz, or leave it out to learn one",
                exitCode: .inputMissing)
        }
        return ["vocabulary": try environment.digests.digest(of: url)]
    }

    func run(in context: StageContext) throws -> Checkpoint {
        let device = try context.prepareDevice()
        let generator = try Generator(seed: UInt64(optimization.seed))
        let records = try images.records()
        var clip = try load(records, generator, device, context)
        clip.whole.card.lineage.append("\(Self.name) \(context.node)")
        let pairs = try ImageTextPairs(records, for: clip, seed: UInt64(optimization.seed))
        if pairs.count < records.count {
            context.warn("\(records.count - pairs.count) of \(records.count) images have no caption")
        }
        let count = steps ?? Recipe.steps(epochs: epochs, count: pairs.count, batchSize: batchSize)
        let recipe = optimization.recipe(steps: count, batchSize: batchSize, learningRate: learningRate)
        var training = CLIPTraining(
            clip, train: pairs, provider: try context.provider(for: "images", "val"), views: views.policy,
            recipe: recipe)
        training.weight = experts.lambdaClip
        training.expertSchedule = experts.lambdaSchedule
        training.expertHead = experts.expertHead
        training.experts = try experts.terms(
            [segmentation, depth, normals], truth: images, training.provider, among: pairs.records, context)
        training.validation = try val?.records() ?? []
        training.workers = context.execution.workers
        let end = try training.run(context.trainingSession(generator))
        try context.note(recipe, end, model: clip.whole)
        context.count("images", pairs.count)
        context.count("captions", pairs.captions.reduce(0) { $0 + $1.count })
        context.count("vocabulary", clip.tokenizer.vocabularySize)
        context.fact("logit_scale", try clip.model.logitScale.detach().exp().item())
        try clip.write(to: context.output)
        return try Checkpoint(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    private func load(
        _ records: [ImageRecord], _ generator: Generator, _ device: Device, _ context: StageContext
    ) throws -> LoadedCLIP {
        if let model {
            return try LoadedCLIP.load(
                model.location.directory, node: model.location.node, device: device, imageSize: imageSize,
                generator: generator)
        }
        let tokenizer =
            try vocabulary.map { try Tokenizer(context.resolve($0)) }
            ?? Tokenizer(learnedFrom: records.flatMap { $0.captions ?? [] }, size: vocabularySize)
        return try LoadedCLIP.initialize(
            CLIPConfiguration.defaults(
                for: architecture ?? "", imageSize: imageSize, vocabularySize: tokenizer.vocabularySize),
            tokenizer: tokenizer, generator: generator, device: device)
    }
}
