public import Foundation

/// An index in the making, on disk, so that building goes on where it was interrupted.
///
/// The file is FAISS's own, and the rows that it holds say how far it got. It replaces the one before it when it is
/// whole. Blocks are added whole, so that an index which was interrupted is, row for row, the one that was not.
public final class IndexCheckpoint {
    private let folder: URL
    private let clock = ContinuousClock()
    private var next: ContinuousClock.Instant
    /// The least time between two files.
    private let interval: Duration

    /// A checkpoint in a folder that belongs to one index; it is written at most every `interval`, and takes no more
    /// than a twentieth of the time.
    public init(in folder: URL, every interval: Duration = .seconds(30)) {
        self.folder = folder
        self.interval = interval
        next = clock.now + interval
    }

    private func file(_ factory: String) -> URL {
        let name = factory.map { $0.isLetter || $0.isNumber ? $0 : "-" }
        return folder.appending(path: "partial-\(String(name)).faiss")
    }

    /// What was kept of an index of this kind; nil where there is nothing, or nothing that fits the rows.
    func load(_ factory: String, for source: some VectorSource) throws -> VectorIndex? {
        let file = file(factory)
        guard FileManager.default.fileExists(atPath: file.path), let index = try? VectorIndex(reading: file),
            try index.dimension == source.dimension, try index.count <= source.count,
            try index.count == source.count || index.count.isMultiple(of: blockRows)
        else { return nil }
        return index
    }

    /// Writes the index as it is.
    func save(_ index: VectorIndex, _ factory: String) throws {
        let began = clock.now
        let file = file(factory)
        let draft = file.appendingPathExtension("tmp")
        try index.write(to: draft)
        let handle = try FileHandle(forUpdating: draft)
        try handle.synchronize()
        try handle.close()
        guard rename(draft.path, file.path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: file.path])
        }
        next = clock.now + max(interval, (clock.now - began) * 20)
    }

    /// Writes the index when it is time to.
    func saveNowAndThen(_ index: VectorIndex, _ factory: String) throws {
        if clock.now >= next { try save(index, factory) }
    }
}
