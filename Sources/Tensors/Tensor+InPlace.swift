internal import CTorch

// For weights, running statistics and averages. Autograd does not record these, so they may change leaves
// that require gradients; it does notice when a value it saved for the backward pass was changed.
extension Tensor {
    /// Overwrites the elements with those of `source`, converted and broadcast.
    @discardableResult
    public func copy_(_ source: Tensor) throws(TorchError) -> Tensor {
        try inPlace(source, "copy_") { ct_copy_($0, $1) }
    }

    /// Adds `scale · other`.
    @discardableResult
    public func addScaled_(_ other: Tensor, _ scale: Double = 1) throws(TorchError) -> Tensor {
        try inPlace(other, "addScaled_") { ct_add_scaled_($0, $1, scale) }
    }

    /// Adds a number.
    @discardableResult
    public func add_(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try inPlace(self, "add_") { a, _ in ct_add_scalar_(a, number.scalar) }
    }

    /// Multiplies by another tensor.
    @discardableResult
    public func mul_(_ other: Tensor) throws(TorchError) -> Tensor {
        try inPlace(other, "mul_") { ct_mul_($0, $1) }
    }

    /// Multiplies by a number.
    @discardableResult
    public func mul_(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try inPlace(self, "mul_") { a, _ in ct_mul_scalar_(a, number.scalar) }
    }

    /// Moves the share `weight` of the way to `target`.
    @discardableResult
    public func lerp_(_ target: Tensor, _ weight: Double) throws(TorchError) -> Tensor {
        try inPlace(target, "lerp_") { ct_lerp_($0, $1, weight) }
    }

    /// Sets every element to a number.
    @discardableResult
    public func fill_(_ number: some TensorScalar) throws(TorchError) -> Tensor {
        try inPlace(self, "fill_") { a, _ in ct_fill_(a, number.scalar) }
    }

    private func inPlace(
        _ other: Tensor, _ operation: StaticString, _ body: (CTTensor, CTTensor) -> CTStatus
    ) throws(TorchError) -> Tensor {
        try check(withHandle { a in other.withHandle { body(a, $0) } }, operation: operation)
        return self
    }
}
