public import Diagnostics
public import Foundation

/// A safetensors file that cannot be read or written, and why.
public struct SafetensorsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the file.
    public enum Problem: Hashable, Sendable {
        /// The operating system refused an operation.
        case system(operation: String, errno: Int32)
        /// The file cannot even hold the length of its header.
        case tooShort(bytes: Int)
        /// The declared header is longer than the format allows.
        case headerTooLong(bytes: UInt64)
        /// The declared header does not fit the file.
        case headerTruncated(declared: Int, available: Int)
        /// The header is not the JSON that the format asks for; `offset` counts from its first byte.
        case malformedHeader(offset: Int, expected: String)
        /// One name stands for two tensors.
        case duplicateName(String)
        /// The element type is not one of the format's.
        case unknownType(tensor: String, type: String)
        /// The bytes given to a tensor are not those its shape and type need.
        case sizeMismatch(tensor: String, type: ElementType, shape: [Int], bytes: Int)
        /// A tensor does not begin where the one before it ends: they overlap, or bytes belong to neither.
        case misplaced(tensor: String, start: Int, expected: Int)
        /// A tensor ends beyond the file.
        case outOfBounds(tensor: String, end: Int, available: Int)
        /// Bytes after the last tensor belong to none.
        case trailingBytes(Int)
        /// The file has no tensor of that name.
        case noSuchTensor(String, hint: String?)
        /// The tensor holds elements of another type than was asked for.
        case wrongType(tensor: String, found: ElementType, expected: ElementType)
        /// The name is reserved by the format.
        case reservedName(String)
    }

    /// The file, as it was named.
    public let file: String
    /// What is wrong with it.
    public let problem: Problem

    /// Creates an error about `file`.
    public init(_ file: String, _ problem: Problem) {
        self.file = file
        self.problem = problem
    }

    /// `file: what is wrong`.
    public var description: String { "\(file): \(problem)" }

    /// The same for the person who named the file.
    public var diagnostic: Diagnostic {
        switch problem {
        case .system:
            Diagnostic(description, exitCode: .io)
        case .noSuchTensor(_, let hint):
            Diagnostic(description, hint: hint, exitCode: .badData)
        case .tooShort, .headerTruncated, .outOfBounds:
            Diagnostic(
                description, hint: "the file was probably cut short: copy it again", exitCode: .badData)
        default:
            Diagnostic(description, exitCode: .badData)
        }
    }
}

/// Lets others see a full disk as the full disk it is: as a POSIX error underneath.
extension SafetensorsError: CustomNSError {
    /// The operating system's error, where it was one.
    public var errorUserInfo: [String: Any] {
        guard case .system(_, let errno) = problem else { return [:] }
        return [NSUnderlyingErrorKey: NSError(domain: NSPOSIXErrorDomain, code: Int(errno))]
    }
}
