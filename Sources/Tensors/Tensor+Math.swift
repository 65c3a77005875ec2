internal import CTorch

extension Tensor {
    /// The absolute value.
    public func abs() throws(TorchError) -> Tensor { try Tensor(self) { ct_abs($0, $1) } }
    /// The sign: −1, 0 or 1.
    public func sign() throws(TorchError) -> Tensor { try Tensor(self) { ct_sign($0, $1) } }
    /// The exponential.
    public func exp() throws(TorchError) -> Tensor { try Tensor(self) { ct_exp($0, $1) } }
    /// The natural logarithm.
    public func log() throws(TorchError) -> Tensor { try Tensor(self) { ct_log($0, $1) } }
    /// The natural logarithm of one plus each element, exact near zero.
    public func log1p() throws(TorchError) -> Tensor { try Tensor(self) { ct_log1p($0, $1) } }
    /// The square root.
    public func sqrt() throws(TorchError) -> Tensor { try Tensor(self) { ct_sqrt($0, $1) } }
    /// One over the square root.
    public func rsqrt() throws(TorchError) -> Tensor { try Tensor(self) { ct_rsqrt($0, $1) } }
    /// The sine.
    public func sin() throws(TorchError) -> Tensor { try Tensor(self) { ct_sin($0, $1) } }
    /// The cosine.
    public func cos() throws(TorchError) -> Tensor { try Tensor(self) { ct_cos($0, $1) } }
    /// The largest integer that is not greater.
    public func floor() throws(TorchError) -> Tensor { try Tensor(self) { ct_floor($0, $1) } }
    /// The nearest integer; halves go to the even one.
    public func round() throws(TorchError) -> Tensor { try Tensor(self) { ct_round($0, $1) } }

    /// Every element to the power of a number.
    public func pow(_ exponent: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_pow_scalar($0, exponent.scalar, $1) }
    }

    /// Every element moved into a range.
    public func clamp(
        min: some TensorScalar, max: some TensorScalar
    ) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_clamp($0, min.scalar, max.scalar, $1) }
    }

    /// Every element, or `min` where it is less.
    public func clamp(min: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_clamp_min($0, min.scalar, $1) }
    }

    /// Every element, or `max` where it is greater.
    public func clamp(max: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_clamp_max($0, max.scalar, $1) }
    }
}

// MARK: - Activations

extension Tensor {
    /// `max(x, 0)`.
    public func relu() throws(TorchError) -> Tensor { try Tensor(self) { ct_relu($0, $1) } }
    /// `min(max(x, 0), 6)`.
    public func relu6() throws(TorchError) -> Tensor { try Tensor(self) { ct_relu6($0, $1) } }
    /// The Gaussian error linear unit; with `tanh`, by its approximation.
    public func gelu(tanh: Bool = false) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_gelu($0, tanh, $1) }
    }
    /// `x · sigmoid(1.702 x)`, as in OpenAI's CLIP.
    public func quickGELU() throws(TorchError) -> Tensor { try Tensor(self) { ct_quick_gelu($0, $1) } }
    /// `x · sigmoid(x)`.
    public func silu() throws(TorchError) -> Tensor { try Tensor(self) { ct_silu($0, $1) } }
    /// The logistic function.
    public func sigmoid() throws(TorchError) -> Tensor { try Tensor(self) { ct_sigmoid($0, $1) } }
    /// The hyperbolic tangent.
    public func tanh() throws(TorchError) -> Tensor { try Tensor(self) { ct_tanh($0, $1) } }
    /// `x · relu6(x + 3) / 6`.
    public func hardswish() throws(TorchError) -> Tensor { try Tensor(self) { ct_hardswish($0, $1) } }
    /// `relu6(x + 3) / 6`.
    public func hardsigmoid() throws(TorchError) -> Tensor { try Tensor(self) { ct_hardsigmoid($0, $1) } }
    /// `log(1 + exp(x))`.
    public func softplus() throws(TorchError) -> Tensor { try Tensor(self) { ct_softplus($0, $1) } }

    /// Exponentials along `dim` that sum to one.
    public func softmax(_ dim: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_softmax($0, Int64(dim), $1) }
    }

    /// The logarithm of `softmax`, without its rounding.
    public func logSoftmax(_ dim: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_log_softmax($0, Int64(dim), $1) }
    }
}
