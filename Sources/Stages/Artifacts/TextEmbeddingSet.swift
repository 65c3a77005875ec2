public import Engine
internal import Foundation
internal import Search

/// Unit vectors of texts, for what images show to be sought in words.
public struct TextEmbeddingSet: Artifact, Sendable {
    /// The word for this kind of artifact.
    public static let kind = "text-embeddings"
    static let textsFile = "texts.jsonl"
    static let vectorsFile = "texts.npy"

    /// One embedded text, as a line of `texts.jsonl`.
    struct Row: Codable, Hashable, Sendable {
        /// The first half of the SHA-256 of all sentences that were averaged.
        var id: String
        /// The text, or the name of the class.
        var text: String
        /// The class, as a number.
        var label: Int?
    }

    /// Where the artifact lies.
    public let location: ArtifactLocation
    /// The class names, by label; empty where the texts are none.
    public let classes: [String]

    /// Opens a set of embedded texts.
    public init(_ location: ArtifactLocation) throws {
        self.location = location
        classes = try readClasses(location.directory)
    }

    /// The texts, in the order of the vectors.
    func rows() throws -> [Row] {
        try JSONFiles.readLines(Row.self, from: location.directory.appending(path: Self.textsFile))
    }

    /// The vectors, in the order of the rows.
    func vectors() throws -> VectorTable {
        try NpyFile(location.directory.appending(path: Self.vectorsFile)).table()
    }

    /// The digest of the checkpoint that embedded them.
    func encoderDigest() throws -> String? {
        try ArtifactRecord.read(at: location.directory).inputs.first { $0.name == "model" }?.digest
    }

    /// The texts as queries.
    func queries() throws -> [QueryImage] {
        try rows().map { row in
            QueryImage(
                id: row.id, source: "\(location.node)/\(row.text)", label: row.label,
                className: row.label.flatMap { classes.indices.contains($0) ? classes[$0] : nil },
                text: row.text)
        }
    }
}

/// What is searched with: images of a data set, or embedded texts.
public enum QuerySet: Artifact {
    /// The word for the first of both kinds.
    public static let kind = "images"
    /// A scanned set, or embedded texts.
    public static let accepts: Set<String> = [ImageSet.kind, TextEmbeddingSet.kind]
    /// The list of the selected split, and the class names.
    public static func files(for selector: String) -> [String]? { ImageSet.files(for: selector) }

    /// Images that are embedded together with the pool.
    case images(ImageSet)
    /// Texts that have vectors of their own.
    case texts(TextEmbeddingSet)

    /// Opens either kind.
    public init(_ location: ArtifactLocation) throws {
        let file = location.directory.appending(path: TextEmbeddingSet.textsFile)
        self =
            FileManager.default.fileExists(atPath: file.path)
            ? .texts(try TextEmbeddingSet(location)) : .images(try ImageSet(location))
    }

    /// Where the artifact lies.
    public var location: ArtifactLocation {
        switch self {
        case .images(let set): set.location
        case .texts(let set): set.location
        }
    }

    /// The class names, by label.
    var classes: [String] {
        switch self {
        case .images(let set): set.classes
        case .texts(let set): set.classes
        }
    }

    /// The data set, if the queries are images.
    var images: ImageSet? { if case .images(let set) = self { set } else { nil } }

    /// The texts, if the queries are such.
    var texts: TextEmbeddingSet? { if case .texts(let set) = self { set } else { nil } }
}
