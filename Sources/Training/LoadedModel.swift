internal import Diagnostics
public import Foundation
public import Layers
public import Models
internal import Safetensors
public import Tensors
public import Vision

/// A network with its weights and its card: what a checkpoint holds, in memory.
public struct LoadedModel {
    /// What the weights mean.
    public var card: ModelCard
    /// The network.
    public let network: any ImageModel
    /// Its weights, by name.
    public let parameters: Parameters
    /// Where it lives.
    public let device: Device
    /// The prefix of the classifier's parameters.
    public let headPrefix: String
    /// All prefixes of what belongs to the classifier, a pool of its own included.
    public let headPrefixes: [String]
    /// The file of the network's code, where that is no architecture of ours.
    public internal(set) var script: ScriptFile?

    /// The weights' file in a checkpoint.
    public static let weightsFile = "model.safetensors"

    /// Whether the network ends in a classifier of images.
    public var hasHead: Bool { card.configuration.classCount > 0 && denseTask == nil }

    /// The network, if it says what every pixel shows.
    public var segmenter: SegmentationModel? { network as? SegmentationModel }

    /// Opens a checkpoint, every tensor by name and shape.
    ///
    /// - Parameters:
    ///   - classes: gives the network a fresh classifier for these classes, unless it has one already.
    ///   - imageSize: another image size than the checkpoint's; position embeddings are resampled.
    ///   - options: options of the architecture that differ from the checkpoint's; another head starts afresh.
    ///   - freshHead: whether the classifier starts afresh in any case.
    /// - Throws: `CheckpointMismatch` with every name that does not fit.
    public static func load(
        _ directory: URL, device: Device, classes: [String]? = nil, imageSize: Int? = nil,
        options: [String: ModelOption] = [:], generator: Generator? = nil, freshHead: Bool = false
    ) throws -> LoadedModel {
        var card = try ModelCard(in: directory)
        if let imageSize { card.configuration.imageSize = imageSize }
        var heads = try ModelRegistry.headPrefixes(of: card.configuration)
        let oldHead = try ModelRegistry.head(of: card.configuration)
        for (name, value) in options { card.configuration.options[name] = value }
        let isOther = try ModelRegistry.head(of: card.configuration) != oldHead
        heads += try ModelRegistry.headPrefixes(of: card.configuration)
        let isFresh = freshHead || isOther || classes.map { $0 != card.classes } ?? false
        if let classes, isFresh {
            card.classes = classes
            card.configuration.classCount = classes.count
            if card.configuration.isScript {
                // The classifier in a script cannot be replaced: what it returns are features of a new one.
                card.configuration.options["output"] = .string(ScriptedModel.Output.features.rawValue)
            }
        }
        let script = try ScriptFile.stored(in: directory, of: card.configuration)
        var state = try SafetensorsFile(directory.appending(path: weightsFile)).state()
        if isFresh {
            // Another task with as many classes would fit by shape, and be wrong: its classifier goes in any case.
            state = state.filter { name, _ in !heads.contains { isBelow(name, $0) } }
        }
        let (network, parameters) = try ModelRegistry.load(
            card.configuration, from: state, newHead: isFresh, generator: generator, device: device,
            script: script?.load(device: device))
        var model = try LoadedModel(card: card, network: network, parameters: parameters, device: device)
        model.script = script
        return model
    }

    /// Opens a weights file of any dialect; its classifier has as many classes as the file says.
    ///
    /// - Throws: a `Diagnostic` unless the file covers the architecture completely; without a name, one must be
    ///   the only one that fits.
    public static func open(
        weights: URL, architecture: String? = nil, imageSize: Int? = nil, options: [String: String] = [:],
        device: Device = .cpu
    ) throws -> LoadedModel {
        let file = try WeightsFile(weights)
        return try file.load(
            file.identify(as: architecture, imageSize: imageSize, options: options), device: device)
    }

