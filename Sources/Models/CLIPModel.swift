public import Diagnostics
internal import Foundation
public import Layers
public import Tensors

// B batch, P length of an embedding

/// Everything that decides a CLIP's shape.
public struct CLIPConfiguration: Codable, Hashable, Sendable {
    /// The image tower: any architecture, without classes.
    public var image: ModelConfiguration
    /// The text tower.
    public var text: TextTransformer.Shape

    /// Creates a configuration.
    public init(image: ModelConfiguration, text: TextTransformer.Shape) {
        self.image = image
        self.text = text
        self.image.classCount = 0
    }

    /// Whether the image tower's features are the embeddings; else a projection of its own makes them.
    public var isProjected: Bool { (image.options["projection"] ?? 0) != 0 }

    /// Throws what is wrong with it.
    public func check() throws(Diagnostic) {
        try ModelRegistry.check(image)
        try text.check()
        if isProjected, image.options["projection"] != .int(text.embedding) {
            throw Diagnostic(
                "the image tower's embeddings have \(image.options["projection"] ?? 0) numbers, and the text "
                    + "tower's \(text.embedding)", exitCode: .badData)
        }
    }
}

/// An image tower and a text tower whose embeddings of the same thing point the same way.
///
/// Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision". In a scope the image
/// tower's tensors stand under its own names, so that it can be used and stored by itself, and all others below `clip.`.
public struct CLIPModel {
    /// The image tower.
    public let image: any ImageModel
    /// What makes embeddings of features, where the image tower has no projection of its own.
    public let projection: Linear?
    /// The text tower.
    public let text: TextTransformer
    /// The logarithm of what similarities are multiplied by; one number.
    public let logitScale: Tensor

    /// Where everything but the image tower stands.
    public static let prefix = "clip."
    /// The scale at the start: a temperature of 0.07.
    public static let initialLogitScale = Foundation.log(1 / 0.07)
    /// The largest scale: similarities are multiplied by 100 at most.
    public static let largestLogitScale = Foundation.log(100.0)

    /// Claims the tensors of both towers.
    public init(_ scope: Scope, _ configuration: CLIPConfiguration) throws {
        try configuration.check()
        image = try ModelRegistry.build(configuration.image, scope)
        let rest = scope / "clip"
        let width = image.featureWidth
        projection =
            configuration.isProjected
            ? nil
            : try Linear(
                rest / "visual" / "head" / "proj", width, configuration.text.embedding, bias: false,
                initial: .normal(1 / Double(width).squareRoot()))
        text = try TextTransformer(rest, configuration.text)
        logitScale = try rest.parameter("logit_scale", initial: .constant(Self.initialLogitScale))
    }

    /// Maps feature vectors of the image tower to embeddings, `[B, P]`, which are not yet of length one.
    public func embedding(of features: Tensor) throws -> Tensor { try projection?(features) ?? features }

    /// Maps normalised images, `[B, 3, H, W]`, to embeddings, `[B, P]`, which are not yet of length one.
    public func embedding(ofImages images: Tensor, mode: Mode) throws -> Tensor {
        try embedding(of: image.features(images, mode: mode))
    }

    /// Brings the scale back to its largest value, where an update went beyond; a scale below zero becomes zero.
    public func clampLogitScale() throws {
        try withoutGradients {
            _ = try logitScale.copy_(logitScale.detach().clamp(min: 0.0, max: Self.largestLogitScale))
        }
    }

    // MARK: Making

    /// Makes a CLIP of fresh tensors.
    public static func initialize(
        _ configuration: CLIPConfiguration, generator: Generator, device: Device = .cpu
    ) throws -> (model: CLIPModel, parameters: Parameters) {
        try Parameters.initialize(generator: generator, device: device) {
            try CLIPModel($0, configuration)
        }
    }

    /// Makes a CLIP of a checkpoint's tensors; the image tower adapts to another size of image.
    public static func load(
        _ configuration: CLIPConfiguration, from state: [String: Tensor], generator: Generator? = nil,
        device: Device = .cpu
    ) throws -> (model: CLIPModel, parameters: Parameters) {
        let preset = try ModelRegistry.preset(configuration.image.architecture)
        return try Parameters.load(
            preset.adapt(state, configuration.image), generator: generator, device: device
        ) { try CLIPModel($0, configuration) }
    }
}
