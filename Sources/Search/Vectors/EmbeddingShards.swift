internal import Diagnostics
public import Foundation

/// The layout of an embeddings folder, which is clip-retrieval's with our metadata beside it.
public enum EmbeddingLayout {
    /// `img_emb/img_emb_0003.npy`.
    public static func shard(_ number: Int) -> String { "img_emb/img_emb_\(padded(number)).npy" }
    /// `metadata/metadata_0003.jsonl`.
    public static func metadata(_ number: Int) -> String { "metadata/metadata_\(padded(number)).jsonl" }
    /// One content id a line, in the order of the rows.
    public static let ids = "ids.txt"
    /// An ``EmbeddingDescription``.
    public static let description = "embeddings.json"

    private static func padded(_ number: Int) -> String {
        String(repeating: "0", count: max(0, 4 - String(number).count)) + String(number)
    }
}

/// What `embeddings.json` says.
public struct EmbeddingDescription: Codable, Hashable, Sendable {
    /// What the vectors can be compared with.
    public enum Space: String, Codable, Hashable, Sendable {
        /// Images and texts alike: both towers of a CLIP lead to it.
        case imageText = "image-text"
    }

    /// The number of values in a row.
    public var dimension: Int
    /// The number of rows.
    public var count: Int
    /// The model that made them.
    public var model: String
    /// What they can be compared with; nil for features of images, which only images have.
    public var space: Space?
    /// Whether some of the rows are parts of images; nil where none is.
    public var hasCrops: Bool?

    enum CodingKeys: String, CodingKey {
        case dimension, count, model, space
        case hasCrops = "has_crops"
    }

    /// Creates a description.
    public init(
        dimension: Int, count: Int, model: String, space: Space? = nil, hasCrops: Bool? = nil
    ) {
        self.dimension = dimension
        self.count = count
        self.model = model
        self.space = space
        self.hasCrops = hasCrops
    }
}

/// An embeddings folder: shards of vectors, their ids and their metadata.
public struct EmbeddingShards: VectorSource, Sendable {
    /// The content id of each row.
    public let ids: [String]
    private let vectors: ShardedVectors
    private let directory: URL
    private let numbers: [String]

    /// Opens a folder; shards are ordered by their number.
    public init(_ directory: URL) throws {
        self.directory = directory
        let folder = directory.appending(path: "img_emb")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let shards = names.compactMap { name -> (number: String, name: String)? in
            guard name.hasPrefix("img_emb_"), name.hasSuffix(".npy") else { return nil }
            let number = String(name.dropFirst("img_emb_".count).dropLast(".npy".count))
            return Int(number).map { _ in (number, name) }
        }.sorted { (Int($0.number) ?? 0, $0.name) < (Int($1.number) ?? 0, $1.name) }
        guard !shards.isEmpty else {
            throw Diagnostic("'\(folder.path)' holds no img_emb_NNNN.npy", exitCode: .inputMissing)
        }
        numbers = shards.map(\.number)
        vectors = try ShardedVectors(
            shards.map { folder.appending(path: $0.name) }, name: directory.lastPathComponent)
        ids = try Self.lines(of: directory.appending(path: EmbeddingLayout.ids))
        guard ids.count == vectors.count else {
            throw Diagnostic(
                "'\(vectors.name)' has \(vectors.count) vectors but \(ids.count) ids", exitCode: .badData)
        }
    }

    /// What error messages call the embeddings.
    public var name: String { vectors.name }
    /// The number of rows in all shards.
    public var count: Int { vectors.count }
    /// The number of values in a row.
    public var dimension: Int { vectors.dimension }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    public func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        try vectors.read(rows, into: buffer)
    }

    /// The shard, and the row in it.
    public func place(of row: Int) -> String { vectors.place(of: row) }

    /// The metadata of every row, one JSON object a string, in the order of the rows.
    public func metadata() throws -> [String] {
        let lines = try numbers.flatMap {
            try Self.lines(of: directory.appending(path: "metadata/metadata_\($0).jsonl"))
        }
        guard lines.count == count else {
            throw Diagnostic(
                "'\(name)' has \(count) vectors but \(lines.count) lines of metadata", exitCode: .badData)
        }
        return lines
    }

    /// Writes one shard: its vectors, and a line of metadata for each.
    public static func write(
        shard number: Int, _ rows: VectorTable, metadata: [String], as type: NpyType = .float16,
        to directory: URL
    ) throws {
        precondition(
            rows.count == metadata.count, "rows and metadata differ in number: this is a bug in Retort")
        for folder in ["img_emb", "metadata"] {
            try FileManager.default.createDirectory(
                at: directory.appending(path: folder), withIntermediateDirectories: true)
        }
        try write(lines: metadata, to: directory.appending(path: EmbeddingLayout.metadata(number)))
        try NpyFile.write(
            rows.values, shape: [rows.count, rows.dimension], as: type,
            to: directory.appending(path: EmbeddingLayout.shard(number)))
    }

    /// Writes `ids.txt`, once all shards are there.
    public static func write(ids: [String], to directory: URL) throws {
        try write(lines: ids, to: directory.appending(path: EmbeddingLayout.ids))
    }

    private static func write(lines: [String], to file: URL) throws {
        let text = lines.map { $0 + "\n" }.joined()
        try Data(text.utf8).write(to: file, options: .atomic)
    }

    private static func lines(of file: URL) throws -> [String] {
        guard let data = try? Data(contentsOf: file) else {
            throw Diagnostic("cannot open '\(file.path)'", exitCode: .inputMissing)
        }
        return data.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}
