public import Diagnostics
internal import Foundation

/// A file of the store that could not be read or written: the disk's fault, not the user's.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done to the file.
    public enum Operation: String, Hashable, Sendable {
        case read, write, create, move, sync, remove, list, lock
    }

    /// The system's error number, or zero when the contents were at fault.
    public var code: Int32
    /// What was being done.
    public var operation: Operation
    /// The file or folder it was done to.
    public var path: String
    /// What is wrong with the contents, where the system saw no error.
    public var detail: String?

    /// Creates an error from a system error number.
    public init(_ code: Int32, _ operation: Operation, _ path: String) {
        self.code = code
        self.operation = operation
        self.path = path
    }

    /// Creates an error about a file's contents.
    public init(_ detail: String, path: String) {
        self.init(0, .read, path)
        self.detail = detail
    }

    /// Whether space has run out: the disk is full, or a quota or size limit is reached.
    public var isOutOfSpace: Bool { [ENOSPC, EDQUOT, EFBIG].contains(code) }

    /// What to do about it.
    public var hint: String? {
        switch code {
        case _ where isOutOfSpace:
            "free some space on the disk at '\(FileSystem.of(path)?.mountPoint ?? "/")' (unfinished work is kept), "
                + "then run again: it goes on where it stopped"
        case EACCES,
            EPERM where [.read, .list].contains(operation):
            "let this user read it"
        case EACCES, EPERM, EROFS:
            "make the folder writable for this user, or choose another with --store"
        default: nil
        }
    }

    /// The exit code of a process that ends because of it.
    public var exitCode: ExitCode { .io }

    /// `cannot write '…': No space left on device`.
    public var description: String {
        "cannot \(operation) '\(path)': \(detail ?? String(cString: strerror(code)))"
    }
}
