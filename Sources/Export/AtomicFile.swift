internal import Diagnostics
internal import Foundation

/// Files that appear under their names only when all of them is there.
enum AtomicFile {
    /// Has `body` write and check a temporary file beside `url`, then flushes and renames it; a failure leaves
    /// nothing.
    static func write(to url: URL, _ body: (_ temporary: URL) throws -> Void) throws {
        let temporary = url.deletingLastPathComponent()
            .appending(path: ".\(url.lastPathComponent).\(UInt64.random(in: 0...UInt64.max)).tmp")
        do {
            try makeFolder(of: url)
            try body(temporary)
            let handle = try FileHandle(forWritingTo: temporary)
            try handle.synchronize()
            try handle.close()
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw problem(error, url)
        }
        guard rename(temporary.path, url.path) == 0 else {
            let reason = String(cString: strerror(errno))
            try? FileManager.default.removeItem(at: temporary)
            throw Diagnostic("cannot write \(url.path): \(reason)", exitCode: .io)
        }
    }

    /// Writes a text.
    static func write(_ text: String, to url: URL) throws {
        try write(to: url) { try Data(text.utf8).write(to: $0) }
    }

    /// Makes the folder that a file is to lie in, where it is missing.
    static func makeFolder(of url: URL) throws {
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        } catch {
            throw problem(error, url)
        }
    }

    /// What Foundation found, with the place and an exit code; other errors as they are.
    private static func problem(_ error: any Error, _ url: URL) -> any Error {
        guard let error = error as? CocoaError else { return error }
        let cause = error.underlying as? POSIXError
        let reason = cause.map { String(cString: strerror($0.code.rawValue)) } ?? error.localizedDescription
        return Diagnostic("cannot write \(url.path): \(reason)", exitCode: .io)
    }
}
