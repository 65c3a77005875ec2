internal import Diagnostics
public import Engine
internal import Foundation
internal import Vision

/// Unit vectors of images, in numpy shards, with the records of the images in the same order.
public struct EmbeddingSet: Artifact {
    public static let kind = "embeddings"
    static let descriptionFile = "embeddings.json"

    /// What the shards hold, as `embeddings.json`.
    struct Description: Codable, Equatable {
        var dimension: Int
        var count: Int
        var shards: Int
        var model: String
    }

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

        var record: ImageRecord {
            ImageRecord(id: id, dataset: dataset, member: member, label: label, width: width, height: height)
        }
    }

    /// Where the artifact lies.
    public let location: ArtifactLocation
    let description: Description

    /// Opens a set of embeddings.
    public init(_ location: ArtifactLocation) throws {
        self.location = location
        description = try JSONFiles.read(
            Description.self, from: location.directory.appending(path: Self.descriptionFile))
    }

    /// The embedded images, in the order of the rows.
    func rows() throws -> [Row] {
        try (0..<description.shards).flatMap {
            try JSONFiles.readLines(Row.self, from: Self.metadata($0, in: location.directory))
        }
    }

    static func vectors(_ shard: Int, in directory: URL) -> URL {
        directory.appending(path: "img_emb/img_emb_\(padded(shard)).npy")
    }

    static func metadata(_ shard: Int, in directory: URL) -> URL {
        directory.appending(path: "metadata/metadata_\(padded(shard)).jsonl")
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
