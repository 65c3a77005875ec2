import Diagnostics
import Foundation
import Stages
import Synchronization

/// What can be asked about embedded images.
protocol ImageSearch: Sendable {
    func nearest(toImage id: String, count: Int) throws -> [EmbeddingQuery.Hit]
    func nearest(toPicture data: Data, count: Int) throws -> [EmbeddingQuery.Hit]
    func nearest(toText text: String, count: Int) throws -> [EmbeddingQuery.Hit]
}

extension EmbeddingQuery: ImageSearch {}

/// Searches the embeddings that a transfer set was chosen from; opened when somebody first asks.
final class PoolSearch: Sendable {
    /// How many images a search finds.
    static let count = 60
    /// The most characters of a text: CLIPs read some seventy tokens.
    static let longestText = 1_000

    /// Why no text can be asked for; nil where one can.
    let refusalOfTexts: String?
    private let open: @Sendable () throws -> any ImageSearch
    private let opened = Mutex<(any ImageSearch)?>(nil)

    init(refusalOfTexts: String?, open: @escaping @Sendable () throws -> any ImageSearch) {
        self.refusalOfTexts = refusalOfTexts
        self.open = open
    }

    /// Nil when the embeddings are not in the store any more.
    convenience init?(of artifact: URL) {
        let store = artifact.deletingLastPathComponent()
        guard StoredEmbeddings(of: artifact, store: store) != nil else { return nil }
        let refusal: String?
        do {
            refusal = try EmbeddingQuery.refusalOfTexts(of: artifact, store: store)
                .map { $0.message + ($0.hint.map { "; \($0)" } ?? "") }
        } catch {
            refusal = "\(error)"
        }
        self.init(refusalOfTexts: refusal) { try EmbeddingQuery(of: artifact, store: store) }
    }

    /// The images most like one that is embedded, by its content id.
    func images(like id: String) throws(RequestProblem) -> [EmbeddingQuery.Hit] {
        try ask { try $0.nearest(toImage: id, count: Self.count) }
    }

    /// The images most like an encoded picture.
    func images(like picture: Data) throws(RequestProblem) -> [EmbeddingQuery.Hit] {
        try ask { try $0.nearest(toPicture: picture, count: Self.count) }
    }

    /// The images that a text fits best.
    func images(showing text: String) throws(RequestProblem) -> [EmbeddingQuery.Hit] {
        if let refusalOfTexts { throw RequestProblem(.badRequest, refusalOfTexts) }
        guard text.count <= Self.longestText else {
            throw RequestProblem(.badRequest, "the text has more than \(Self.longestText) characters")
        }
        return try ask { try $0.nearest(toText: text, count: Self.count) }
    }

    /// One search at a time: each uses all processors.
    private func ask(
        _ question: (any ImageSearch) throws -> [EmbeddingQuery.Hit]
    ) throws(RequestProblem) -> [EmbeddingQuery.Hit] {
        let answer = opened.withLock { opened in
            Result {
                let query = try opened ?? open()
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
