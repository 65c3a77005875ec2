internal import CFaiss

/// A failure inside FAISS or in the native search kernels.
public struct FaissError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, as far as a caller may want to tell cases apart.
    public enum Code: Int, Hashable, Sendable { case invalidArgument = 1, faiss, outOfMemory, unknown }

    /// The kind of failure.
    public var code: Code
    /// The operation that failed.
    public var operation: String
    /// FAISS's own words.
    public var message: String

    /// `search: the index must be trained before it is searched`.
    public var description: String { "\(operation): \(message)" }
}

/// Runs one call of the shim and turns its status into an error.
func check(
    _ operation: String, _ call: () -> CFaissStatus
) throws(FaissError) {
    let status = call()
    guard status != CF_OK else { return }
    let code = FaissError.Code(rawValue: Int(status.rawValue)) ?? .unknown
    throw FaissError(code: code, operation: operation, message: String(cString: cf_last_error()))
}
