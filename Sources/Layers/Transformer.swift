public import Tensors

// B batch, N tokens, D width, H heads

/// Brings the last dimension to mean zero and variance one, then scales and shifts it.
public struct LayerNorm {
    let weight, bias: Tensor
    let width: Int
    let epsilon: Double

    /// Claims `weight` and `bias`.
    public init(_ scope: Scope, _ width: Int, epsilon: Double = 1e-6) throws {
        weight = try scope.parameter("weight", width, initial: .ones)
        bias = try scope.parameter("bias", width, initial: .zeros)
        self.width = width
        self.epsilon = epsilon
    }

    /// Normalises `[…, D]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.layerNorm([width], weight: weight, bias: bias, epsilon: epsilon)
    }
}

/// Multi-head self-attention, with queries, keys and values from one matrix as in timm.
public struct Attention {
    let qkv, proj: Linear
    let heads: Int

    /// Claims `qkv` and `proj`.
    public init(_ scope: Scope, width: Int, heads: Int, qkvBias: Bool = true) throws {
        precondition(width.isMultiple(of: heads), "configurations are checked before: a bug in Retort")
        qkv = try Linear(scope / "qkv", width, 3 * width, bias: qkvBias, initial: .truncNormal())
        proj = try Linear(scope / "proj", width, width, initial: .truncNormal())
        self.heads = heads
    }

    /// Maps `[B, N, D]` to `[B, N, D]`; with `count` only what the first tokens read, `[B, count, D]`.
    public func callAsFunction(_ x: Tensor, reading count: Int? = nil) throws -> Tensor {
        try proj(qkv(x).selfAttention(heads: heads, reading: count))
    }
}

/// Two linear maps with a nonlinearity between them.
public struct MLP {
    let fc1, fc2: Linear
    let activation: TransformerStyle.Activation

    /// Claims `fc1` and `fc2`.
    public init(
        _ scope: Scope, width: Int, hidden: Int, activation: TransformerStyle.Activation = .gelu
    ) throws {
        fc1 = try Linear(scope / "fc1", width, hidden, initial: .truncNormal())
        fc2 = try Linear(scope / "fc2", hidden, width, initial: .truncNormal())
        self.activation = activation
    }

    /// Maps `[…, D]` to `[…, D]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor { try fc2(activation(fc1(x))) }
}

/// Drops a residual branch for some images of a batch, and scales it up for the others.
public struct DropPath {
    let rate: Double
    let generator: Generator

    /// Drops with probability `rate`, drawn from `generator`.
    public init(_ rate: Double, generator: Generator) {
        self.rate = rate
        self.generator = generator
    }

    /// Drops whole images of `[B, …]` in training; does nothing in evaluation.
    public func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let shape = [x.shape[0]] + [Int](repeating: 1, count: x.rank - 1)
        guard let factors = try factors(x.shape[0], mode: mode, device: x.device) else { return x }
        return try x * factors.reshape(shape)
    }

    /// What each of `count` images is multiplied by, `[count]`: zero, or the inverse of the chance to be kept; nil
    /// in evaluation.
    func factors(_ count: Int, mode: Mode, device: Device) throws -> Tensor? {
        guard mode == .training, rate > 0 else { return nil }
        let kept = try generator.forEachImage(count) {
            try generator.bernoulli([$0], probability: 1 - rate)
        }
        return try (kept / (1 - rate)).to(device)
    }
}

/// A pre-norm transformer block.
public struct TransformerBlock {
    let norm1, norm2: LayerNorm
    let attn: Attention
    let mlp: Feedforward
    let scale1, scale2: LayerScale?
    let dropPath: DropPath

    /// The second half of a block.
    enum Feedforward {
        case mlp(MLP)
        case swiglu(PackedSwiGLU)

        func callAsFunction(_ x: Tensor) throws -> Tensor {
            switch self {
            case .mlp(let mlp): try mlp(x)
            case .swiglu(let swiglu): try swiglu(x)
            }
        }
    }

    /// Claims `norm1`, `attn`, `norm2` and `mlp`, and `ls1` and `ls2` where the style has them.
    public init(
        _ scope: Scope, width: Int, heads: Int, hidden: Int, dropPath rate: Double = 0,
        style: TransformerStyle = TransformerStyle()
    ) throws {
        norm1 = try LayerNorm(scope / "norm1", width, epsilon: style.epsilon)
        attn = try Attention(scope / "attn", width: width, heads: heads, qkvBias: style.qkvBias)
        scale1 = try style.layerScale.map { try LayerScale(scope / "ls1", width, initial: $0) }
        norm2 = try LayerNorm(scope / "norm2", width, epsilon: style.epsilon)
        mlp =
            switch style.feedforward {
            case .mlp:
                .mlp(try MLP(scope / "mlp", width: width, hidden: hidden, activation: style.activation))
            case .swiglu: .swiglu(try PackedSwiGLU(scope / "mlp", width: width, hidden: hidden))
            }
        scale2 = try style.layerScale.map { try LayerScale(scope / "ls2", width, initial: $0) }
        dropPath = DropPath(rate, generator: scope.generator)
    }

    /// Maps `[B, N, D]` to `[B, N, D]`; with `count` only what becomes of the first tokens, `[B, count, D]`.
    ///
    /// A network that looks at its first token alone need not compute what the last block makes of the others.
    public func callAsFunction(
        _ stream: ResidualStream, mode: Mode, reading count: Int? = nil
    ) throws -> ResidualStream {
        let (entered, tokens) = try stream.normalized(by: norm1)
        let attended = try attn(tokens, reading: count)
        let (middle, mixed) = try entered.first(count)
            .adding(attended, scale: scale1?.gamma, factors: factors(tokens, mode)).normalized(by: norm2)
        return try middle.adding(mlp(mixed), scale: scale2?.gamma, factors: factors(tokens, mode))
    }

    private func factors(_ tokens: Tensor, _ mode: Mode) throws -> Tensor? {
        try dropPath.factors(tokens.shape[0], mode: mode, device: tokens.device)
    }
}

/// Cuts images into square patches and maps each to a vector.
public struct PatchEmbed {
    let proj: Conv2d

    /// Claims `proj`.
    public init(_ scope: Scope, width: Int, patch: Int, bias: Bool = true) throws {
        proj = try Conv2d(
            scope / "proj", 3, width, kernel: patch, stride: patch, bias: bias, padding: .none)
    }

    /// Maps `[B, 3, H, W]` to `[B, N, D]`.
    public func callAsFunction(_ images: Tensor) throws -> Tensor {
        try proj(images).flatten(from: 2).transpose(1, 2)
    }
}
