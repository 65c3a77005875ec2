import Diagnostics
public import Layers
public import Tensors

// B batch, C channels, K classes, H × W pixels, h × w places of a feature map

/// How a map of features becomes a map of logits: further words of the option `head`.
public enum SegmentationHead: String, Codable, CaseIterable, Hashable, Sendable {
    /// One linear map at every place.
    case linearDense = "linear-dense"
    /// Means over coarse grids beside the map itself.
    case psp
    /// Convolutions that look around at several distances.
    case deeplabv3

    /// The option that asks for this head.
    public var option: [String: ModelOption] { ["head": .string(rawValue)] }

    /// What stands before the names of its tensors: transformers' name for it.
    var prefix: String { self == .deeplabv3 ? "segmentation_head" : "decode_head" }

    /// Where the tensor stands that has a row for each class, below the prefix.
    var classifierName: String {
        switch self {
        case .linearDense: "conv_seg.weight"
        case .psp: "classifier.weight"
        case .deeplabv3: "classifier.convolution.weight"
        }
    }

    /// The layers that make `outputs` numbers at every place of a map with `width` channels.
    ///
    /// - Parameters:
    ///   - hidden: the channels of a branch; zero for 256, or for `width` where that is less: the papers' 256 would be
    ///     most of a small student.
    ///   - hasNorm: whether a linear head normalises first.
    ///   - rates: the distances at which DeepLabV3 looks around.
    public func layers(
        _ scope: Scope, width: Int, outputs: Int, hidden: Int = 0, hasNorm: Bool = true,
        rates: [Int] = [6, 12, 18]
    ) throws -> any DenseHead {
        let hidden = hidden > 0 ? hidden : min(256, width)
        return switch self {
        case .linearDense:
            try LinearDenseHead(scope, width: width, classCount: outputs, hasNorm: hasNorm)
        case .psp: try PyramidPoolingHead(scope, width: width, hidden: hidden, classCount: outputs)
        case .deeplabv3:
            try DeepLabV3Head(scope, width: width, hidden: hidden, rates: rates, classCount: outputs)
        }
    }
}

/// A network that says what every pixel of an image shows.
///
/// Features are the network's own, one vector for an image, so that it can be searched with like any other.
public struct SegmentationModel: ImageModel {
    let base: any ImageModel
    let dense: any DenseHead

    /// Claims the tensors of a network without classes and those of its head, under the names that the head's own
    /// documentation gives, below `segmentation_head` or `decode_head`.
    init(
        _ scope: Scope, _ kind: SegmentationHead, _ configuration: ModelConfiguration,
        base makeBase: (Scope) throws -> any ImageModel
    ) throws {
        base = try makeBase(scope)
        let settings = try DenseHeadSettings(configuration)
        dense = try kind.layers(
            scope / kind.prefix, width: base.mapWidth, outputs: configuration.classCount,
            hidden: settings.hidden, hasNorm: settings.hasNorm, rates: settings.rates)
    }

    /// The length of a feature vector.
    public var featureWidth: Int { base.featureWidth }
    /// The channels of the feature map.
    public var mapWidth: Int { base.mapWidth }
    /// The network's batch normalisations.
    public var normalizations: [BatchNorm2d] { base.normalizations + dense.normalizations }

    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]`.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        try base.features(images, mode: mode)
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the feature map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        try base.featureMap(images, mode: mode)
    }

    /// Maps a feature map, `[B, C, h, w]`, to logits at its places, `[B, K, h, w]`.
    public func mapLogits(_ map: Tensor, mode: Mode) throws -> Tensor { try dense(map, mode: mode) }

    /// Maps a feature map, `[B, C, h, w]`, to logits, `[B, K, height, width]`, by bilinear interpolation.
    public func logits(_ map: Tensor, height: Int, width: Int, mode: Mode) throws -> Tensor {
        try mapLogits(map, mode: mode).upsampleBilinear(height: height, width: width)
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the logits of every pixel, `[B, K, H, W]`.
    public func callAsFunction(_ images: Tensor, mode: Mode) throws -> Tensor {
        try logits(
            featureMap(images, mode: mode), height: images.shape[2], width: images.shape[3], mode: mode)
    }

    /// Refuses: the head sees maps.
    ///
    /// - Throws: a `Diagnostic`.
    public func head(_ features: Tensor) throws -> Tensor {
        throw Diagnostic(
            "the model says what every pixel shows, and has no class for a whole image",
            hint: "give it a head for whole images, such as head: linear")
    }
}

/// What the options of a head for maps say.
struct DenseHeadSettings {
    /// The channels of a branch; zero for the usual number.
    let hidden: Int
    /// Whether a linear head normalises first.
    let hasNorm: Bool
    /// The distances at which DeepLabV3 looks around.
    let rates: [Int]

    /// Reads and checks the options of a configuration.
    init(_ given: ModelConfiguration) throws(Diagnostic) {
        var configuration = given
        configuration.options.merge(ModelHead.options) { own, _ in own }
        hidden = try configuration.int("head_hidden", atLeast: 0)
        hasNorm = try configuration.flag("head_norm")
        let wrong = configuration.bad("head_rates", "distances of at least 1, such as '6 12 18'")
        guard case .string(let text)? = configuration.options["head_rates"] else { throw wrong }
        let words = text.split(separator: " ")
        rates = words.compactMap { Int($0) }.filter { $0 > 0 }
        guard !rates.isEmpty, rates.count == words.count else { throw wrong }
    }
}
