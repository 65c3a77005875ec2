import Diagnostics
import Foundation
import Stages
import Synchronization

/// Searches the embeddings that a transfer set was chosen from; opened when somebody first asks.
final class PoolSearch: Sendable {
    /// How many images a search finds.
    static let count = 60

    private let artifact: URL
    private let store: URL
    private let opened = Mutex<EmbeddingQuery?>(nil)

    /// Nil when the embeddings are not in the store any more.
    init?(of artifact: URL) {
        self.artifact = artifact
        store = artifact.deletingLastPathComponent()
        guard StoredEmbeddings(of: artifact, store: store) != nil else { return nil }
    }

    /// The images most like one that is embedded, by its content id.
    func images(like id: String) throws(RequestProblem) -> [EmbeddingQuery.Hit] {
        try ask { try $0.nearest(toImage: id, count: Self.count) }
    }

    /// The images most like an encoded picture.
    func images(like picture: Data) throws(RequestProblem) -> [EmbeddingQuery.Hit] {
        try ask { try $0.nearest(toPicture: picture, count: Self.count) }
    }

    /// One search at a time: each uses all processors.
    private func ask(
        _ question: (EmbeddingQuery) throws -> [EmbeddingQuery.Hit]
    ) throws(RequestProblem) -> [EmbeddingQuery.Hit] {
        let answer = opened.withLock { opened in
            Result {
                let query = try opened ?? EmbeddingQuery(of: artifact, store: store)
                opened = query
                return try question(query)
            }
        }
        do { return try answer.get() } catch let problem as Diagnostic {
            throw RequestProblem(problem.exitCode == .inputMissing ? .notFound : .badRequest, "\(problem)")
        } catch {
            throw RequestProblem(.failed, "\(error)")
        }
    }
}