    /// Makes a network with fresh weights.
    public static func initialize(
        _ configuration: ModelConfiguration, classes: [String], generator: Generator, device: Device
    ) throws -> LoadedModel {
        var configuration = configuration
        configuration.classCount = classes.count
        let (network, parameters) = try ModelRegistry.initialize(
            configuration, generator: generator, device: device)
        let card = ModelCard(configuration: configuration, classes: classes)
        return try LoadedModel(card: card, network: network, parameters: parameters, device: device)
    }

    /// Joins a network with its weights and its card.
    public init(card: ModelCard, network: any ImageModel, parameters: Parameters, device: Device) throws {
        self.card = card
        self.network = network
        self.parameters = parameters
        self.device = device
        headPrefix = try ModelRegistry.headPrefix(of: card.configuration)
        headPrefixes = try ModelRegistry.headPrefixes(of: card.configuration)
    }

    /// Writes the checkpoint.
    public func write(to directory: URL) throws {
        try parameters.write(
            to: directory.appending(path: Self.weightsFile),
            metadata: ["architecture": card.configuration.architecture])
        if let script {
            let copy = directory.appending(path: ScriptFile.name)
            // A stage that goes on after an interruption may have written it already, or half of it.
            try? FileManager.default.removeItem(at: copy)
            // Of a link the file is copied, and not the link.
            try FileManager.default.copyItem(at: script.url.resolvingSymlinksInPath(), to: copy)
        }
        try card.write(to: directory)
    }

    /// Writes the weights under timm's names, with the card beside them.
    ///
    /// timm takes the projection of a CLIP for a head with a bias of zeros.
    public func writeTimm(to url: URL) throws {
        var tensors = parameters.named.map { ($0.name, $0.tensor) }
        if !hasHead, let place = tensors.firstIndex(where: { $0.0 == "proj.weight" }) {
            let projection = tensors.remove(at: place).1
            tensors.append(("head.weight", projection))
            tensors.append(("head.bias", try .zeros([projection.shape[0]])))
        }
        try SafetensorsFile.write(
            tensors, metadata: ["architecture": card.configuration.architecture, "format": "pt"], to: url)
        try card.write(to: url.deletingLastPathComponent())
    }

    /// Throws a `Diagnostic` where nothing could learn: in the whole network, or with `isProbe` in its classifier.
    public func requireTrainable(isProbe: Bool = false) throws {
        let (body, head) = parameters.named.filter { $0.kind == .parameter }
            .reduce(into: (0, 0)) { if isHead($1.name) { $0.1 += 1 } else { $0.0 += 1 } }
        if isProbe, head == 0 {
            throw Diagnostic(
                "the classifier is part of the script, and no part of ours could learn",
                hint: "set mode: full, or import the script with output: features")
        }
        if !isProbe, body == 0 {
            throw Diagnostic(
                "the script has no parameters that could learn: torch.jit.freeze made constants of them",
                hint: "set mode: probe to train a classifier on its features, or export it without freezing")
        }
    }

    /// Whether a parameter belongs to the classifier.
    public func isHead(_ name: String) -> Bool {
        headPrefixes.contains { Self.isBelow(name, $0) }
    }

    private static func isBelow(_ name: String, _ prefix: String) -> Bool {
        name == prefix || name.hasPrefix(prefix + ".")
    }

    /// The square in which the network sees images.
    public var viewSize: ViewSize {
        ViewSize(
            card.configuration.imageSize, interpolation: card.configuration.preprocessing.interpolation)
    }

    /// How whole images are shown to the network.
    public var evaluationViews: ViewPolicy {
        let share = card.configuration.preprocessing.cropShare
        return share == 1 ? .evaluation : .centreCrop(share: share)
    }

    /// A batch's images as the network wants them: fp32 `[B, 3, S, S]`, normalised, channels last in memory.
    public func images(_ batch: Batch, size: ViewSize) throws -> Tensor {
        try card.configuration.preprocessing(batch.tensor(size).to(device))
    }
}
