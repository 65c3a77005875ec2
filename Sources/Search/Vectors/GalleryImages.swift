internal import Diagnostics
internal import Foundation

// Who the rows of a gallery are, as far as its folder tells.
//
// Ids come from `ids.txt`; without it from the rows of `metadata/*.parquet` or the lines of `metadata/*.jsonl`, which tell
// the rest as well; without those, a row is called by its number.
extension VectorGallery {
    /// The images of the rows.
    ///
    /// Sizes that nobody tells are zero, and a name that nobody tells is the file's, with the row in it. Beside
    /// `ids.txt`, a line of metadata is read when its image is asked for, and one that is no JSON tells nothing.
    /// - Throws: a `Diagnostic` where there are more or fewer ids or lines than rows, and for a line that is no JSON.
    public func images() throws -> PoolImages {
        let metadata = try metadata()
        let name = name
        let place: @Sendable (Int) -> String = { [vectors] row in vectors.name(of: row) }
        let ids = try ids(metadata)
        return PoolImages(ids: ids) { row in
            let facts = try? metadata?.facts(row)
            return PoolImage(
                id: ids[row], dataset: facts?.dataset ?? name,
                member: facts?.member ?? facts?.path ?? place(row), width: facts?.width ?? 0,
                height: facts?.height ?? 0)
        }
    }

    /// The rows as queries; `label` is taken from metadata.
    public func queryImages() throws -> [QueryImage] {
        let images = try images()
        let metadata = try metadata()
        return try images.indices.map { row in
            let label = try metadata?.facts(row).label
            return QueryImage(id: images[row].id, source: images[row].source, label: label)
        }
    }

    private func ids(_ metadata: (any RowMetadata)?) throws -> PoolIDs {
        let file = folder?.appending(path: EmbeddingLayout.ids)
        if let file, FileManager.default.fileExists(atPath: file.path) {
            let lines = try TextLines([file])
            try check(lines.count, "ids")
            let (order, areDistinct) = Self.order(of: lines)
            return PoolIDs(count: count, order: order, areDistinct: areDistinct) { lines[$0] }
        }
        if let metadata {
            let ids = try (0..<count).map { row in
                guard let id = try metadata.id(row) else {
                    throw Diagnostic(
                        "row \(row + 1) of the metadata of '\(name)' has no id",
                        hint: "add ids.txt, one id a line", exitCode: .badData)
                }
                return id
            }
            return PoolIDs(ids)
        }
        return PoolIDs(count: count, order: .byRow, areDistinct: true) { "\($0)" }
    }

    /// What lies in `metadata/`: Parquet, as clip-retrieval writes it, before lines of JSON.
    func metadata() throws -> (any RowMetadata)? {
        guard let folder = self.folder?.appending(path: "metadata") else { return nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        func files(_ suffix: String) -> [URL] {
            names.filter { $0.hasSuffix(suffix) }.map { (key: NaturalName($0), name: $0) }
                .sorted { $0.key < $1.key }.map { folder.appending(path: $0.name) }
        }
        let (tables, texts) = (files(".parquet"), files(".jsonl"))
        if !tables.isEmpty {
            let metadata = try ParquetMetadata(tables, count: count, of: name)
            try check(metadata.count, "rows of metadata")
            return metadata
        }
        guard !texts.isEmpty else { return nil }
        let lines = try TextLines(texts)
        try check(lines.count, "lines of metadata")
        return LineMetadata(lines: lines)
    }

    private func check(_ lines: Int, _ what: String) throws {
        guard lines != count else { return }
        throw Diagnostic("'\(name)' has \(count) vectors but \(lines) \(what)", exitCode: .badData)
    }

    /// The order of ids that lie in memory as lines, and whether they are all different.
    private static func order(of lines: TextLines) -> (TieOrder, areDistinct: Bool) {
        var isAscending = true
        for row in 1..<max(1, lines.count) where lines.compare(row - 1, row) >= 0 {
            isAscending = false
            break
        }
        if isAscending { return (.byRow, true) }
        let rows = (0..<Int32(lines.count)).sorted { a, b in
            let order = lines.compare(Int(a), Int(b))
            return order != 0 ? order < 0 : a < b
        }
        let repeats = zip(rows, rows.dropFirst()).contains { lines.compare(Int($0), Int($1)) == 0 }
        return (TieOrder(rows), !repeats)
    }
}
