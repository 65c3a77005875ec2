import Diagnostics
import Foundation
import Stages
import Synchronization

@testable import Inspector

/// Finds the same three images whatever is asked: one of the set, one that missed, one that no file tells of.
final class FakeSearch: ImageSearch {
    static let ids = [FakeSet.id(0), FakeSet.id(6), "feedfacefeedface"]
    private let asked = Mutex<[String]>([])

    var texts: [String] { asked.withLock { $0 } }
    private let source: String

    init(source: String = "pool/found.jpg") { self.source = source }

    private func hits() throws -> [EmbeddingQuery.Hit] {
        let name = String(decoding: try JSONEncoder().encode(source), as: UTF8.self)
        let rows = Self.ids.enumerated().map { place, id in
            """
            {"rank": \(place + 1), "similarity": \(0.5 - Double(place) / 10), "id": "\(id)", "split": "all",
             "source": \(name)}
            """
        }
        return try JSONDecoder().decode(
            [EmbeddingQuery.Hit].self, from: Data("[\(rows.joined(separator: ","))]".utf8))
    }

    func nearest(toImage id: String, count: Int) throws -> [EmbeddingQuery.Hit] { try hits() }
    func nearest(toPicture data: Data, count: Int) throws -> [EmbeddingQuery.Hit] { try hits() }
    func nearest(toText text: String, count: Int) throws -> [EmbeddingQuery.Hit] {
        asked.withLock { $0.append(text) }
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw Diagnostic("the text is empty", exitCode: .usage)
        }
        return try hits()
    }
}
