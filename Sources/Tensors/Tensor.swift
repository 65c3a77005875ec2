internal import CTorch

/// An array of numbers on some device, and the graph that made it.
///
/// Operations never change their operands, except those whose names end in an underscore. A tensor is not
/// `Sendable`: hand it to another thread whole (`sending`) or not at all. Every operation throws, because
/// running out of memory has to fail one stage and not the process.
public final class Tensor {
    // Only the funnels below touch it. ARC may free a tensor right after the last
    // use of the *Swift* reference, which can be before the C call that got its handle returns: every use
    // therefore happens inside `withExtendedLifetime`.
    private let handle: CTTensor
    private var cachedShape: [Int]?

    /// Takes ownership of a handle.
    init(owning handle: CTTensor) { self.handle = handle }

    deinit { ct_free(handle) }

    /// Calls `body` with this tensor's handle, which is valid for the length of the call.
    @inline(__always)
    func withHandle<Result>(_ body: (CTTensor) -> Result) -> Result {
        withExtendedLifetime(self) { body(handle) }
    }

    /// The lengths of the dimensions.
    public var shape: [Int] {
        if let cachedShape { return cachedShape }
        let shape = withHandle { handle in
            let rank = Int(ct_rank(handle))
            return withUnsafeTemporaryAllocation(of: Int64.self, capacity: rank) { sizes in
                ct_sizes(handle, sizes.baseAddress)
                return (0..<rank).map { Int(sizes[$0]) }
            }
        }
        cachedShape = shape
        return shape
    }

    /// The number of dimensions.
    public var rank: Int { shape.count }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// What one element is.
    public var dtype: DType {
        let number = withHandle { ct_dtype($0) }
        guard let dtype = DType(rawValue: number) else {
            preconditionFailure("libtorch made a tensor of dtype \(number), which no operation here asks for")
        }
        return dtype
    }

    /// Where it lives.
    public var device: Device { Device(number: withHandle { ct_device($0) }) }

    /// Whether elements lie in memory in the order of the shape.
    public var isContiguous: Bool { withHandle { ct_is_contiguous($0) } }

    /// Whether elements of a `[B, C, H, W]` tensor lie in memory as `[B, H, W, C]`.
    public var isChannelsLast: Bool { withHandle { ct_is_channels_last($0) } }

    /// How many tensors, generators and scripts are alive in this process; leak tests compare it.
    public static var liveCount: Int { Int(ct_live_handles()) }
}

// MARK: - Funnels

/// What a C operation writes its result to.
typealias Out = UnsafeMutablePointer<CTTensor?>

extension Tensor {
    /// Wraps what an operation wrote, or throws what went wrong.
    @inline(__always)
    private convenience init(_ status: CTStatus, _ out: CTTensor?, _ operation: StaticString)
        throws(TorchError)
    {
        guard status == CT_OK, let out else { throw TorchError(status: status, operation: operation) }
        self.init(owning: out)
    }

    /// Runs an operation without operands.
    convenience init(operation: StaticString = #function, _ body: (Out) -> CTStatus) throws(TorchError) {
        var out: CTTensor?
        let status = body(&out)
        try self.init(status, out, operation)
    }

    /// Runs an operation on one tensor.
    @inline(__always)
    convenience init(
        _ a: Tensor, operation: StaticString = #function, _ body: (CTTensor, Out) -> CTStatus
    ) throws(TorchError) {
        var out: CTTensor?
        let status = withExtendedLifetime(a) { body(a.handle, &out) }
        try self.init(status, out, operation)
    }

    /// Runs an operation on two tensors.
    @inline(__always)
    convenience init(
        _ a: Tensor, _ b: Tensor, operation: StaticString = #function,
        _ body: (CTTensor, CTTensor, Out) -> CTStatus
    ) throws(TorchError) {
        var out: CTTensor?
        let status = withExtendedLifetime((a, b)) { body(a.handle, b.handle, &out) }
        try self.init(status, out, operation)
    }

    /// Runs an operation on a tensor, a second one and an optional third.
    @inline(__always)
    convenience init(
        _ a: Tensor, _ b: Tensor, optional c: Tensor?, operation: StaticString = #function,
        _ body: (CTTensor, CTTensor, CTTensor?, Out) -> CTStatus
    ) throws(TorchError) {
        var out: CTTensor?
        let status = withExtendedLifetime((a, b, c)) { body(a.handle, b.handle, c?.handle, &out) }
        try self.init(status, out, operation)
    }

    /// Runs an operation on any number of tensors, some of which may be missing.
    convenience init(
        list tensors: [Tensor?], operation: StaticString = #function,
        _ body: (UnsafePointer<CTTensor?>, Out) -> CTStatus
    ) throws(TorchError) {
        var out: CTTensor?
        let status = Tensor.withHandles(tensors) { body($0, &out) }
        try self.init(status, out, operation)
    }

    /// Runs an operation on one tensor that writes two.
    static func pair(
        _ a: Tensor, operation: StaticString = #function, _ body: (CTTensor, Out, Out) -> CTStatus
    ) throws(TorchError) -> (Tensor, Tensor) {
        var first: CTTensor?
        var second: CTTensor?
        let status = withExtendedLifetime(a) { body(a.handle, &first, &second) }
        return try both(status, first, second, operation)
    }

    /// Runs an operation on any number of tensors, some of which may be missing, that writes two.
    static func pair(
        list tensors: [Tensor?], operation: StaticString = #function,
        _ body: (UnsafePointer<CTTensor?>, Out, Out) -> CTStatus
    ) throws(TorchError) -> (Tensor, Tensor) {
        var first: CTTensor?
        var second: CTTensor?
        let status = Tensor.withHandles(tensors) { body($0, &first, &second) }
        return try both(status, first, second, operation)
    }

    /// Wraps the two results of an operation, or throws what went wrong.
    private static func both(
        _ status: CTStatus, _ first: CTTensor?, _ second: CTTensor?, _ operation: StaticString
    ) throws(TorchError) -> (Tensor, Tensor) {
        let owned = first.map(Tensor.init(owning:))
        let other = second.map(Tensor.init(owning:))
        guard status == CT_OK, let owned, let other else {
            throw TorchError(status: status, operation: operation)
        }
        return (owned, other)
    }

    /// Calls `body` with the handles of a list of tensors, valid for the length of the call.
    static func withHandles<Result>(
        _ tensors: [Tensor?], _ body: (UnsafePointer<CTTensor?>) -> Result
    ) -> Result {
        withExtendedLifetime(tensors) {
            withUnsafeTemporaryAllocation(of: CTTensor?.self, capacity: Swift.max(1, tensors.count)) {
                handles in
                for (index, tensor) in tensors.enumerated() { handles[index] = tensor?.handle }
                guard let list = handles.baseAddress else {
                    preconditionFailure("an allocation of at least one element has an address")
                }
                return body(UnsafePointer(list))
            }
        }
    }
}

/// Calls `body` with a list of numbers as C takes it: a pointer and a count.
@inline(__always)
func withInts<Result>(_ values: [Int], _ body: (UnsafePointer<Int64>?, Int64) -> Result) -> Result {
    values.withUnsafeBytes { bytes in
        body(bytes.baseAddress?.assumingMemoryBound(to: Int64.self), Int64(values.count))
    }
}
