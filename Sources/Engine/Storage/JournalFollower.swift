internal import Foundation

/// Reads a run's journal while it grows: each call gives the whole lines that came since the last one.
public struct JournalFollower {
    private let path: String
    private var offset = 0

    /// Follows the journal of a run from its beginning.
    public init(_ store: Store, run id: String) { path = store.path("runs/\(id)/\(RunFolder.journal)") }

    /// The entries that were added; lines that cannot be read are passed over.
    public mutating func next() throws -> [JournalEntry] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(errno, .read, path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw StoreError(errno, .read, path) }
        let added = Int(status.st_size) - offset
        guard added > 0 else { return [] }
        var bytes = Data(count: added)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, added, off_t(offset)) }
        guard count >= 0 else { throw StoreError(errno, .read, path) }
        // A line without an end is still being written.
        let newline = UInt8(ascii: "\n")
        let whole = bytes.prefix(count)
        guard let end = whole.lastIndex(of: newline) else { return [] }
        offset += end + 1
        let decoder = CanonicalJSON.decoder()
        return whole[...end].split(separator: newline).compactMap {
            try? decoder.decode(JournalEntry.self, from: $0)
        }
    }
}
