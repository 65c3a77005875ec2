internal import CTorch

extension Tensor {
    /// Whether operations on this tensor are recorded for the backward pass.
    public var requiresGrad: Bool { withHandle { ct_requires_grad($0) } }

    /// Says whether operations on this tensor are to be recorded, and returns it.
    @discardableResult
    public func requiresGrad(_ flag: Bool) throws(TorchError) -> Tensor {
        try check(withHandle { ct_set_requires_grad($0, flag) }, operation: "requiresGrad")
        return self
    }

    /// Adds the gradients of this tensor to every leaf that it depends on.
    ///
    /// A tensor with more than one element needs the gradient to start from. The graph is freed unless it is
    /// retained.
    public func backward(gradient: Tensor? = nil, retainingGraph: Bool = false) throws(TorchError) {
        let status = withHandle { a in
            if let gradient { return gradient.withHandle { ct_backward(a, $0, retainingGraph) } }
            return ct_backward(a, nil, retainingGraph)
        }
        try check(status, operation: "backward")
    }

    /// The gradient of this leaf; nil until a backward pass reached it.
    public var grad: Tensor? {
        get throws(TorchError) {
            var out: CTTensor?
            try check(withHandle { ct_grad($0, &out) }, operation: "grad")
            return out.map(Tensor.init(owning:))
        }
    }

    /// Forgets the gradient.
    public func zeroGrad() throws(TorchError) { try Tensor.zeroGrad([self]) }

    /// Forgets the gradients of many tensors.
    public static func zeroGrad(_ tensors: [Tensor]) throws(TorchError) {
        try check(
            Tensor.withHandles(tensors) { ct_zero_grad($0, Int64(tensors.count)) }, operation: "zeroGrad")
    }

    /// The same elements, without the graph that made them.
    public func detach() throws(TorchError) -> Tensor { try Tensor(self) { ct_detach($0, $1) } }
}

/// Runs `body` without recording anything for a backward pass on this thread.
public func withoutGradients<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let previous = ct_set_grad_mode(false)
    defer { _ = ct_set_grad_mode(previous) }
    return try body()
}

/// Runs `body` recording again, inside `withoutGradients`.
public func withGradients<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let previous = ct_set_grad_mode(true)
    defer { _ = ct_set_grad_mode(previous) }
    return try body()
}

/// Runs `body` with matrix products and convolutions in a smaller dtype, on this thread and one kind of device.
///
/// Do not update weights inside it: the smaller copies of weights are kept until the outermost scope ends.
public func autocast<Result>(
    _ dtype: DType = .bfloat16, on device: Device = .cpu, enabled: Bool = true, _ body: () throws -> Result
) throws -> Result {
    var previous = CTAutocast()
    let wanted = CTAutocast(enabled: enabled, dtype: dtype.rawValue)
    try check(ct_autocast_enter(device.number, wanted, &previous), operation: "autocast")
    let result: Swift.Result<Result, any Error> = Swift.Result { try body() }
    try check(ct_autocast_exit(device.number, previous), operation: "autocast")
    return try result.get()
}
