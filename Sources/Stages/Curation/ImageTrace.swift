internal import Diagnostics
internal import Engine
public import Foundation
public import Search

/// What one curation made of one image, and why.
public struct ImageTrace: Codable, Hashable, Sendable {
    /// What became of an image.
    public enum Outcome: String, Codable, Hashable, Sendable {
        /// It is in the transfer set.
        case chosen
        /// A step ruled it out.
        case dropped
        /// Nothing ruled it out, and others were nearer.
        case unchosen = "not chosen"
        /// It is one of the images for which similar ones were sought.
        case query
        /// It belongs to a data set that was compared with, and not to the pool.
        case outside = "not in the pool"
    }

    /// How near the image is to a query.
    public struct QueryPlace: Codable, Hashable, Sendable {
        /// The query's content id.
        public var id: String
        /// The query, as `dataset/member`.
        public var source: String
        /// The query's class.
        public var className: String?
        /// The similarity.
        public var similarity: Float
        /// The image's place among the eligible images, or the one it would have.
        public var rank: Int

        enum CodingKeys: String, CodingKey {
            case id, source, similarity, rank
            case className = "class"
        }
    }

    /// The curation's node.
    public var node: String
    /// The image's content id.
    public var id: String
    /// The image, as `dataset/member`.
    public var source: String
    /// What became of it.
    public var outcome: Outcome
    /// Its line in the transfer set.
    public var chosen: TransferSetRow?
    /// The step that ruled it out, and why.
    public var dropped: DroppedRow?
    /// The duplicates that were dropped for it, or with it for another: as `dataset/member`.
    public var duplicates: [String]
    /// The nearest queries, nearest first, and the one that it was chosen for.
    public var queries: [QueryPlace]
    /// What the leakage check found.
    public var leakage: LeakageReport.Hit?
    /// What a person decided, as far as it changes the choice.
    public var mark: Mark?
}

/// Finds out what curations made of an image, from their artifacts and the embeddings they were made from.
public struct ImageTracer {
    /// The nearest queries that are named.
    private static let queryLimit = 3
    /// The fewest digits of a content id that name an image.
    public static let shortestID = 6

    private let folder: URL
    private let record: ArtifactRecord
    private let embeddings: EmbeddingSet
    private let shards: EmbeddingShards

    /// Opens a curation.
    /// - Throws: a `Diagnostic` when the embeddings it was made from are gone.
    public init(curation folder: URL) throws {
        self.folder = folder
        record = try ArtifactRecord.read(at: folder)
        let store = folder.deletingLastPathComponent()
        guard record.kind == TransferSet.kind, let index = record.inputs.first(where: { $0.name == "index" })
        else {
            throw Diagnostic("'\(record.node)' is no curation", exitCode: .usage)
        }
        let location = ArtifactLocation(
            directory: store.appending(path: index.key), node: index.node, store: store)
        embeddings = try SearchIndex(location).embeddings()
        shards = try embeddings.shards()
    }

    /// Whether a word on the command line can only mean an image: `dataset/member`, or digits of a content id.
    public static func isImage(_ word: String) -> Bool {
        word.contains("/")
            || word.count >= shortestID && word.allSatisfy { $0.isHexDigit && !$0.isUppercase }
    }

    /// The traces of the images that a word means: usually one, several where a content occurs more than once.
    /// - Throws: a `Diagnostic` when the word means no embedded image, or several contents.
    public func traces(of word: String) throws -> [ImageTrace] {
        let rows = try embeddings.rows(of: shards)
        var found = rows.indices.filter {
            word.contains("/") ? rows[$0].source == word : rows[$0].id.hasPrefix(word)
        }
        var ids = Set(found.map { rows[$0].id })
        // The digits of an image mean the whole of it, and not its parts.
        let images = Set(ids.map(CropID.image))
        if images.count == 1, ids.count > 1 {
            ids = images
            found = found.filter { images.contains(rows[$0].id) }
        }
        guard !ids.isEmpty else {
            throw Diagnostic(
                "'\(record.node)' knows no image '\(word)'",
                hint: "name it by \(Self.shortestID) or more digits of its content id, or as dataset/member",
                exitCode: .inputMissing)
        }
        guard ids.count == 1, let id = ids.first else {
            throw Diagnostic(
                "'\(word)' means \(ids.count) images",
                hint: "write more of it: \(ids.sorted().prefix(4).joined(separator: ", "))", exitCode: .usage)
        }
        let known = try KnownCuration(folder, about: id, rows: rows)
        let places = try places(of: found[0], id, rows, known)
        return found.map { row in trace(rows[row], known, places) }
    }

