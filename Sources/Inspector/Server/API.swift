import Foundation
import Report
import Search
import Stages

/// The JSON that the pages' scripts use, and that programs may.
struct API {
    let site: Site

    func respond(to request: Request) throws -> Response {
        let path = request.path.dropFirst().map { $0 }
        switch (request.method == "HEAD" ? "GET" : request.method, path.first, path.count) {
        case ("GET", "set", 1): return try .json(summary())
        case ("GET", "images", 1): return try .json(images(request.query))
        case ("GET", "image", 2): return try .json(image(path[1]))
        case ("GET", "queries", 1): return try .json(queries(request.query))
        case ("GET", "threshold", 1): return try .json(threshold(request.query))
        case ("GET", "search", 1): return try .json(search(request.query))
        case ("GET", "marks", 1): return try .json(marks())
        case ("POST", "marks", 1): return try .json(mark(request))
        case (_, "set", 1), (_, "images", 1), (_, "image", 2), (_, "queries", 1), (_, "threshold", 1),
            (_, "search", 1), (_, "marks", 1):
            throw RequestProblem(.notAllowed, "\(request.method) is not served here")
        default: throw RequestProblem(.notFound, "the API has no such path")
        }
    }

    private struct SetSummary: Encodable {
        let name: String
        let artifact: String
        let images, queries: Int
        let classes, datasets: [String]
        let marks: [String: Int]
        let balance: BalanceFigures
    }

    private struct BalanceFigures: Encodable {
        let gini, effective, mean: Double
        let min, max: Int
        let perClass: [String: Int]

        enum CodingKeys: String, CodingKey {
            case gini, effective, mean, min, max
            case perClass = "per_class"
        }

        init(_ balance: Balance) {
            (gini, effective, mean) = (balance.gini, balance.effective, balance.mean)
            (min, max) = (balance.smallest, balance.largest)
            perClass = Dictionary(balance.perClass.map { ($0.name, $0.count) }, uniquingKeysWith: +)
        }
    }

    private func summary() throws -> SetSummary {
        let counts = try site.marks.current().counts
        return SetSummary(
            name: site.set.name, artifact: site.set.folder.path, images: site.set.table.count,
            queries: site.set.queries.entries.count, classes: site.set.classes,
            datasets: site.set.table.datasetNames,
            marks: Dictionary(counts.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: +),
            balance: BalanceFigures(site.balance))
    }

    private struct ImageEntry: Encodable {
        let id, source: String
        let query, queryClass: String?
        let rank: Int?
        let similarity: Double?
        let reason, mark: String?

        enum CodingKeys: String, CodingKey {
            case id, source, query, rank, similarity, reason, mark
            case queryClass = "query_class"
        }

        init(_ image: TransferRow, _ marks: Marks) {
            (id, source, query, queryClass) = (image.id, image.source, image.query, image.queryClass)
            (rank, similarity, reason) = (image.rank, image.similarity, image.reason)
            mark = marks[image.id]?.rawValue
        }
    }

    private struct ImageList: Encodable {
        let count, offset: Int
        let images: [ImageEntry]
    }

    private func images(_ query: Fields) throws -> ImageList {
        let marks = try site.marks.current()
        let rows = try site.selector.rows(ImageFilter(query), marks: marks)
        let offset = min(max(try query.number("offset") ?? 0, 0), rows.count)
        let limit = min(max(try query.number("limit") ?? 60, 0), 1_000)
        return ImageList(
            count: rows.count, offset: offset,
            images: try rows.dropFirst(offset).prefix(limit).map {
                ImageEntry(try site.set.table.image(Int($0)), marks)
            })
    }

    private struct ImageDetails: Encodable {
        struct Dropped: Encodable {
            let step, reason: String
            let other: String?
            let similarity: Double?
        }

        let id, source: String
        let entry: ImageEntry?
        let dropped: [Dropped]
        let queries: [String]
        let mark: String?
        let history: [MarkEntry]
    }

    private func image(_ id: String) throws -> ImageDetails {
        guard let place = try site.set.place(of: id) else {
            throw RequestProblem(.notFound, "there is no image '\(id)' in this set")
        }
        let marks = try site.marks.current()
        return ImageDetails(
            id: id, source: place.source,
            entry: try site.set.table.row(of: id).map { ImageEntry(try site.set.table.image($0), marks) },
            dropped: try site.set.dropped.images(of: id).map {
                ImageDetails.Dropped(
                    step: $0.step, reason: $0.reason, other: $0.other, similarity: $0.similarity)
            },
            queries: site.set.queries.queries(near: id).map { site.set.queries.entries[$0].id },
            mark: marks[id]?.rawValue, history: marks.history(of: id))
    }

