internal import CTorch

extension Tensor {
    /// The sum of all elements.
    public func sum() throws(TorchError) -> Tensor { try Tensor(self) { ct_sum($0, $1) } }

    /// The sums along `dims`.
    public func sum(_ dims: Int..., keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try sum(dims: dims, keepingDim: keepingDim)
    }

    /// The sums along `dims`.
    public func sum(dims: [Int], keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_sum_dims(a, $0, $1, keepingDim, out) } }
    }

    /// The mean of all elements.
    public func mean() throws(TorchError) -> Tensor { try Tensor(self) { ct_mean($0, $1) } }

    /// The means along `dims`.
    public func mean(_ dims: Int..., keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try mean(dims: dims, keepingDim: keepingDim)
    }

    /// The means along `dims`.
    public func mean(dims: [Int], keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_mean_dims(a, $0, $1, keepingDim, out) } }
    }

    /// The variances along `dims`; unbiased ones divide by one less than the count.
    public func variance(
        dims: [Int], unbiased: Bool = true, keepingDim: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_var_dims(a, $0, $1, unbiased, keepingDim, out) } }
    }

    /// The logarithm of the sum of exponentials along `dims`.
    public func logSumExp(dims: [Int], keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_logsumexp(a, $0, $1, keepingDim, out) } }
    }

    /// The largest elements along `dims`; of all elements where none are given.
    public func max(dims: [Int] = [], keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_amax(a, $0, $1, keepingDim, out) } }
    }

    /// The smallest elements along `dims`; of all elements where none are given.
    public func min(dims: [Int] = [], keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_amin(a, $0, $1, keepingDim, out) } }
    }

    /// The largest elements along `dim` and where they stand.
    public func max(
        _ dim: Int, keepingDim: Bool = false
    ) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        try Tensor.pair(self) { ct_max_dim($0, Int64(dim), keepingDim, $1, $2) }
    }

    /// The smallest elements along `dim` and where they stand.
    public func min(
        _ dim: Int, keepingDim: Bool = false
    ) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        try Tensor.pair(self) { ct_min_dim($0, Int64(dim), keepingDim, $1, $2) }
    }

    /// Of logits `[B, C, H, W]` the most probable class of every pixel and its probability by softmax, `[B, H, W]` in fp32.
    ///
    /// Of equal logits the first class wins. All probabilities of an image are NaN where one of its logits is not finite.
    public func mostProbableClasses() throws(TorchError) -> (classes: Tensor, probabilities: Tensor) {
        let (classes, probabilities) = try Tensor.pair(self) { ct_classes($0, $1, $2) }
        return (classes, probabilities)
    }

    /// Where the largest elements along `dim` stand.
    public func argmax(_ dim: Int, keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_argmax($0, Int64(dim), keepingDim, $1) }
    }

    /// Where the smallest elements along `dim` stand.
    public func argmin(_ dim: Int, keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_argmin($0, Int64(dim), keepingDim, $1) }
    }

    /// The `k` largest elements along `dim`, largest first, and where they stand.
    public func topK(
        _ k: Int, dim: Int = -1, largest: Bool = true
    ) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        try Tensor.pair(self) { ct_topk($0, Int64(k), Int64(dim), largest, $1, $2) }
    }

    /// The elements in order along `dim`, and where they stood; equals keep their order.
    public func sort(
        _ dim: Int = -1, descending: Bool = false
    ) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        try Tensor.pair(self) { ct_sort($0, Int64(dim), descending, $1, $2) }
    }

    /// The order of the elements along `dim`; equals keep theirs.
    public func argsort(_ dim: Int = -1, descending: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_argsort($0, Int64(dim), descending, $1) }
    }

    /// Running sums along `dim`.
    public func cumulativeSum(_ dim: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_cumsum($0, Int64(dim), $1) }
    }

    /// The Euclidean norm of all elements.
    public func norm() throws(TorchError) -> Tensor { try Tensor(self) { ct_norm($0, $1) } }

    /// The Euclidean norms along `dims`.
    public func norm(dims: [Int], keepingDim: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_norm_dims(a, $0, $1, keepingDim, out) } }
    }

    /// Vectors along `dim` scaled to length one; lengths below `epsilon` count as `epsilon`.
    public func normalize(_ dim: Int = -1, epsilon: Double = 1e-12) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_normalize($0, Int64(dim), epsilon, $1) }
    }

    /// How often each of the integers from zero occurs; at least `minimumCount` numbers.
    public func binCount(minimumCount: Int = 0) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_bincount($0, Int64(minimumCount), $1) }
    }
}
