internal import CTorch

/// Operations on tensors of all processes of a meeting: all make the same calls in the same order.
///
/// Results are the same bytes in every process, and the same again with the same number of processes. Tensors travel
/// over libtorch's Gloo; those of a CUDA device pass through host memory. A process that dies makes the calls of
/// the others fail with a `TorchError` of the code `peer`.
public final class ProcessGroup {
    /// Where its processes met.
    public let meeting: Meeting
    private let handle: CTGroup

    /// This process's number, from zero.
    public var rank: Int { meeting.rank }
    /// The number of processes.
    public var size: Int { meeting.size }

    /// Connects all processes, waiting for those that are not here yet as long as they live.
    ///
    /// - Parameter name: the same in all processes, and never used before in this meeting.
    public init(_ meeting: Meeting, name: String) throws(TorchError) {
        var out: CTGroup?
        let status = meeting.withHandle { ct_group_new($0, name, &out) }
        guard status == CT_OK, let out else { throw TorchError(status: status, operation: "ProcessGroup") }
        handle = out
        self.meeting = meeting
    }

    deinit { ct_group_free(handle) }

    /// Replaces each tensor by its sum over all processes, many in one message.
    public func sum(_ tensors: [Tensor]) throws(TorchError) {
        try check(
            withExtendedLifetime(self) {
                Tensor.withHandles(tensors) { ct_group_sum(handle, $0, Int64(tensors.count)) }
            }, operation: "sum")
    }

    /// Replaces the gradients of parameters, where there are any, and a value by their sums over all processes.
    public func sumGradients(of parameters: [Tensor], and value: Tensor) throws(TorchError) {
        try check(
            withExtendedLifetime(self) {
                value.withHandle { value in
                    Tensor.withHandles(parameters) {
                        ct_group_sum_gradients(handle, $0, Int64(parameters.count), value)
                    }
                }
            }, operation: "sumGradients")
    }

    /// Replaces each tensor by that of one process.
    public func broadcast(_ tensors: [Tensor], from root: Int = 0) throws(TorchError) {
        try check(
            withExtendedLifetime(self) {
                Tensor.withHandles(tensors) {
                    ct_group_broadcast(handle, $0, Int64(tensors.count), Int32(root))
                }
            }, operation: "broadcast")
    }

    /// Waits until every process has come here.
    public func barrier() throws(TorchError) { try sum([.zeros([1])]) }

    /// Runs `body`, in which batch normalisation that trains takes its statistics from the images of all processes.
    ///
    /// The backward pass of what is computed there must run in all processes while the group lives.
    public func sharingStatistics<Result>(_ body: () throws -> Result) rethrows -> Result {
        let previous = ct_use_group_for_statistics(handle)
        defer { _ = ct_use_group_for_statistics(previous) }
        return try body()
    }
}
