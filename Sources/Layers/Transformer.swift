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

    /// Maps `[B, N, D]` to `[B, N, D]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let shape = x.shape
        let (batch, tokens, width) = (shape[0], shape[1], shape[2])
        let mixed = try qkv(x).reshape(batch, tokens, 3, heads, width / heads).permute(2, 0, 3, 1, 4)
        let attended = try Tensor.scaledDotProductAttention(
            query: mixed.select(dim: 0, index: 0), key: mixed.select(dim: 0, index: 1),
            value: mixed.select(dim: 0, index: 2))  // [B, H, N, D / H]
        return try proj(attended.transpose(1, 2).reshape(batch, tokens, width))
    }
}

/// Two linear maps with a GELU between them.
public struct MLP {
    let fc1, fc2: Linear

    /// Claims `fc1` and `fc2`.
    public init(_ scope: Scope, width: Int, hidden: Int) throws {
        fc1 = try Linear(scope / "fc1", width, hidden, initial: .truncNormal())
        fc2 = try Linear(scope / "fc2", hidden, width, initial: .truncNormal())
    }

    /// Maps `[…, D]` to `[…, D]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor { try fc2(fc1(x).gelu()) }
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
        guard mode == .training, rate > 0 else { return x }
        let shape = [x.shape[0]] + [Int](repeating: 1, count: x.rank - 1)
        let mask = try generator.bernoulli(shape, probability: 1 - rate) / (1 - rate)
        return try x * mask.to(x.device)
    }
}

/// A pre-norm transformer block.
public struct TransformerBlock {
    let norm1, norm2: LayerNorm
    let attn: Attention
    let mlp: MLP
    let dropPath: DropPath

    /// Claims `norm1`, `attn`, `norm2` and `mlp`.
    public init(_ scope: Scope, width: Int, heads: Int, hidden: Int, dropPath rate: Double = 0) throws {
        norm1 = try LayerNorm(scope / "norm1", width)
        attn = try Attention(scope / "attn", width: width, heads: heads)
        norm2 = try LayerNorm(scope / "norm2", width)
        mlp = try MLP(scope / "mlp", width: width, hidden: hidden)
        dropPath = DropPath(rate, generator: scope.generator)
    }

    /// Maps `[B, N, D]` to `[B, N, D]`.
    public func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let x = try x + dropPath(attn(norm1(x)), mode: mode)
        return try x + dropPath(mlp(norm2(x)), mode: mode)
    }
}

/// Cuts images into square patches and maps each to a vector.
public struct PatchEmbed {
    let proj: Conv2d

    /// Claims `proj`.
    public init(_ scope: Scope, width: Int, patch: Int) throws {
        proj = try Conv2d(
            scope / "proj", 3, width, kernel: patch, stride: patch, bias: true, padding: .none)
    }

    /// Maps `[B, 3, H, W]` to `[B, N, D]`.
    public func callAsFunction(_ images: Tensor) throws -> Tensor {
        try proj(images).flatten(from: 2).transpose(1, 2)
    }
}
