public import Diagnostics
internal import Engine
public import Foundation
internal import Models
internal import Search
internal import Tensors
internal import Training
internal import Vision

/// Finds the images of an embedding set that are nearest to one given image, or to a text.
///
/// The search is exact (inner products of unit vectors, fp32), and ties go by content id.
public struct EmbeddingQuery: Sendable {
    /// An image that was found.
    public struct Hit: Codable, Hashable, Sendable {
        /// 1 for the nearest.
        public var rank: Int
        /// The cosine of the angle between the two embeddings.
        public var similarity: Float
        /// The content id.
        public var id: String
        /// The image, as `dataset/member`.
        public var source: String
        /// The split of its data set.
        public var split: String
    }

    private let embeddings: EmbeddingSet
    private let shards: EmbeddingShards
    private let rows: [EmbeddingSet.Row]
    private let store: URL

    /// Opens the embeddings that an artifact is, or was made from: embeddings, an index or a transfer set.
    ///
    /// - Throws: a `Diagnostic` for any other artifact, and when the embeddings are not in the store any more.
    public init(of artifact: URL, store: URL) throws {
        embeddings = try Self.embeddings(of: artifact, store: store)
        self.store = store
        shards = try embeddings.shards()
        rows = try embeddings.rows(of: shards)
    }

    private static func embeddings(of artifact: URL, store: URL) throws -> EmbeddingSet {
        let record = try ArtifactRecord.read(at: artifact)
        func location(_ key: String, _ node: String) -> ArtifactLocation {
            ArtifactLocation(directory: store.appending(path: key), node: node, store: store)
        }
        switch record.kind {
        case EmbeddingSet.kind: return try EmbeddingSet(location(record.key, record.node))
        case SearchIndex.kind: return try SearchIndex(location(record.key, record.node)).embeddings()
        default:
            guard let index = record.inputs.first(where: { $0.kind == SearchIndex.kind }) else {
                throw Diagnostic(
                    "'\(record.node)' is made from no embeddings",
                    hint: "name an embed, index or curate stage", exitCode: .usage)
            }
            return try SearchIndex(location(index.key, index.node)).embeddings()
        }
    }

    /// The content id that begins with some digits.
    ///
    /// - Throws: a `Diagnostic` when no embedded image has such a content id, or several have.
    public func identifier(of digits: String) throws -> String {
        var ids = Set(rows.lazy.map(\.id).filter { $0.hasPrefix(digits) })
        // The digits of an image mean the whole of it, and not its parts.
        let images = Set(ids.map(CropID.image))
        if images.count == 1, ids.count > 1 { ids = images }
        guard let id = ids.first, digits.count >= ImageTracer.shortestID else {
            throw Diagnostic(
                "no embedded image has a content id that begins with '\(digits)'",
                hint: "write \(ImageTracer.shortestID) or more of its digits", exitCode: .inputMissing)
        }
        guard ids.count == 1 else {
            throw Diagnostic(
                "'\(digits)' means \(ids.count) images",
                hint: "write more of it: \(ids.sorted().prefix(4).joined(separator: ", "))", exitCode: .usage)
        }
        return id
    }

    /// The images nearest to one of the embedded images, itself left out.
    ///
    /// - Throws: a `Diagnostic` when no embedded image has this content id.
    public func nearest(toImage id: String, count: Int) throws -> [Hit] {
        guard let row = rows.firstIndex(where: { $0.id == id }) else {
            throw Diagnostic("no embedded image has the content id '\(id)'", exitCode: .inputMissing)
        }
        return try nearest(to: shards.table(rows: [row]), count: count, except: id)
    }

    /// The images nearest to an encoded image (JPEG, PNG or WebP), seen as the embedding model sees images.
    ///
    /// - Throws: a `Diagnostic` when the bytes are no image, and when the model is not in the store any more.
    public func nearest(toPicture data: Data, count: Int) throws -> [Hit] {
        let image: Image
        do {
            image = try ImageCodec.decode(data)
        } catch {
            throw Diagnostic(
                "the picture cannot be read: \(error)", hint: "pictures are JPEG, PNG or WebP",
                exitCode: .badData)
        }
        let encoder = try EmbeddingEncoder(StoredEncoder(of: embeddings, store: store))
        return try nearest(to: encoder.vector(of: image), count: count, except: nil)
    }

    /// The images nearest to a text, for embeddings that images and texts share.
    ///
    /// - Throws: a `Diagnostic` for embeddings of a model without a text tower, for an empty text, and for one with
    ///   more tokens than the tower reads.
    public func nearest(toText text: String, count: Int) throws -> [Hit] {
        let stored = try StoredEncoder(of: embeddings, store: store)
        if let refusal = stored.refusalOfTexts { throw refusal }
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw Diagnostic("the text is empty", exitCode: .usage)
        }
        guard let clip = try EmbeddingEncoder(stored).clip else {
            preconditionFailure("shared embeddings without a text tower: this is a bug in Retort")
        }
        guard !clip.cutsOff(text) else {
            throw Diagnostic(
                "the text has more tokens than the \(clip.configuration.text.contextLength) that "
                    + "\(stored.architecture) reads",
                hint: "shorten it: its end would not be read", exitCode: .usage)
        }
        let vector = try clip.embeddings(of: [text])
        return try nearest(
            to: VectorTable(vector.floats(), dimension: vector.shape[1]), count: count, except: nil)
    }

    /// Why no text can be asked about the embeddings that an artifact is, or was made from; nil where one can.
    ///
    /// Cheap: no vectors and no weights are read.
    public static func refusalOfTexts(of artifact: URL, store: URL) throws -> Diagnostic? {
        try StoredEncoder(of: embeddings(of: artifact, store: store), store: store).refusalOfTexts
    }

    private func nearest(to query: VectorTable, count: Int, except id: String?) throws -> [Hit] {
        guard query.dimension == shards.dimension else {
            throw Diagnostic(
                "the model has \(query.dimension) features, and the embeddings \(shards.dimension)",
                exitCode: .badData)
        }
        // One more for the image itself, and one for each copy of it.
        let copies = id.map { id in rows.count { $0.id == id } } ?? 0
        let order = TieOrder(ids: shards.ids)
        let found = try ExactSearch.topK(
            min(count + copies, rows.count), for: query, in: shards, order: order)[0]
        return found.filter { rows[$0.row].id != id }.prefix(count).enumerated().map { place, neighbour in
            let row = rows[neighbour.row]
            return Hit(
                rank: place + 1, similarity: neighbour.similarity, id: row.id, source: row.source,
                split: row.split)
        }
    }
}
