public import Tensors

// D width

/// What the blocks of vision transformers differ in besides their sizes.
public struct TransformerStyle: Hashable, Sendable {
    /// The nonlinearity of an MLP.
    public enum Activation: String, Codable, CaseIterable, Hashable, Sendable {
        /// `x · Φ(x)`.
        case gelu
        /// `x · sigmoid(1.702 x)`, as in OpenAI's CLIP.
        case quickGELU = "quick_gelu"

        /// Applies the nonlinearity to every element.
        public func callAsFunction(_ x: Tensor) throws -> Tensor {
            switch self {
            case .gelu: try x.gelu()
            case .quickGELU: try x.quickGELU()
            }
        }
    }

    /// What follows attention in a block.
    public enum Feedforward: String, Codable, CaseIterable, Hashable, Sendable {
        /// Two linear maps with a nonlinearity between them.
        case mlp
        /// A gated unit: Shazeer, "GLU Variants Improve Transformer".
        case swiglu
    }

    /// The nonlinearity of an MLP.
    public var activation = Activation.gelu
    /// What follows attention in a block.
    public var feedforward = Feedforward.mlp
    /// What keeps layer norms from dividing by zero: 1e-6 in timm, 1e-5 in CLIP.
    public var epsilon = 1e-6
    /// Whether queries, keys and values have a bias.
    public var qkvBias = true
    /// The first value of the scales on the residual branches; nil where there are none.
    public var layerScale: Double?

    /// Creates the style of the plain vision transformer.
    public init() {}
}

/// A learned factor on every channel of a residual branch.
///
/// Touvron et al., "Going deeper with Image Transformers", section 2.2.
public struct LayerScale {
    let gamma: Tensor

    /// Claims `gamma`.
    public init(_ scope: Scope, _ width: Int, initial: Double) throws {
        gamma = try scope.parameter("gamma", width, initial: .constant(initial))
    }

    /// Scales `[…, D]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor { try x * gamma }
}

/// A gated MLP, `fc2(silu(a) · b)` with `a` and `b` the halves of `fc1(x)`, as in DINOv2's giant.
public struct PackedSwiGLU {
    let fc1, fc2: Linear
    let half: Int

    /// Claims `fc1`, whose `hidden` outputs are both halves, and `fc2`.
    public init(_ scope: Scope, width: Int, hidden: Int) throws {
        precondition(hidden.isMultiple(of: 2), "configurations are checked before: a bug in Retort")
        half = hidden / 2
        fc1 = try Linear(scope / "fc1", width, hidden, initial: .truncNormal())
        fc2 = try Linear(scope / "fc2", half, width, initial: .truncNormal())
    }

    /// Maps `[…, D]` to `[…, D]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let both = try fc1(x)
        let gate = try both.slice(dim: both.rank - 1, from: 0, to: half).silu()
        return try fc2(gate * both.slice(dim: both.rank - 1, from: half, to: 2 * half))
    }
}
