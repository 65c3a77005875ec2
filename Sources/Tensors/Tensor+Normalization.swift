internal import CTorch

extension Tensor {
    /// Channels brought to mean zero and variance one, then scaled and shifted.
    ///
    /// In training the batch's own statistics are used, and the running ones, where given, move towards
    /// them in place: `running += momentum · (batch − running)`, with the unbiased variance. Otherwise the
    /// running ones are used.
    public func batchNorm(
        weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?, training: Bool,
        momentum: Double = 0.1, epsilon: Double = 1e-5
    ) throws(TorchError) -> Tensor {
        try Tensor(list: [self, weight, bias, runningMean, runningVariance]) { list, out in
            ct_batch_norm(
                list[0], list[1], list[2], list[3], list[4], training, momentum, epsilon, out)
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

    /// Elements zeroed with a probability, and the others scaled up to keep the mean.
    public func dropout(_ probability: Double, generator: Generator) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in generator.withHandle { ct_dropout(a, probability, $0, out) } }
    }
}