    private struct QueryEntry: Encodable {
        let id, source: String
        let className, text: String?
        let images: Int
        let best: Double?

        enum CodingKeys: String, CodingKey {
            case id, source, text, images, best
            case className = "class"
        }
    }

    private struct QueryList: Encodable {
        let count, offset: Int
        let queries: [QueryEntry]
    }

    private func queries(_ query: Fields) throws -> QueryList {
        let entries = site.set.queries.entries
        let offset = min(max(try query.number("offset") ?? 0, 0), entries.count)
        let limit = min(max(try query.number("limit") ?? 200, 0), 10_000)
        return QueryList(
            count: entries.count, offset: offset,
            queries: entries.dropFirst(offset).prefix(limit).map {
                QueryEntry(
                    id: $0.id, source: $0.source, className: $0.className, text: $0.text, images: $0.selected,
                    best: $0.best.isNaN ? nil : Double($0.best))
            })
    }

    private struct ThresholdFigures: Encodable {
        let threshold: Double
        let kept, dropped, orphaned: Int
        let balance: BalanceFigures
    }

    private func threshold(_ query: Fields) throws -> ThresholdFigures {
        guard let value: Double = try query.number("value"), value.isFinite else {
            throw RequestProblem(.badRequest, "'value' is missing")
        }
        let outcome = ThresholdOutcome(site.set, threshold: value, before: site.balance)
        return ThresholdFigures(
            threshold: value, kept: outcome.kept, dropped: outcome.dropped, orphaned: outcome.orphaned,
            balance: BalanceFigures(outcome.balance))
    }

    private struct Finding: Encodable {
        let rank: Int
        let similarity: Float
        let id, source, split: String
        let isChosen: Bool
        let mark: String?

        enum CodingKeys: String, CodingKey {
            case rank, similarity, id, source, split, mark
            case isChosen = "in_set"
        }
    }

    private struct FindingList: Encodable {
        let count: Int
        let images: [Finding]
    }

    private func search(_ query: Fields) throws -> FindingList {
        guard let search = site.search else {
            throw RequestProblem(.notFound, "the embeddings are not in the store any more")
        }
        let hits =
            switch (query["id"], query["text"]) {
            case (let id?, nil): try search.images(like: id)
            case (nil, let text?): try search.images(showing: text)
            default: throw RequestProblem(.badRequest, "give one of 'text' and 'id'")
            }
        site.thumbnails.remember(hits)
        let marks = try site.marks.current()
        return FindingList(
            count: hits.count,
            images: hits.map { hit in
                Finding(
                    rank: hit.rank, similarity: hit.similarity, id: hit.id, source: hit.source,
                    split: hit.split, isChosen: site.set.table.row(of: hit.id) != nil,
                    mark: marks[hit.id]?.rawValue)
            })
    }

    private struct MarkList: Encodable {
        let counts: [String: Int]
        let marks: [String: String]
    }

    private func marks() throws -> MarkList {
        let marks = try site.marks.current()
        return MarkList(
            counts: Dictionary(marks.counts.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: +),
            marks: Dictionary(marks.all.map { ($0.id, $0.mark.rawValue) }, uniquingKeysWith: { $1 }))
    }

    private struct MarkRequest: Decodable {
        let id: String
        let mark: Mark
        let note: String?
    }

    private struct MarkAnswer: Encodable {
        let id, mark, previous: String
    }

    private func mark(_ request: Request) throws -> MarkAnswer {
        guard request.headers["content-type"]?.hasPrefix("application/json") == true,
            let wanted = try? JSONDecoder().decode(MarkRequest.self, from: request.body),
            (wanted.note ?? "").utf8.count <= 2_000
        else {
            throw RequestProblem(
                .badRequest,
                "the body has to be {\"id\", \"mark\"} with a mark of \(Mark.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        let previous = try site.setMark(wanted.mark, of: wanted.id, note: wanted.note)
        return MarkAnswer(
            id: wanted.id, mark: wanted.mark.rawValue, previous: (previous ?? Mark.none).rawValue)
    }
}
