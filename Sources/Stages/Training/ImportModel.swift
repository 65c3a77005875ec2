internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Text
internal import Training
internal import Vision

/// Takes pretrained weights from a safetensors file of any dialect into the store, every tensor checked; or a
/// TorchScript module, code and all.
struct ImportModel: Stage {
    static let name: StageName = "import-model"
    static let revision = 2
    static let summary =
        "Pretrained weights from a safetensors file, or a TorchScript module, and what they mean."
    static let section = PipelineSection.models

    @Setting("The safetensors file, or the TorchScript file: that brings code, which runs.", hashed: false)
    var file: String
    @Setting(
        "The architecture, by timm's or OpenCLIP's name, by default the only one that fits; or torchscript.")
    var architecture: String?
    @Setting("The side of the images in pixels; by default the architecture's own.", in: 8...1024)
    var imageSize: Int?
    @Setting("Options of the architecture: {pad: same} for weights from TensorFlow.")
    var options: [String: String] = [:]
    @Setting("Mean of the inputs by channel, for values in 0..1; by default the architecture's.")
    var mean: [Double]?
    @Setting(
        "Standard deviation of the inputs by channel, for values in 0..1; by default the architecture's.")
    var std: [Double]?
    @Setting("How images are resized; by default as the architecture has it.")
    var interpolation: Preprocessing.Interpolation?
    @Setting(
        "Share of a resized image that is cut out of its centre (timm's crop_pct); by default the weights'.",
        in: 0.1...1)
    var cropPct: Double?
    @Setting(
        "The names of the classes, by output; by default those beside the weights, or class-0 and so on.")
    var classes: [String]?
    @Setting("What a TorchScript module returns for an image.") var output: ScriptedModel.Output?
    @Setting("What a map that a TorchScript module returns says of every pixel.") var task: DenseTask?
    @Setting("Which of several results of a TorchScript module is meant: a key, or a number from 0.")
    var outputPart: String?
    @Setting(
        "The vocabulary of a CLIP, whose text tower is then imported, too: bpe_simple_vocab_16e6.txt.gz.",
        hashed: false)
    var vocabulary: String?

    let terms = LicenceSetting()

    var isScript: Bool { architecture == ScriptedModel.architecture }

    func validate() throws {
        try validateScript()
        if vocabulary != nil, isScript || classes != nil {
            throw Diagnostic(
                "vocabulary is for a CLIP's two towers, which are no script and have no classes",
                hint: "leave vocabulary out to import the image tower alone")
        }
        for (name, values) in [("mean", mean), ("std", std)] {
            if let values, values.count != 3 || values.contains(where: { !(0...1).contains($0) }) {
                throw Diagnostic("\(name) needs three numbers in 0..1", hint: "\(name): [0.5, 0.5, 0.5]")
            }
        }
        if let std, std.contains(0) { throw Diagnostic("a standard deviation of 0 cannot be divided by") }
    }

    func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        let url = environment.resolve(file)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw Diagnostic(
                "no file \(url.path)", at: environment.location(of: "file"),
                hint: "name an existing safetensors file; pickled checkpoints are not read",
                exitCode: .inputMissing)
        }
        if isScript { return ["script": try environment.digests.digest(of: url)] }
        var content = ["weights": try environment.digests.digest(of: url)]
        if let vocabulary {
            let file = environment.resolve(vocabulary)
            guard FileManager.default.fileExists(atPath: file.path) else {
                throw Diagnostic(
                    "no file \(file.path)", at: environment.location(of: "vocabulary"),
                    hint: "name a vocabulary such as bpe_simple_vocab_16e6.txt.gz", exitCode: .inputMissing)
            }
            content["vocabulary"] = try environment.digests.digest(of: file)
        }
        // The files beside the weights say what they mean.
        for companion in WeightsFile.companions(of: url) {
            content[companion.lastPathComponent] = try environment.digests.digest(of: companion)
        }
        return content
    }

    func refresh(_ artifact: ArtifactLocation, in environment: PlanningEnvironment) throws {
        try terms.note(in: artifact.directory)
    }

    func run(in context: StageContext) throws -> Checkpoint {
        let url = context.resolve(file)
        try terms.note(in: context.output)
        do {
            if let vocabulary { return try clip(url, context.resolve(vocabulary), context) }
            var loaded = try isScript ? script(url, context) : weights(url, context)
            try nameClasses(of: &loaded, context)
            loaded.card.lineage.append("import \(url.lastPathComponent)")
            context.count("tensors", loaded.parameters.named.count)
            context.count("parameters", loaded.parameters.count)
            return try context.checkpoint(loaded)
        } catch var problem as Diagnostic {
            problem.location = problem.location ?? context.sourceLocation(of: "file")
            throw problem
        }
    }

    /// Both towers of a CLIP.
    private func clip(_ url: URL, _ vocabulary: URL, _ context: StageContext) throws -> Checkpoint {
        let weights = try WeightsFile(url)
        let identified = try weights.identify(as: architecture, imageSize: imageSize, options: options)
        for note in identified.notes { context.log(note) }
        var loaded = try weights.loadCLIP(identified, tokenizer: Tokenizer(vocabulary))
        describeImages(&loaded.whole.card)
        loaded.whole.card.lineage.append("import \(url.lastPathComponent)")
        context.log(
            "\(url.lastPathComponent): \(identified.guess.coverage.summary); text tower: "
                + (weights.textTower(beside: identified)?.summary ?? ""))
        context.count("tensors", loaded.whole.parameters.named.count)
        context.count("parameters", loaded.whole.parameters.count)
        try loaded.write(to: context.output)
        return try Checkpoint(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    /// What the settings say of images, in place of what the architecture does.
    private func describeImages(_ card: inout ModelCard) {
        if let mean { card.configuration.preprocessing.mean = mean }
        if let std { card.configuration.preprocessing.std = std }
        if let interpolation { card.configuration.preprocessing.interpolation = interpolation }
        if let cropPct { card.configuration.preprocessing.cropShare = cropPct }
    }

    /// The weights of an architecture that we know.
    private func weights(_ url: URL, _ context: StageContext) throws -> LoadedModel {
        let weights = try WeightsFile(url)
        let identified = try weights.identify(as: architecture, imageSize: imageSize, options: options)
        for note in identified.notes { context.log(note) }
        var loaded = try weights.load(identified)
        describeImages(&loaded.card)
        let coverage = identified.guess.coverage
        context.log(
            "\(url.lastPathComponent): \(coverage.architecture) in the names of \(coverage.dialect.rawValue), "
                + coverage.summary)
        return loaded
    }

    private func nameClasses(of loaded: inout LoadedModel, _ context: StageContext) throws {
        let count = loaded.card.configuration.classCount
        if let classes {
            guard classes.count == count else {
                throw Diagnostic(
                    "classes names \(classes.count), and the model has \(count) outputs for classes",
                    at: context.sourceLocation(of: "classes"),
                    hint: count == 1 && classes.count > 1
                        ? "a script that returns class numbers must return what they are made of, before argmax: "
                            + "[N, \(classes.count), H, W]"
                        : "name all of them, in the order of the outputs", exitCode: .badData)
            }
            loaded.card.classes = classes
        } else if loaded.card.classes.count != count {
            loaded.card.classes = (0..<count).map { "class-\($0)" }
        }
    }
}
