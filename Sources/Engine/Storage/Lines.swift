internal import Foundation

/// A file to which whole lines are appended, each by one system call.
final class AppendOnlyFile {
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw StoreError(errno, .create, path) }
        try dropTornLine()
    }

    deinit { close(descriptor) }

    func append(line: Data) throws { try Disk.write(line + Data("\n".utf8), to: descriptor, path: path) }

    func sync() throws {
        guard fsync(descriptor) == 0 else { throw StoreError(errno, .sync, path) }
    }

    /// Cuts off what a crash left of a line, so that the next one does not continue it.
    private func dropTornLine() throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return }
        var last: UInt8 = 0
        guard pread(descriptor, &last, 1, status.st_size - 1) == 1, last != UInt8(ascii: "\n") else { return }
        let content = try Data(contentsOf: URL(filePath: path))
        let end = content.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        guard ftruncate(descriptor, off_t(end)) == 0 else { throw StoreError(errno, .write, path) }
    }
}

/// The rows of a file of JSON lines; lines that a crash or another version left unreadable are passed over.
func readLines<Row: Decodable>(of path: String, as type: Row.Type) throws -> [Row] {
    let content: Data
    do { content = try Data(contentsOf: URL(filePath: path)) } catch { throw StoreError(ENOENT, .read, path) }
    let decoder = CanonicalJSON.decoder()
    return content.split(separator: UInt8(ascii: "\n")).compactMap { try? decoder.decode(type, from: $0) }
}
