internal import Diagnostics
internal import Foundation

/// Files that appear under their names only when all of them is there.
enum AtomicFile {
    /// Has `body` write and check a temporary file beside `url`, then flushes and renames it; a failure leaves
    /// nothing.
    static func write(to url: URL, _ body: (_ temporary: URL) throws -> Void) throws {
        let folder = url.deletingLastPathComponent()
        let temporary = folder.appending(
            path: ".\(url.lastPathComponent).\(UInt64.random(in: 0...UInt64.max)).tmp")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try body(temporary)
            let handle = try FileHandle(forWritingTo: temporary)
            try handle.synchronize()
            try handle.close()
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw error
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
}
