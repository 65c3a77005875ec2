import Diagnostics
import Foundation

/// A file of JSON lines to which several programs may append at the same time.
struct AppendedLines {
    private let file: URL

    init(_ file: URL) { self.file = file }

    /// Writes all rows with one call, under a lock that other programs of Retort heed, and safe from a power cut.
    ///
    /// A last line without an end, left by a crash or by an editor, is ended first; nothing is ever cut off.
    func append(_ rows: [some Encodable]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines = Data()
        for row in rows { lines += try encoder.encode(row) + Data("\n".utf8) }
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let descriptor = open(file.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw problem }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 { guard errno == EINTR else { throw problem } }
        let end = lseek(descriptor, 0, SEEK_END)
        var last = UInt8(ascii: "\n")
        if end > 0, pread(descriptor, &last, 1, end - 1) != 1 { throw problem }
        if last != UInt8(ascii: "\n") { lines.insert(UInt8(ascii: "\n"), at: lines.startIndex) }
        let written = lines.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == lines.count, fsync(descriptor) == 0 else { throw problem }
    }

    private var problem: Diagnostic {
        Diagnostic(
            "cannot write '\(file.path)': \(String(cString: strerror(errno)))",
            hint: "marks need a folder that can be written: --marks FILE names another", exitCode: .io)
    }
}
