internal import CTorch

/// How a loss over a batch becomes its result.
public enum Reduction: Int64, Sendable {
    /// One loss for each element or row.
    case none = 0
    /// Their mean.
    case mean = 1
    /// Their sum.
    case sum = 2
}

extension Tensor {
    /// The cross-entropy of these logits, `[B, C]`, with class numbers, `[B]`, or probabilities, `[B, C]`.
    ///
    /// Smoothing moves that share of the target to all classes alike. Rows with the number −100 do not count.
    public func crossEntropy(
        _ target: Tensor, labelSmoothing: Double = 0, weight: Tensor? = nil, reduction: Reduction = .mean
    ) throws(TorchError) -> Tensor {
        try Tensor(self, target, optional: weight) {
            ct_cross_entropy($0, $1, $2, labelSmoothing, reduction.rawValue, $3)
        }
    }

    /// The negative log-likelihood of class numbers under these log-probabilities.
    public func nllLoss(_ target: Tensor, reduction: Reduction = .mean) throws(TorchError) -> Tensor {
        try Tensor(self, target) { ct_nll_loss($0, $1, reduction.rawValue, $2) }
    }

    /// The Kullback-Leibler divergence KL(target ‖ self) of these log-probabilities, `[B, C]`.
    ///
    /// It is summed over classes and averaged over rows (PyTorch's `batchmean`), unless reduced otherwise;
    /// `.none` keeps every element.
    public func klDiv(
        _ target: Tensor, logTarget: Bool = false, reduction: Reduction = .mean
    ) throws(TorchError) -> Tensor {
        let elementary: Reduction = reduction == .mean ? .sum : reduction
        let loss = try Tensor(self, target) { ct_kl_div($0, $1, logTarget, elementary.rawValue, $2) }
        return reduction == .mean ? try loss / Swift.max(1, shape.first ?? 1) : loss
    }

    /// The squared error.
    public func mseLoss(_ target: Tensor, reduction: Reduction = .mean) throws(TorchError) -> Tensor {
        try Tensor(self, target) { ct_mse_loss($0, $1, reduction.rawValue, $2) }
    }

    /// The cross-entropy of these logits with independent truths between zero and one.
    public func binaryCrossEntropy(
        _ target: Tensor, reduction: Reduction = .mean
    ) throws(TorchError) -> Tensor {
        try Tensor(self, target) { ct_bce_with_logits($0, $1, reduction.rawValue, $2) }
    }

    /// The cosine of the angle between vectors along `dim`.
    public func cosineSimilarity(_ other: Tensor, dim: Int = -1) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_cosine_similarity($0, $1, Int64(dim), $2) }
    }
}
