internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Training

/// Takes pretrained weights from a safetensors file into the store, every tensor checked by name and shape.
struct ImportModel: Stage {
    static let name: StageName = "import-model"
    static let revision = 1
    static let summary = "Pretrained weights from a safetensors file, with what they mean."
    static let section = PipelineSection.models

    @Setting("The safetensors file.", hashed: false) var file: String
    @Setting("The architecture, by timm's name.") var architecture: String
    @Setting("The side of the images in pixels; by default the architecture's own.", in: 8...1024)
    var imageSize: Int?
    @Setting("Options of the architecture: {pad: same} for weights from TensorFlow.")
    var options: [String: String] = [:]
    @Setting("Mean of the inputs by channel, for values in 0..1; by default the architecture's.")
    var mean: [Double]?
    @Setting(
        "Standard deviation of the inputs by channel, for values in 0..1; by default the architecture's.")
    var std: [Double]?

    func validate() throws {
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
        return ["weights": try environment.digests.digest(of: url)]
    }

    func run(in context: StageContext) throws -> Checkpoint {
        let url = context.resolve(file)
        do {
            var loaded = try LoadedModel.open(weights: url, configuration: configuration())
            loaded.card.classes = (0..<loaded.card.configuration.classCount).map { "class-\($0)" }
            loaded.card.lineage = ["import \(url.lastPathComponent)"]
            context.count("tensors", loaded.parameters.named.count)
            context.count("parameters", loaded.parameters.count)
            context.log("loaded all \(loaded.parameters.named.count) tensors of \(url.lastPathComponent)")
            return try context.checkpoint(loaded)
        } catch var problem as Diagnostic {
            problem.location = problem.location ?? context.sourceLocation(of: "file")
            throw problem
        }
    }

    private func configuration() throws -> ModelConfiguration {
        var configuration = try ModelRegistry.configure(
            architecture, imageSize: imageSize, classCount: 0, options: options)
        if let mean { configuration.preprocessing.mean = mean }
        if let std { configuration.preprocessing.std = std }
        return configuration
    }
}
