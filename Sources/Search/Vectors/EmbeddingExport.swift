internal import Diagnostics
public import Foundation

/// Writes an embeddings folder as clip-retrieval has it: `img_emb/*.npy`, and `metadata/*.parquet` with the same rows.
///
/// The columns are `image_path`, `id`, `dataset`, and `width`, `height` and `label` where every row has them.
public struct EmbeddingExport {
    /// What was written.
    public struct Summary: Codable, Hashable, Sendable {
        /// The vectors.
        public var rows = 0
        /// The files of vectors.
        public var shards = 0
        /// The bytes of all files.
        public var bytes = 0
    }

    /// Writes a folder, which has its name only when all of it is there.
    ///
    /// - Throws: a `Diagnostic` for what are no embeddings, and when something lies where the folder goes.
    public static func write(_ embeddings: URL, to folder: URL) throws -> Summary {
        let gallery = try VectorGallery(embeddings.path)
        guard gallery.folder != nil else {
            throw Diagnostic("'\(embeddings.path)' holds no img_emb/*.npy", exitCode: .inputMissing)
        }
        let draft = try FolderDraft(folder)
        let metadata = try gallery.metadata()
        let images = try gallery.images()
        var summary = Summary()
        for (file, rows) in zip(gallery.files, gallery.vectors.shards) {
            let facts = try rows.map { try metadata?.facts($0) ?? RowFacts() }
            let table = ParquetWriter.file(columns(rows, images, facts))
            let name = file.deletingPathExtension().lastPathComponent
            let number = name.hasPrefix("img_emb_") ? String(name.dropFirst("img_emb_".count)) : name
            try draft.write(table, to: "metadata/metadata_\(number).parquet")
            try draft.copy(file, to: "img_emb/img_emb_\(number).npy")
            let size = try file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
            summary.bytes += table.count + size
            summary.rows += rows.count
            summary.shards += 1
        }
        try draft.finish()
        return summary
    }

    private static func columns(_ rows: Range<Int>, _ images: PoolImages, _ facts: [RowFacts]) -> [(
        name: String, values: ParquetWriter.Values
    )] {
        func numbers(_ name: String, _ number: (RowFacts) -> Int?) -> [(
            name: String, values: ParquetWriter.Values
        )] {
            let values = facts.compactMap(number)
            return values.count == facts.count && !facts.isEmpty ? [(name, .numbers(values))] : []
        }
        let chosen = rows.map { images[$0] }
        return [
            ("image_path", .texts(chosen.map(\.member))), ("id", .texts(chosen.map(\.id))),
            ("dataset", .texts(chosen.map(\.dataset))),
        ] + numbers("width", \.width) + numbers("height", \.height) + numbers("label", \.label)
    }
}

/// A folder in the making, beside where it will be.
struct FolderDraft {
    private let folder: URL
    private let draft: URL

    /// Begins anew; what an earlier one left is removed.
    ///
    /// - Throws: a `Diagnostic` when something lies where the folder goes.
    init(_ folder: URL) throws {
        let files = FileManager.default
        let names = (try? files.contentsOfDirectory(atPath: folder.path)) ?? []
        guard names.isEmpty, !files.fileExists(atPath: folder.path) || folder.hasDirectoryPath else {
            throw Diagnostic(
                "\(folder.path) is not empty", hint: "name a folder that is, or is not there yet",
                exitCode: .usage)
        }
        self.folder = folder
        draft = folder.standardizedFileURL.deletingLastPathComponent()
            .appending(path: ".\(folder.lastPathComponent).partial", directoryHint: .isDirectory)
        if files.fileExists(atPath: draft.path) { try files.removeItem(at: draft) }
        try files.createDirectory(at: draft, withIntermediateDirectories: true)
    }

    func write(_ data: Data, to name: String) throws { try data.write(to: place(name)) }

    func copy(_ file: URL, to name: String) throws {
        try FileManager.default.copyItem(at: file.resolvingSymlinksInPath(), to: place(name))
    }

    private func place(_ name: String) throws -> URL {
        let place = draft.appending(path: name)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        return place
    }

    /// Gives the folder its name.
    func finish() throws {
        // Takes the place of an empty folder, and of no other.
        guard rename(draft.path, folder.path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: folder.path])
        }
    }
}
