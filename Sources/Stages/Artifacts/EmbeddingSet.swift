public import Engine
internal import Foundation
internal import Search
internal import Vision

/// Unit vectors of images, in numpy shards, with the records of the images in the same order.
public struct EmbeddingSet: Artifact, Sendable {
    /// The word for this kind of artifact.
    public static let kind = "embeddings"
    /// One embedded image, as a row of `metadata/metadata_NNNN.jsonl`.
    struct Row: Codable, Sendable {
        var id: String
        var dataset: String
        var member: String
        var split: String
        var label: Int?
        var width: Int
        var height: Int

        init(split: String, record: ImageRecord) {
            (id, dataset, member) = (record.id, record.dataset, record.member)
            (label, width, height) = (record.label, record.width, record.height)
            self.split = split
        }

        /// `dataset/member`: where the image comes from.
        var source: String { "\(dataset)/\(member)" }

        var record: ImageRecord {
            ImageRecord(id: id, dataset: dataset, member: member, label: label, width: width, height: height)
        }
    }

    /// For each row, that of the whole image: its own, or for part of an image the one that its parts follow.
    static func wholes(_ rows: [Row]) -> [Int] {
        var last = 0
        return rows.indices.map { row in
            if ImageCrop.split(rows[row].member) == nil { last = row }
            return last
        }
    }

    /// Where the artifact lies.
    public let location: ArtifactLocation
    let description: EmbeddingDescription

    /// Opens a set of embeddings.
    public init(_ location: ArtifactLocation) throws {
        self.location = location
        description = try JSONFiles.read(
            EmbeddingDescription.self, from: location.directory.appending(path: EmbeddingLayout.description))
    }

    /// The vectors, in the order of the rows.
    func shards() throws -> EmbeddingShards { try EmbeddingShards(location.directory) }

    /// The embedded images, in the order of the rows.
    func rows(of shards: EmbeddingShards) throws -> [Row] {
        let decoder = JSONDecoder()
        return try shards.metadata().map { try decoder.decode(Row.self, from: Data($0.utf8)) }
    }
}
