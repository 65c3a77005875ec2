public import Layers
public import Tensors

// B batch, N tokens, D width, C classes

/// A network whose features come from tokens.
public protocol TokenModel: ImageModel {
    /// Maps normalised images, `[B, 3, H, W]`, to the normalised tokens that timm pools by attention, `[B, N, D]`.
    func tokens(_ images: Tensor, mode: Mode) throws -> Tensor
    /// The sizes of an attention that pools them as the model's own blocks attend.
    var poolShape: TokenPoolShape { get }
}

/// The sizes of an attention that pools tokens.
public struct TokenPoolShape: Hashable, Sendable {
    /// The length of a token, the heads, and the hidden width of the MLP.
    public var width, heads, hidden: Int
    /// What keeps its norm from dividing by zero.
    public var epsilon: Double
}

/// How feature vectors become logits: the first words of the option `head`.
public enum ClassificationHead: String, Codable, CaseIterable, Hashable, Sendable {
    /// One linear map.
    case linear
    /// A norm, a linear map, GELU, and another linear map.
    case mlp
    /// Tokens pooled by a learned query, then a linear map; for architectures with tokens.
    case attentionPool = "attention-pool"

    /// The option that asks for this head.
    public var option: [String: ModelOption] { ["head": .string(rawValue)] }

    /// What stands before the names of its tensors beside the architecture's own prefix.
    var extraPrefixes: [String] { self == .attentionPool ? [HeadedModel.poolName] : [] }
}

/// A network with another head than its own.
public struct HeadedModel: ImageModel {
    let base: any ImageModel
    let pool: (tokens: any TokenModel, attention: LatentAttentionPool)?
    let classifier: Classifier?

    static let poolName = "attn_pool"

    enum Classifier {
        case linear(Linear)
        case mlp(MLPClassifier)
    }

    /// Claims the tensors of a network without classes and those of its head.
    ///
    /// The names are timm's: `attn_pool` for the attention, and below the head's prefix those of its
    /// `ClNormMlpClassifierHead`.
    init(
        _ scope: Scope, _ kind: ClassificationHead, prefix: String, hidden: Int, classCount: Int,
        base makeBase: (Scope) throws -> any ImageModel
    ) throws {
        base = try makeBase(scope)
        let head = prefix.split(separator: ".").reduce(scope) { $0 / $1 }
        pool =
            if kind == .attentionPool, let tokens = base as? any TokenModel {
                (
                    tokens,
                    try LatentAttentionPool(
                        scope / Self.poolName, width: tokens.poolShape.width, heads: tokens.poolShape.heads,
                        hidden: tokens.poolShape.hidden, epsilon: tokens.poolShape.epsilon)
                )
            } else {
                nil
            }
        let width = pool?.tokens.poolShape.width ?? base.featureWidth
        classifier =
            switch kind {
            case _ where classCount == 0: nil
            case .linear, .attentionPool:
                .linear(try Linear(head, width, classCount, initial: .truncNormal()))
            case .mlp:
                .mlp(
                    try MLPClassifier(
                        head, width: width, hidden: hidden > 0 ? hidden : width, classCount: classCount))
            }
    }

    /// The length of a feature vector.
    public var featureWidth: Int { base.featureWidth }
    /// The channels of the feature map.
    public var mapWidth: Int { base.mapWidth }
    /// The network's batch normalisations.
    public var normalizations: [BatchNorm2d] { base.normalizations }

    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]`.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        guard let pool else { return try base.features(images, mode: mode) }
        return try pool.attention(pool.tokens.tokens(images, mode: mode))
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the feature map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        try base.featureMap(images, mode: mode)
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor {
        switch classifier {
        case .linear(let linear): try linear(features)
        case .mlp(let mlp): try mlp(features)
        case nil: features
        }
    }
}

/// A classifier of two layers with the names of timm's `ClNormMlpClassifierHead`.
struct MLPClassifier {
    let norm: LayerNorm
    let inner, outer: Linear

    /// Claims `norm`, `pre_logits.fc` and `fc`.
    init(_ scope: Scope, width: Int, hidden: Int, classCount: Int) throws {
        norm = try LayerNorm(scope / "norm", width)
        inner = try Linear(scope / "pre_logits" / "fc", width, hidden, initial: .truncNormal())
        outer = try Linear(scope / "fc", hidden, classCount, initial: .truncNormal())
    }

    /// Maps `[B, D]` to `[B, C]`.
    func callAsFunction(_ features: Tensor) throws -> Tensor { try outer(inner(norm(features)).gelu()) }
}
