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

    /// The weights' file in a checkpoint.
    public static let weightsFile = "model.safetensors"

    /// Whether the network ends in a classifier.
    public var hasHead: Bool { card.configuration.classCount > 0 }

    /// Opens a checkpoint, every tensor by name and shape.
    ///
    /// - Parameters:
    ///   - classes: gives the network a fresh classifier for these classes, unless it has one already.
    ///   - imageSize: another image size than the checkpoint's; position embeddings are resampled.
    ///   - options: options of the architecture that differ from the checkpoint's.
    /// - Throws: `CheckpointMismatch` with every name that does not fit.
    public static func load(
        _ directory: URL, device: Device, classes: [String]? = nil, imageSize: Int? = nil,
        options: [String: ModelOption] = [:], generator: Generator? = nil
    ) throws -> LoadedModel {
        var card = try ModelCard(in: directory)
        if let imageSize { card.configuration.imageSize = imageSize }
        for (name, value) in options { card.configuration.options[name] = value }
        let isFresh = classes.map { $0 != card.classes } ?? false
        if let classes, isFresh {
            card.classes = classes
            card.configuration.classCount = classes.count
        }
        var state = try SafetensorsFile(directory.appending(path: weightsFile)).state()
        if isFresh {
            // Another task with as many classes would fit by shape, and be wrong: its classifier goes in any case.
            let head = try ModelRegistry.headPrefix(of: card.configuration)
            state = state.filter { !isBelow($0.key, head) }
        }
        let (network, parameters) = try ModelRegistry.load(
            card.configuration, from: state, newHead: isFresh, generator: generator, device: device)
        return try LoadedModel(card: card, network: network, parameters: parameters, device: device)
    }

    /// Opens a weights file that is no checkpoint of ours; its classifier has as many classes as the file says.
    public static func open(
        weights: URL, configuration: ModelConfiguration, imageSize: Int? = nil, device: Device = .cpu
    ) throws -> LoadedModel {
        let state: [String: Tensor]
        do { state = try SafetensorsFile(weights).state() } catch let error as SafetensorsError {
            throw error.diagnostic
        }
        var configuration = configuration
        if let imageSize { configuration.imageSize = imageSize }
        let head = try ModelRegistry.headPrefix(of: configuration)
        configuration.classCount = state["\(head).weight"]?.shape.first ?? 0
        do {
            let (network, parameters) = try ModelRegistry.load(configuration, from: state, device: device)
            return try LoadedModel(
                card: ModelCard(configuration: configuration, classes: []), network: network,
                parameters: parameters, device: device)
        } catch let mismatch as CheckpointMismatch {
            throw Diagnostic(
                "\(weights.lastPathComponent) does not fit \(configuration.architecture): \(mismatch)",
                hint: "check the architecture; every tensor must be present with its shape",
                exitCode: .badData)
        }
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
    }

    /// Writes the checkpoint.
    public func write(to directory: URL) throws {
        try parameters.write(
            to: directory.appending(path: Self.weightsFile),
            metadata: ["architecture": card.configuration.architecture])
        try card.write(to: directory)
    }

    /// Whether a parameter belongs to the classifier.
    public func isHead(_ name: String) -> Bool { Self.isBelow(name, headPrefix) }

    private static func isBelow(_ name: String, _ prefix: String) -> Bool {
        name == prefix || name.hasPrefix(prefix + ".")
    }

    /// A batch's images as the network wants them: fp32 `[B, 3, S, S]`, normalised, channels last in memory.
    public func images(_ batch: Batch, size: Int) throws -> Tensor {
        try card.configuration.preprocessing(batch.tensor(size).to(device))
    }
}
