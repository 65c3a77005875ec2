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
    /// The number of values in a row.
    public var dimension: Int
    /// The number of rows.
    public var count: Int
    /// The model that made them.
    public var model: String

    /// Creates a description.
    public init(dimension: Int, count: Int, model: String) {
        self.dimension = dimension
        self.count = count
        self.model = model
    }
}

/// An embeddings folder: shards of vectors, their ids and their metadata.
public struct EmbeddingShards: VectorSource {
    /// The content id of each row.
    public let ids: [String]
    /// What error messages call the embeddings.
    public let name: String
    private let files: [NpyFile]
    private let starts: [Int]
    private let directory: URL
    private let numbers: [String]

    /// Opens a folder; shards are ordered by their number.
    public init(_ directory: URL) throws {
        self.directory = directory
        name = directory.lastPathComponent
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
        files = try shards.map { try NpyFile(folder.appending(path: $0.name)) }
        numbers = shards.map(\.number)
        let dimension = files[0].dimension
        for file in files where file.header.shape.count != 2 || file.dimension != dimension {
            throw Diagnostic(
                "'\(file.name)' has the shape \(file.header.shape), not rows of \(dimension)",
                exitCode: .badData)
        }
        starts = files.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        ids = try Self.lines(of: directory.appending(path: EmbeddingLayout.ids))
        guard ids.count == starts[files.count] else {
            throw Diagnostic(
                "'\(name)' has \(starts[files.count]) vectors but \(ids.count) ids", exitCode: .badData)
        }
    }

    /// The number of rows in all shards.
    public var count: Int { starts[files.count] }
    /// The number of values in a row.
    public var dimension: Int { files[0].dimension }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    public func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        var row = rows.lowerBound
        var shard = starts.partitioningIndex { $0 > row } - 1
        while row < rows.upperBound {
            let end = min(rows.upperBound, starts[shard + 1])
            let place = (row - rows.lowerBound) * dimension..<(end - rows.lowerBound) * dimension
            try files[shard].read(
                row - starts[shard]..<end - starts[shard],
                into: UnsafeMutableBufferPointer(rebasing: buffer[place]))
            row = end
            shard += 1
        }
    }

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
