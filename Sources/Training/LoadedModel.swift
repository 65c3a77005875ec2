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

    /// The weights' file in a checkpoint.
    public static let weightsFile = "model.safetensors"

    /// Whether the network ends in a classifier.
    public var hasHead: Bool { card.configuration.classCount > 0 }

    /// Opens a checkpoint, every tensor by name and shape.
    ///
    /// - Parameter classes: gives the network a fresh classifier for these classes, unless it has one already.
    public static func load(
        _ directory: URL, device: Device, classes: [String]? = nil, generator: Generator? = nil,
        adjust: (inout ModelConfiguration) -> Void = { _ in }
    ) throws -> LoadedModel {
        var card = try ModelCard(in: directory)
        adjust(&card.configuration)
        let isFresh = classes.map { $0 != card.classes } ?? false
        if let classes, isFresh {
            card.classes = classes
            card.configuration.classCount = classes.count
        }
        let generator = try generator ?? Generator(seed: 0)
        let tensors = try SafetensorsFile(directory.appending(path: weightsFile)).state()
        let configuration = card.configuration
        let (network, parameters) = try Parameters.load(
            tensors, reinitializing: isFresh ? ModelRegistry.headPrefixes(of: configuration) : [],
            generator: generator, device: device
        ) { try ModelRegistry.build(configuration, $0) }
        return LoadedModel(card: card, network: network, parameters: parameters, device: device)
    }

    /// Makes a network with fresh weights.
    public static func initialize(
        _ configuration: ModelConfiguration, classes: [String], generator: Generator, device: Device
    ) throws -> LoadedModel {
        var configuration = configuration
        configuration.classCount = classes.count
        let (network, parameters) = try Parameters.initialize(generator: generator, device: device) {
            try ModelRegistry.build(configuration, $0)
        }
        let card = ModelCard(configuration: configuration, classes: classes)
        return LoadedModel(card: card, network: network, parameters: parameters, device: device)
    }

    /// Writes the checkpoint.
    public func write(to directory: URL) throws {
        try parameters.write(
            to: directory.appending(path: Self.weightsFile),
            metadata: ["architecture": card.configuration.architecture])
        try card.write(to: directory)
    }

    /// The prefixes of the classifier's parameters.
    public var headPrefixes: [String] { network.headPrefixes }

    /// Whether a parameter belongs to the classifier.
    public func isHead(_ name: String) -> Bool { headPrefixes.contains { name == $0 || name.hasPrefix($0 + ".") } }

    /// A batch's images as the network wants them: fp32 `[B, 3, S, S]`, normalised.
    public func images(_ batch: Batch, size: Int) throws -> Tensor {
        let preprocessing = card.configuration.preprocessing
        let scale = preprocessing.std.map { Float(1 / (255 * $0)) }
        let offset = zip(preprocessing.mean, preprocessing.std).map { Float(-$0 / $1) }
        let pixels = try batch.tensor(size).to(device).to(.float32)  // [B, S, S, 3]
        let normalised = try pixels * Tensor(scale).to(device) + Tensor(offset).to(device)
        return try normalised.permute(0, 3, 1, 2)  // channels last in memory, as it came
    }
}
