internal import CTorch

extension Tensor {
    /// The sum, element by element.
    public static func + (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(a, b) { ct_add($0, $1, $2) }
    }

    /// Adds a number to every element.
    public static func + (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(a) { ct_add_scalar($0, b.scalar, $1) }
    }

    /// Adds a number to every element.
    public static func + (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(b) { ct_add_scalar($0, a.scalar, $1) }
    }

    /// The difference, element by element.
    public static func - (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(a, b) { ct_sub($0, $1, $2) }
    }

    /// Subtracts a number from every element.
    public static func - (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(a) { ct_sub_scalar($0, b.scalar, $1) }
    }

    /// Subtracts every element from a number.
    public static func - (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(b) { ct_rsub_scalar($0, a.scalar, $1) }
    }

    /// The product, element by element.
    public static func * (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(a, b) { ct_mul($0, $1, $2) }
    }

    /// Multiplies every element by a number.
    public static func * (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(a) { ct_mul_scalar($0, b.scalar, $1) }
    }

    /// Multiplies every element by a number.
    public static func * (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(b) { ct_mul_scalar($0, a.scalar, $1) }
    }

    /// The quotient, element by element.
    public static func / (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(a, b) { ct_div($0, $1, $2) }
    }

    /// Divides every element by a number.
    public static func / (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(a) { ct_div_scalar($0, b.scalar, $1) }
    }

    /// Divides a number by every element.
    public static func / (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor {
        try Tensor(b) { ct_rdiv_scalar($0, a.scalar, $1) }
    }

    /// The negative of every element.
    public static prefix func - (a: Tensor) throws(TorchError) -> Tensor {
        try Tensor(a) { ct_neg($0, $1) }
    }

    /// The larger of two tensors, element by element.
    public func maximum(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_maximum($0, $1, $2) }
    }

    /// The smaller of two tensors, element by element.
    public func minimum(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_minimum($0, $1, $2) }
    }

    /// The matrix product of the last two dimensions; those before are a batch and broadcast.
    public func matmul(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_matmul($0, $1, $2) }
    }

    /// `self · weightᵀ + bias`, with a weight of `[out, in]`.
    public func linear(weight: Tensor, bias: Tensor? = nil) throws(TorchError) -> Tensor {
        try Tensor(self, weight, optional: bias) { ct_linear($0, $1, $2, $3) }
    }
}

// MARK: - Comparison and logic

extension Tensor {
    /// Where two tensors are equal.
    public func equal(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_eq($0, $1, $2) }
    }

    /// Where elements equal a number.
    public func equal(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_eq_scalar($0, number.scalar, $1) }
    }

    /// Where elements are less than those of another tensor.
    public func less(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_lt($0, $1, $2) }
    }

    /// Where elements are less than a number.
    public func less(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_lt_scalar($0, number.scalar, $1) }
    }

    /// Where elements are at most a number.
    public func lessOrEqual(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_le_scalar($0, number.scalar, $1) }
    }

    /// Where elements are greater than a number.
    public func greater(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_gt_scalar($0, number.scalar, $1) }
    }

    /// Where elements are at least a number.
    public func greaterOrEqual(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_ge_scalar($0, number.scalar, $1) }
    }

    /// Where elements are false or zero.
    public func logicalNot() throws(TorchError) -> Tensor { try Tensor(self) { ct_logical_not($0, $1) } }

    /// Where both tensors are true.
    public func logicalAnd(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_logical_and($0, $1, $2) }
    }

    /// Where either tensor is true.
    public func logicalOr(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, other) { ct_logical_or($0, $1, $2) }
    }

    /// Where elements are neither infinite nor NaN.
    public func isFinite() throws(TorchError) -> Tensor { try Tensor(self) { ct_isfinite($0, $1) } }

    /// Whether every element is true, as one element.
    public func all() throws(TorchError) -> Tensor { try Tensor(self) { ct_all($0, $1) } }

    /// Whether any element is true, as one element.
    public func any() throws(TorchError) -> Tensor { try Tensor(self) { ct_any($0, $1) } }
}
