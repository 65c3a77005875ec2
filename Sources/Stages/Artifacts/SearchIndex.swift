internal import Diagnostics
public import Engine
internal import Foundation
internal import Search

/// A search index over embeddings: FAISS's own file, and where the embeddings are.
public struct SearchIndex: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "index"
    static let indexFile = "index.faiss"
    static let descriptionFile = "index.json"
    static let embeddingsFile = "embeddings-key.txt"

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens an index.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    /// The embeddings that were indexed.
    func embeddings() throws -> EmbeddingSet {
        let file = location.directory.appending(path: Self.embeddingsFile)
        let key = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(
            in: .whitespacesAndNewlines)
        let directory = location.store.appending(path: key)
        guard FileManager.default.fileExists(atPath: directory.path) else {
            throw Diagnostic(
                "the embeddings of index '\(location.node)' are no longer in the store",
                hint: "`retort run --force` the embed stage", exitCode: .badData)
        }
        return try EmbeddingSet(
            ArtifactLocation(directory: directory, node: location.node, store: location.store))
    }
}
