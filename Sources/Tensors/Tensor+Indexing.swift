internal import CTorch

extension Tensor {
    /// The elements from `from` up to `to` along `dim`; negative positions count from the end.
    public func slice(
        dim: Int, from: Int = 0, to: Int = .max, step: Int = 1
    ) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_slice($0, Int64(dim), Int64(from), Int64(to), Int64(step), $1) }
    }

    /// The elements at one position along `dim`, without that dimension.
    public func select(dim: Int, index: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_select($0, Int64(dim), Int64(index), $1) }
    }

    /// The elements at a list of positions along `dim`.
    public func indexSelect(dim: Int, _ indices: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, indices) { ct_index_select($0, Int64(dim), $1, $2) }
    }

    /// For each place of `indices`, the element at that position along `dim`.
    public func gather(dim: Int, _ indices: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, indices) { ct_gather($0, Int64(dim), $1, $2) }
    }

    /// The elements where `mask` is true, in one dimension.
    public func maskedSelect(_ mask: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, mask) { ct_masked_select($0, $1, $2) }
    }

    /// This tensor with `value` where `mask` is true.
    public func maskedFill(_ mask: Tensor, _ value: some TensorScalar) throws(TorchError) -> Tensor {
        try Tensor(self, mask) { ct_masked_fill($0, $1, value.scalar, $2) }
    }

    /// The positions of elements that are not zero, one row each.
    public func nonzero() throws(TorchError) -> Tensor { try Tensor(self) { ct_nonzero($0, $1) } }

    /// The elements of `a` where `condition` is true, those of `b` elsewhere.
    public static func `where`(
        _ condition: Tensor, _ a: Tensor, _ b: Tensor
    ) throws(TorchError) -> Tensor {
        try Tensor(condition, a, optional: b) { ct_where($0, $1, $2, $3) }
    }

    /// For each class number, a row of zeros with a one at that class.
    public func oneHot(classCount: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_one_hot($0, Int64(classCount), $1) }
    }

    /// The rows of this table that `ids` names.
    public func embedding(_ ids: Tensor) throws(TorchError) -> Tensor {
        try Tensor(self, ids) { ct_embedding($0, $1, $2) }
    }
}
