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

    /// Writes into a folder that is there and empty.
    ///
    /// - Throws: a `Diagnostic` for what are no embeddings.
    public static func write(_ embeddings: URL, to folder: URL) throws -> Summary {
        let gallery = try VectorGallery(embeddings.path)
        guard gallery.folder != nil else {
            throw Diagnostic("'\(embeddings.path)' holds no img_emb/*.npy", exitCode: .inputMissing)
        }
        for name in ["img_emb", "metadata"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: name), withIntermediateDirectories: false)
        }
        let metadata = try gallery.metadata()
        let images = try gallery.images()
        var summary = Summary()
        for (file, rows) in zip(gallery.files, gallery.vectors.shards) {
            let facts = try rows.map { try metadata?.facts($0) ?? RowFacts() }
            let table = ParquetWriter.file(columns(rows, images, facts))
            let name = file.deletingPathExtension().lastPathComponent
            let number = name.hasPrefix("img_emb_") ? String(name.dropFirst("img_emb_".count)) : name
            try table.write(to: folder.appending(path: "metadata/metadata_\(number).parquet"))
            try FileManager.default.copyItem(
                at: file.resolvingSymlinksInPath(),
                to: folder.appending(path: "img_emb/img_emb_\(number).npy"))
            let size = try file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
            summary.bytes += table.count + size
            summary.rows += rows.count
            summary.shards += 1
        }
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