    private func trace(
        _ row: EmbeddingSet.Row, _ known: KnownCuration, _ places: [ImageTrace.QueryPlace]
    ) -> ImageTrace {
        let chosen = known.chosen.first { $0.source == row.source }
        let dropped = known.dropped.first { $0.id == row.id && $0.source == row.source }
        let outcome: ImageTrace.Outcome =
            if chosen != nil {
                .chosen
            } else if dropped != nil {
                .dropped
            } else if known.queries.contains(where: { $0.source == row.source }) {
                .query
            } else if known.outside.contains(row.dataset) {
                .outside
            } else {
                .unchosen
            }
        let group = dropped?.other ?? row.source
        return ImageTrace(
            node: record.node, id: row.id, source: row.source, outcome: outcome, chosen: chosen,
            dropped: dropped,
            duplicates: known.dropped.filter {
                ($0.step == .dedup || $0.step == .unique) && $0.other == group && $0.source != row.source
            }.map(\.source), queries: places,
            leakage: known.leakage.first { $0.source == row.source }, mark: known.marks[row.id])
    }

    /// The queries nearest to an image and the one it was chosen for, with its place among the eligible images of each.
    private func places(
        of row: Int, _ id: String, _ rows: [EmbeddingSet.Row], _ known: KnownCuration
    ) throws -> [ImageTrace.QueryPlace] {
        let (queries, table) = try queries(besides: rows[row].source, rows, known)
        guard !queries.isEmpty else { return [] }
        let image = try shards.table(rows: [row])
        let order = TieOrder(ids: queries.map(\.id))
        let chosenFor = known.chosen.compactMap(\.query)
        let nearest = try ExactSearch.topK(queries.count, for: image, in: table, order: order)[0]
            .enumerated()
            .filter { $0 < Self.queryLimit || chosenFor.contains(queries[$1.row].id) }.map(\.element)
        let excluded = Set(known.dropped.map(\.source))
        let eligible = rows.map { !known.outside.contains($0.dataset) && !excluded.contains($0.source) }
        let ranks = try ExactSearch.ranks(
            of: nearest.map { [Neighbour(row: row, similarity: $0.similarity)] },
            for: table.table(rows: nearest.map(\.row)), in: shards, eligible: eligible,
            order: TieOrder(ids: shards.ids))
        return zip(nearest, ranks).map { neighbour, rank in
            let query = queries[neighbour.row]
            return ImageTrace.QueryPlace(
                id: query.id, source: query.source, className: query.className,
                similarity: neighbour.similarity, rank: rank[0])
        }
    }

    /// The queries with their vectors: of images from the embeddings, of texts from the artifacts that hold them.
    ///
    /// What is gone from the store is left out.
    private func queries(
        besides source: String, _ rows: [EmbeddingSet.Row], _ known: KnownCuration
    ) throws -> ([QueryRow], VectorTable) {
        let bySource = Dictionary(
            rows.indices.map { (rows[$0].source, $0) }, uniquingKeysWith: { first, _ in first })
        let images = known.queries.filter { $0.text == nil && $0.source != source }.compactMap { query in
            bySource[query.source].map { (query: query, row: $0) }
        }
        var queries = images.map(\.query)
        var values = try shards.table(rows: images.map(\.row)).values
        let texts = Dictionary(
            known.queries.filter { $0.text != nil }.map { ($0.source, $0) },
            uniquingKeysWith: { first, _ in first })
        let store = folder.deletingLastPathComponent()
        for input in record.inputs
        where input.kind == TextEmbeddingSet.kind && ["queries", "positives"].contains(input.name) {
            let directory = store.appending(path: input.key)
            guard FileManager.default.fileExists(atPath: directory.path) else { continue }
            let set = try TextEmbeddingSet(
                ArtifactLocation(directory: directory, node: input.node, store: store))
            let vectors = try set.vectors()
            for (row, text) in try set.queries().enumerated() {
                guard let query = texts[text.source] else { continue }
                queries.append(query)
                values += vectors[row]
            }
        }
        return (queries, VectorTable(values, dimension: shards.dimension))
    }
}

/// What the files of a curation say that concerns one image.
private struct KnownCuration {
    let chosen: [TransferSetRow]
    let dropped: [DroppedRow]
    let queries: [QueryRow]
    let leakage: [LeakageReport.Hit]
    let marks: Marks
    /// The data sets that are no part of the pool.
    let outside: Set<String>

    init(_ folder: URL, about id: String, rows: [EmbeddingSet.Row]) throws {
        chosen = try JSONFiles.readLines(
            TransferSetRow.self, from: folder.appending(path: TransferSet.rowsFile)
        ).filter { $0.id == id }
        dropped = try JSONFiles.readLines(DroppedRow.self, from: folder.appending(path: "dropped.jsonl"))
        queries = try JSONFiles.readLines(QueryRow.self, from: folder.appending(path: "queries.jsonl"))
        // The certificate of an earlier version lists no tiers.
        let report = try? JSONFiles.read(
            LeakageReport.self, from: folder.appending(path: "leakage.json"))
        leakage = report.map { $0.excluded + $0.queued + $0.accepted } ?? []
        marks = try Marks(file: folder.appending(path: TransferSet.marksFile))
        let names = ["queries", "positives", "negatives", "exclude"]
        outside = Set(
            try ArtifactRecord.read(at: folder).inputs.filter { names.contains($0.name) }.map(\.node))
    }
}
