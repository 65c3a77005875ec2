internal import CTorch

/// What an operation on tensors could not do, and why.
public struct TorchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: String, Hashable, Sendable {
        /// Sizes or ranks that do not fit together.
        case shape
        /// A dimension or index out of range.
        case index
        /// A dtype that the operation does not take.
        case type
        /// The CPU or the device ran out of memory.
        case outOfMemory
        /// There is no kernel for this dtype, layout or device.
        case notImplemented
        /// CUDA failed, or tensors are on different devices.
        case device
        /// Another process cannot be reached.
        case peer
        /// Anything else that libtorch reports.
        case `internal`
    }

    /// The kind of failure.
    public let code: Code
    /// The operation that failed, as it is called in Swift.
    public let operation: String
    /// The first line of libtorch's explanation.
    public let message: String

    /// Creates an error; libraries beside this one use it to report in the same form.
    public init(code: Code, operation: String, message: String) {
        self.code = code
        self.operation = operation
        self.message = message
    }

    /// One sentence: the operation and what is wrong with it.
    public var description: String { "\(operation): \(message)" }

    /// What a user of Retort can do about it, where there is something.
    public var hint: String? {
        switch code {
        case .outOfMemory: "lower the batch size or the image size, or use a device with more memory"
        case .device: "check the device with `retort doctor`, or run with `--device cpu`"
        case .notImplemented: "run this stage on another device or in float32"
        case .shape, .index, .type, .peer, .internal: nil
        }
    }
}

extension TorchError {
    /// The failure that a status and this thread's last error describe.
    init(status: CTStatus, operation: StaticString) {
        let code: Code =
            switch status {
            case CT_SHAPE: .shape
            case CT_INDEX: .index
            case CT_TYPE: .type
            case CT_OUT_OF_MEMORY: .outOfMemory
            case CT_NOT_IMPLEMENTED: .notImplemented
            case CT_DEVICE: .device
            case CT_PEER: .peer
            default: .internal
            }
        // `#function` spells labels out: "softmax(_:)" is called softmax.
        let name = String(describing: operation).prefix { $0 != "(" }
        self.init(code: code, operation: String(name), message: String(cString: ct_last_error()))
    }
}

/// Throws what a failed status stands for; the one check behind every call that makes no tensor.
func check(_ status: CTStatus, operation: StaticString) throws(TorchError) {
    guard status == CT_OK else { throw TorchError(status: status, operation: operation) }
}
