internal import Diagnostics
internal import Foundation

// Who the rows of a gallery are, as far as its folder tells.
//
// Ids come from `ids.txt`; without it from the lines of `metadata/*.jsonl`, which tell the rest as well; without
// those, a row is called by its number. Parquet is not read.
extension VectorGallery {
    private struct Line: Decodable {
        var id: String?
        var key: String?
        var dataset: String?
        var member: String?
        var path: String?
        var width: Int?
        var height: Int?
        var label: Int?

        enum CodingKeys: String, CodingKey {
            case id, key, dataset, member, width, height, label
            case path = "image_path"
        }
    }

    /// The images of the rows.
    ///
    /// Sizes that nobody tells are zero, and a name that nobody tells is the file's, with the row in it. Beside
    /// `ids.txt`, a line of metadata is read when its image is asked for, and one that is no JSON tells nothing.
    /// - Throws: a `Diagnostic` where there are more or fewer ids or lines than rows, and for a line that is no JSON.
    public func images() throws -> PoolImages {
        let metadata = try lines("metadata", matching: ".jsonl")
        let name = name
        let place: @Sendable (Int) -> String = { [vectors] row in vectors.name(of: row) }
        let ids = try ids(metadata)
        return PoolImages(ids: ids) { row in
            let line = metadata.flatMap { try? Self.decode($0, row) }
            return PoolImage(
                id: ids[row], dataset: line?.dataset ?? name,
                member: line?.member ?? line?.path ?? place(row), width: line?.width ?? 0,
                height: line?.height ?? 0)
        }
    }

    /// The rows as queries; `label` is taken from metadata.
    public func queryImages() throws -> [QueryImage] {
        let images = try images()
        let metadata = try lines("metadata", matching: ".jsonl")
        return try images.indices.map { row in
            let label = try metadata.flatMap { try Self.decode($0, row).label }
            return QueryImage(id: images[row].id, source: images[row].source, label: label)
        }
    }

    private func ids(_ metadata: TextLines?) throws -> PoolIDs {
        let file = folder?.appending(path: EmbeddingLayout.ids)
        if let file, FileManager.default.fileExists(atPath: file.path) {
            let lines = try TextLines([file])
            try check(lines.count, "ids")
            let (order, areDistinct) = Self.order(of: lines)
            return PoolIDs(count: count, order: order, areDistinct: areDistinct) { lines[$0] }
        }
        if let metadata {
            let ids = try (0..<count).map { row in
                let line = try Self.decode(metadata, row)
                guard let id = line.id ?? line.key else {
                    throw Diagnostic(
                        "line \(row + 1) of the metadata of '\(name)' has no id",
                        hint: "add ids.txt, one id a line", exitCode: .badData)
                }
                return id
            }
            return PoolIDs(ids)
        }
        return PoolIDs(count: count, order: .byRow, areDistinct: true) { "\($0)" }
    }

    private func lines(_ folder: String, matching suffix: String) throws -> TextLines? {
        guard let folder = self.folder?.appending(path: folder) else { return nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let found = names.filter { $0.hasSuffix(suffix) }.map { (key: NaturalName($0), name: $0) }
            .sorted { $0.key < $1.key }
        guard !found.isEmpty else { return nil }
        let lines = try TextLines(found.map { folder.appending(path: $0.name) })
        try check(lines.count, "lines of metadata")
        return lines
    }

    private func check(_ lines: Int, _ what: String) throws {
        guard lines != count else { return }
        throw Diagnostic("'\(name)' has \(count) vectors but \(lines) \(what)", exitCode: .badData)
    }

    private static func decode(_ lines: TextLines, _ row: Int) throws -> Line {
        do {
            return try JSONDecoder().decode(Line.self, from: lines.withLine(row) { Data($0) })
        } catch {
            throw Diagnostic(
                "line \(row + 1) of the metadata is not a JSON object that Retort can read: \(error)",
                exitCode: .badData)
        }
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
