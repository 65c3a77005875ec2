internal import CTorch

extension Tensor {
    /// Channels brought to mean zero and variance one, then scaled and shifted.
    ///
    /// In training the batch's own statistics are used, and the running ones, where given, move towards
    /// them in place: `running += momentum · (batch − running)`, with the unbiased variance. Otherwise the
    /// running ones are used.
    ///
    /// `activation` is applied to the result, where possible in the same pass over memory.
    public func batchNorm(
        weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?, training: Bool,
        momentum: Double = 0.1, epsilon: Double = 1e-5, then activation: Activation = .none
    ) throws(TorchError) -> Tensor {
        try Tensor(list: [self, weight, bias, runningMean, runningVariance]) { list, out in
            ct_batch_norm(
                list[0], list[1], list[2], list[3], list[4], training, momentum, epsilon,
                CTActivation(rawValue: activation.rawValue), out)
        }
    }

    /// The last dimensions, whose lengths are `shape`, brought to mean zero and variance one.
    public func layerNorm(
        _ shape: [Int], weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5
    ) throws(TorchError) -> Tensor {
        try Tensor(list: [self, weight, bias]) { list, out in
            withInts(shape) { ct_layer_norm(list[0], $0, $1, list[1], list[2], epsilon, out) }
        }
    }

    /// Channels, the second dimension, brought to mean zero and variance one in `groups` of equal size.
    public func groupNorm(
        _ groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5
    ) throws(TorchError) -> Tensor {
        try Tensor(list: [self, weight, bias]) { list, out in
            ct_group_norm(list[0], Int64(groups), list[1], list[2], epsilon, out)
        }
    }

    /// Attention of queries over keys and values, all `[…, N, D]`: `softmax(q · kᵀ / √D + mask) · v`.
    ///
    /// A boolean mask is true where a query may look.
    public static func scaledDotProductAttention(
        query: Tensor, key: Tensor, value: Tensor, mask: Tensor? = nil, causal: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor(list: [query, key, value, mask]) { list, out in
            ct_scaled_dot_product_attention(list[0], list[1], list[2], list[3], causal, out)
        }
    }

    /// Multi-head attention of tokens to each other, `[B, N, H · D]`, from their queries, keys and values side by side.
    ///
    /// `softmax(q kᵀ / √D) v` for each of the H heads, of this tensor read as `[B, N, 3, H, D]`; with `count` only for
    /// the first tokens, `[B, count, H · D]`. Inside autocast to bf16
    /// on a CPU that has the instructions, probabilities are recomputed in the backward pass and never stored (Dao et
    /// al. 2022, "FlashAttention", section 3.1).
    public func selfAttention(heads: Int, reading count: Int? = nil) throws(TorchError) -> Tensor {
        let count = count ?? shape[1]
        return try Tensor(self) { ct_self_attention($0, Int64(heads), Int64(count), $1) }
    }

    /// Adds a branch to a residual stream and normalises the sum's last dimension, in one pass over memory where
    /// that is possible.
    ///
    /// - Parameters:
    ///   - branch: what is added, of the stream's shape.
    ///   - scale: a factor of each number of the last dimension of the branch.
    ///   - factors: a factor of each entry of the first dimension of the branch.
    /// - Returns: the sum, in the stream's precision, and its layer norm.
    public func joined(
        with branch: Tensor?, scale: Tensor? = nil, factors: Tensor? = nil, weight: Tensor, bias: Tensor,
        epsilon: Double
    ) throws(TorchError) -> (sum: Tensor, normalized: Tensor) {
        try Tensor.pair(list: [self, branch, scale, factors, weight, bias]) { list, sum, normed in
            ct_join(list[0], list[1], list[2], list[3], list[4], list[5], epsilon, sum, normed)
        }
    }

    /// Elements zeroed with a probability, and the others scaled up to keep the mean.
    public func dropout(_ probability: Double, generator: Generator) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in generator.withHandle { ct_dropout(a, probability, $0, out) } }
    }
}
