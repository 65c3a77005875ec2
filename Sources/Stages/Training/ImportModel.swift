internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Safetensors
internal import Tensors
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
    @Setting("Standard deviation of the inputs by channel, for values in 0..1; by default the architecture's.")
    var std: [Double]?
    @Setting("The number of classes of the file's classifier; by default as the file has it.", in: 0...)
    var classes: Int?

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
                hint: "name an existing safetensors file; pickled checkpoints are not read", exitCode: .inputMissing)
        }
        return ["weights": try environment.digests.digest(of: url)]
    }

    func run(in context: StageContext) throws -> Checkpoint {
        let url = context.resolve(file)
        let state: [String: Tensor]
        do {
            state = try SafetensorsFile(url).state()
        } catch let error as SafetensorsError {
            var diagnostic = error.diagnostic
            diagnostic.location = context.sourceLocation(of: "file")
            throw diagnostic
        }
        let configuration = try configuration(for: state)
        let names = (0..<configuration.classCount).map { "class-\($0)" }
        let card = ModelCard(
            configuration: configuration, classes: names, lineage: ["import \(url.lastPathComponent)"])
        do {
            let (network, parameters) = try ModelRegistry.load(configuration, from: state)
            let loaded = try LoadedModel(card: card, network: network, parameters: parameters, device: .cpu)
            context.count("tensors", parameters.named.count)
            context.count("parameters", parameters.count)
            context.log("loaded \(parameters.named.count)/\(state.count) tensors of \(url.lastPathComponent)")
            return try context.checkpoint(loaded)
        } catch let mismatch as CheckpointMismatch {
            throw Diagnostic(
                "\(url.lastPathComponent) does not fit \(architecture): \(mismatch)",
                at: context.sourceLocation(of: "file"),
                hint: "check architecture, image_size and classes; every tensor must be present with its shape",
                exitCode: .badData)
        }
    }

    private func configuration(for state: [String: Tensor]) throws -> ModelConfiguration {
        var configuration = try ModelRegistry.configure(
            architecture, imageSize: imageSize, classCount: 0, options: options)
        if let mean { configuration.preprocessing.mean = mean }
        if let std { configuration.preprocessing.std = std }
        let head = try ModelRegistry.headPrefix(of: configuration)
        configuration.classCount = classes ?? state["\(head).weight"]?.shape.first ?? 0
        return configuration
    }
}
