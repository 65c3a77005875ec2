internal import CTorch

extension Tensor {
    /// The same elements in another shape; one length may be −1, which is then computed.
    public func reshape(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(shape) { ct_reshape(a, $0, $1, out) } }
    }

    /// The same elements in another shape; one length may be −1, which is then computed.
    public func reshape(_ shape: Int...) throws(TorchError) -> Tensor { try reshape(shape) }

    /// Dimensions of length one repeated without copying; −1 leaves a dimension as it is.
    public func expand(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(shape) { ct_expand(a, $0, $1, out) } }
    }

    /// Copies laid side by side, so many along each dimension.
    public func repeated(_ times: [Int]) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(times) { ct_repeat(a, $0, $1, out) } }
    }

    /// Two dimensions exchanged.
    public func transpose(_ first: Int, _ second: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_transpose($0, Int64(first), Int64(second), $1) }
    }

    /// Dimensions in another order.
    public func permute(_ dims: [Int]) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_permute(a, $0, $1, out) } }
    }

    /// Dimensions in another order.
    public func permute(_ dims: Int...) throws(TorchError) -> Tensor { try permute(dims) }

    /// A dimension of length one inserted at `dim`.
    public func unsqueeze(_ dim: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_unsqueeze($0, Int64(dim), $1) }
    }

    /// The dimension `dim` removed, if its length is one.
    public func squeeze(_ dim: Int) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_squeeze($0, Int64(dim), $1) }
    }

    /// The dimensions from `first` to `last` made one.
    public func flatten(from first: Int = 0, to last: Int = -1) throws(TorchError) -> Tensor {
        try Tensor(self) { ct_flatten($0, Int64(first), Int64(last), $1) }
    }

    /// The order of elements along `dims` reversed.
    public func flip(_ dims: [Int]) throws(TorchError) -> Tensor {
        try Tensor(self) { a, out in withInts(dims) { ct_flip(a, $0, $1, out) } }
    }

    /// Tensors joined along a dimension they have.
    public static func cat(_ tensors: [Tensor], dim: Int = 0) throws(TorchError) -> Tensor {
        try Tensor(list: tensors) { ct_cat($0, Int64(tensors.count), Int64(dim), $1) }
    }

    /// Tensors of one shape joined along a new dimension.
    public static func stack(_ tensors: [Tensor], dim: Int = 0) throws(TorchError) -> Tensor {
        try Tensor(list: tensors) { ct_stack($0, Int64(tensors.count), Int64(dim), $1) }
    }

    /// This tensor cut along `dim` into pieces of equal length; the last may be shorter.
    public func split(_ length: Int, dim: Int = 0) throws(TorchError) -> [Tensor] {
        let extent = try extent(of: dim, operation: "split")
        guard length > 0 else {
            throw TorchError(
                code: .shape, operation: "split", message: "pieces of length \(length) were asked for")
        }
        var pieces: [Tensor] = []
        for start in stride(from: 0, to: extent, by: length) {
            pieces.append(try slice(dim: dim, from: start, to: Swift.min(start + length, extent)))
        }
        return pieces
    }

    /// This tensor cut along `dim` into at most `count` pieces of equal length.
    public func chunk(_ count: Int, dim: Int = 0) throws(TorchError) -> [Tensor] {
        let extent = try extent(of: dim, operation: "chunk")
        guard count > 0 else {
            throw TorchError(code: .shape, operation: "chunk", message: "\(count) pieces were asked for")
        }
        return try split(Swift.max(1, (extent + count - 1) / count), dim: dim)
    }

    private func extent(of dim: Int, operation: String) throws(TorchError) -> Int {
        let index = dim < 0 ? dim + rank : dim
        guard shape.indices.contains(index) else {
            throw TorchError(
                code: .index, operation: operation, message: "dimension \(dim) of a tensor of rank \(rank)")
        }
        return shape[index]
    }
}
