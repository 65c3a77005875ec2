internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Tensors
internal import Text
internal import Training
internal import Vision

/// Trains a CLIP on images with captions, from scratch or from a pretrained one.
///
/// The checkpoint is one of an image model, too: every stage that takes images alone reads the image tower.
struct TrainCLIP: Stage {
    static let name: StageName = "train-clip"
    static let revision = 1
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

    let optimization = OptimizationSettings()
    let views = ViewSettings()

    func validate() throws {
        try requireOne($model.isGiven, architecture != nil, "model (a CLIP)", "architecture (from scratch)")
        try views.validate()
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
                model.location.directory, device: device, imageSize: imageSize, generator: generator)
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
