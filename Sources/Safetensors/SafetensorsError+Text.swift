import Foundation

extension SafetensorsError.Problem: CustomStringConvertible {
    /// What is wrong, in one sentence without a full stop.
    public var description: String {
        switch self {
        case .system(let operation, let code):
            "cannot \(operation): \(String(cString: strerror(code)))"
        case .tooShort(let bytes):
            "not a safetensors file: \(bytes) bytes are too few for a header"
        case .headerTooLong(let bytes):
            "not a safetensors file: a header of \(bytes) bytes is longer than the format allows"
        case .headerTruncated(let declared, let available):
            "the header should have \(declared) bytes, but only \(available) follow"
        case .malformedHeader(let offset, let expected):
            "malformed header: expected \(expected) at byte \(offset)"
        case .duplicateName(let name):
            "two tensors are named '\(name)'"
        case .unknownType(let tensor, let type):
            "tensor '\(tensor)' has the unknown type '\(type)'"
        case .sizeMismatch(let tensor, let type, let shape, let bytes):
            "tensor '\(tensor)' has \(bytes) bytes, which \(type.rawValue) \(shape) does not take"
        case .misplaced(let tensor, let start, let expected):
            "tensor '\(tensor)' begins at byte \(start) of the data instead of \(expected)"
        case .outOfBounds(let tensor, let end, let available):
            "tensor '\(tensor)' ends at byte \(end) of the data, which has only \(available)"
        case .trailingBytes(let count):
            "\(count) bytes after the last tensor belong to none"
        case .noSuchTensor(let name, _):
            "no tensor is named '\(name)'"
        case .wrongType(let tensor, let found, let expected):
            "tensor '\(tensor)' holds \(found.rawValue), not \(expected.rawValue)"
        case .reservedName(let name):
            "a tensor cannot be named '\(name)'"
        }
    }
}
