public import Tensors

// B batch, N tokens, D width, H heads

/// Makes one vector of tokens: a learned query attends to them, and an MLP follows.
///
/// The `AttentionPoolLatent` of timm with one latent; Lee et al., "Set Transformer", section 3.2, and Zhai et al.,
/// "Scaling Vision Transformers", section 3.1.
public struct LatentAttentionPool {
    let latent: Tensor
    let query, keysAndValues, proj: Linear
    let norm: LayerNorm
    let mlp: MLP
    let width, heads: Int

    /// Claims `latent`, `q`, `kv`, `proj`, `norm` and `mlp`.
    public init(_ scope: Scope, width: Int, heads: Int, hidden: Int, epsilon: Double = 1e-6) throws {
        precondition(width.isMultiple(of: heads), "configurations are checked before: a bug in Retort")
        latent = try scope.parameter(
            "latent", 1, 1, width, initial: .truncNormal(1 / Double(width).squareRoot()), decays: false)
        query = try Linear(scope / "q", width, width, initial: .truncNormal())
        keysAndValues = try Linear(scope / "kv", width, 2 * width, initial: .truncNormal())
        proj = try Linear(scope / "proj", width, width, initial: .truncNormal())
        norm = try LayerNorm(scope / "norm", width, epsilon: epsilon)
        mlp = try MLP(scope / "mlp", width: width, hidden: hidden)
        self.width = width
        self.heads = heads
    }

    /// Maps `[B, N, D]` to `[B, D]`.
    public func callAsFunction(_ tokens: Tensor) throws -> Tensor {
        let (batch, count, length) = (tokens.shape[0], tokens.shape[1], width / heads)
        let queries = try query(latent.expand([batch, 1, width])).reshape(batch, 1, heads, length)
            .transpose(1, 2)
        let mixed = try keysAndValues(tokens).reshape(batch, count, 2, heads, length).permute(2, 0, 3, 1, 4)
        let attended = try Tensor.scaledDotProductAttention(
            query: queries, key: mixed.select(dim: 0, index: 0), value: mixed.select(dim: 0, index: 1))
        let pooled = try proj(attended.transpose(1, 2).reshape(batch, width))
        return try pooled + mlp(norm(pooled))
    }
}
