internal import Diagnostics
internal import Engine
public import Foundation
internal import Models
internal import Search
internal import Tensors
internal import Training
internal import Vision

/// Finds the images of an embedding set that are nearest to one given image.
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
        let record = try ArtifactRecord.read(at: artifact)
        func location(_ key: String, _ node: String) -> ArtifactLocation {
            ArtifactLocation(directory: store.appending(path: key), node: node, store: store)
        }
        switch record.kind {
        case EmbeddingSet.kind: embeddings = try EmbeddingSet(location(record.key, record.node))
        case SearchIndex.kind:
            embeddings = try SearchIndex(location(record.key, record.node)).embeddings()
        default:
            guard let index = record.inputs.first(where: { $0.kind == SearchIndex.kind }) else {
                throw Diagnostic(
                    "'\(record.node)' is made from no embeddings",
                    hint: "name an embed, index or curate stage", exitCode: .usage)
            }
            embeddings = try SearchIndex(location(index.key, index.node)).embeddings()
        }
        self.store = store
        shards = try embeddings.shards()
        rows = try embeddings.rows(of: shards)
    }

    /// The content id that begins with some digits.
    ///
    /// - Throws: a `Diagnostic` when no embedded image has such a content id, or several have.
    public func identifier(of digits: String) throws -> String {
        let ids = Set(rows.lazy.map(\.id).filter { $0.hasPrefix(digits) })
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
        return try nearest(to: embedded(image), count: count, except: nil)
    }

    /// An image as a table of one unit vector.
    private func embedded(_ image: Image) throws -> VectorTable {
        let record = try ArtifactRecord.read(at: embeddings.location.directory)
        let folder = record.inputs.first { $0.name == "model" }.map { store.appending(path: $0.key) }
        guard let folder, FileManager.default.fileExists(atPath: folder.path) else {
            throw Diagnostic(
                "the model that embedded '\(record.node)' is no longer in the store",
                hint: "`retort run` makes it again", exitCode: .inputMissing)
        }
        let model = try LoadedModel.load(folder, device: .cpu)
        let inference = Inference(
            model, provider: ImageProvider([GivenImage.dataset: GivenImage(image: image)]), workers: 1)
        let view = ImageView(
            ImageRecord(
                id: "", dataset: GivenImage.dataset, member: "", width: image.width, height: image.height),
            model.evaluationViews)
        var values: [Float] = []
        try inference.run([view]) { output in values += try output.features.normalize(1).floats() }
        return VectorTable(values, dimension: model.network.featureWidth)
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

/// One image that is in memory already.
private struct GivenImage: ImageSource {
    static let dataset = "query"
    let image: Image
    var classes: [String] { [] }
    func members() throws -> [SourceMember] { [] }
    func contentFiles() throws -> [URL] { [] }
    func bytes(of member: String) throws -> Data? { nil }
    func image(_ member: String, atLeast shortSide: Int?) throws -> Image { image }
}
