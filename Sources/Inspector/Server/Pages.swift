import Foundation
import Report
import Search
import Stages

/// Finds the page of a path and fills it.
struct Pages {
    let site: Site

    func page(_ request: Request) throws -> Frame {
        let marks = try site.marks.current()
        let set = site.set
        switch (request.path.first, request.path.count) {
        case (nil, 0):
            let audit = try auditPage(seed: 0).shares().all
            return frame(
                .overview, "Overview",
                OverviewPage(
                    set: set, balance: site.balance, similarity: try site.summary, marks: marks, audit: audit
                ).markup)
        case ("sheet", 1): return try sheet(request, marks)
        case ("queries", 1):
            let page = QueriesPage(
                set: set, className: request.query["class"],
                sort: request.query["sort"].flatMap(QueriesPage.Sort.init) ?? .file,
                page: try request.query.page())
            return frame(
                .queries, "Queries", try page.markup(),
                lead: "Each query with the images chosen for it; open one to see what just missed.")
        case ("query", 2):
            guard let number = set.queries.number(of: request.path[1]) else { throw missing("query") }
            let query = try set.queries.query(number)
            let title = query.className.map { "Query: \($0)" } ?? "Query"
            return frame(
                .queries, title, try QueryPage(set: set, marks: marks, query: query).markup(),
                scripts: ["review"])
        case ("image", 2):
            guard
                let place = try set.place(of: request.path[1]) ?? site.other?.place(of: request.path[1])
                    ?? site.thumbnails.remembered(request.path[1])
            else {
                throw missing("image")
            }
            let image = try set.table.row(of: place.id).map(set.table.image)
            return frame(
                nil, String(place.member.split(separator: "/").last ?? ""),
                try ImagePage(
                    set: set, marks: marks, place: place, image: image, canSearch: site.search != nil
                ).markup(),
                scripts: ["review"])
        case ("search", 1): return try search(request.query)
        case ("threshold", 1): return try threshold(request)
        case ("duplicates", 1):
            let page = DuplicatesPage(
                set: set, marks: marks, thumbnails: site.thumbnails, page: try request.query.page())
            return frame(
                .duplicates, "Duplicates", try page.markup(),
                lead: "What was dropped because another image is the same, beside that other.",
                scripts: ["review"])
        case ("leakage", 1):
            return frame(
                .leakage, "Leakage", try LeakagePage(set: set, marks: marks).markup(),
                lead: "Images that repeat one on which the student will be measured.", scripts: ["review"])
        case ("dropped", 1):
            let page = DroppedPage(
                set: set, marks: marks, step: request.query["step"], reason: request.query["reason"],
                page: try request.query.page())
            return frame(
                .dropped, "Dropped", try page.markup(),
                lead: "Images that curation left out, with the reason.", scripts: ["review"])
        case ("map", 1):
            guard site.projection != nil else { throw missing("page") }
            let page = MapPage(
                set: set, projection: try site.projected, className: request.query["class"])
            return frame(
                .map, "Map", page.markup,
                lead: "The set's embeddings on the plane in which they vary most.")
        case ("diff", 1): return try difference(request, marks)
        case ("audit", 1):
            let page = try auditPage(seed: try request.query.number("seed") ?? 0)
            return frame(
                .audit, "Audit", try page.markup(),
                lead: "How many of the images are right? A random sample says, with its uncertainty.",
                scripts: ["audit"])
        default: throw missing("page")
        }
    }

    private func missing(_ what: String) -> RequestProblem {
        RequestProblem(.notFound, "there is no such \(what)")
    }

    private func frame(
        _ place: Frame.Place?, _ title: String, _ content: Markup, lead: String? = nil, scripts: [String] = []
    ) -> Frame {
        let places = Frame.Place.allCases.filter { place in
            switch place {
            case .map: site.projection != nil
            case .search: site.search != nil
            case .difference: site.other != nil
            default: true
            }
        }
        return Frame(
            set: site.set.name, places: places, current: place, title: title, lead: lead, scripts: scripts,
            content: content)
    }

    /// The images that are most like one of the pool, those that a text fits best, or forms that ask for some.
    private func search(_ query: Fields) throws -> Frame {
        guard let search = site.search else { throw missing("page") }
        switch (query["id"], query["text"]) {
        case (nil, nil): return searchPage(search, hits: nil, subject: nil)
        case (let id?, nil):
            guard let place = try site.set.place(of: id) ?? site.thumbnails.remembered(id) else {
                throw missing("image")
            }
            return searchPage(search, hits: try search.images(like: id), subject: .image(place))
        case (nil, let text?):
            return searchPage(search, hits: try search.images(showing: text), subject: .text(text))
        case (_?, _?): throw RequestProblem(.badRequest, "search for an image or a text, not for both")
        }
    }

    /// The images that are most like a picture of the reader's own.
    func search(picture: Data) throws -> Frame {
        guard let search = site.search else { throw missing("page") }
        return searchPage(search, hits: try search.images(like: picture), subject: nil)
    }

    private func searchPage(
        _ search: PoolSearch, hits: [EmbeddingQuery.Hit]?, subject: SearchSubject?
    ) -> Frame {
        site.thumbnails.remember(hits ?? [])
        let marks = (try? site.marks.current()) ?? Marks()
        return frame(
            .search, "Search",
            SearchPage(
                set: site.set, marks: marks, refusalOfTexts: search.refusalOfTexts, hits: hits,
                subject: subject
            ).markup,
            lead: search.refusalOfTexts == nil
                ? "The embedded images that a text fits best, or that are most like another, in the pool or beside it."
                : "The embedded images that are most like another, in the pool or beside it.",
            scripts: ["review"])
    }

    private func sheet(_ request: Request, _ marks: Marks) throws -> Frame {
        let filter = try ImageFilter(request.query)
        let size = try request.query.number("size") ?? 60
        guard SheetPage.sizes.contains(size) else {
            throw RequestProblem(.badRequest, "a page has \(SheetPage.sizes) images")
        }
        let page = SheetPage(
            set: site.set, marks: marks, filter: filter, rows: try site.selector.rows(filter, marks: marks),
            page: try request.query.page(), size: size)
        return frame(.sheet, "Images", try page.markup(), scripts: ["review", "sheet"])
    }

    private func threshold(_ request: Request) throws -> Frame {
        let summary = try site.summary
        let outcome = try summary.map { summary in
            let given: Double? = try request.query.number("threshold")
            return ThresholdOutcome(
                site.set, threshold: given ?? summary.lowest, before: site.balance)
        }
        let page = ThresholdPage(set: site.set, summary: summary, before: site.balance, outcome: outcome)
        return frame(
            .threshold, "Similarity", page.markup,
            lead:
                "What the set would be without its least similar images; drag the line, or move the slider.",
            scripts: ["threshold"])
    }

    private func difference(_ request: Request, _ marks: Marks) throws -> Frame {
        guard let other = site.other, let difference = site.difference else { throw missing("page") }
        let page = DifferencePage(
            set: site.set, other: other, difference: difference, marks: marks,
            side: request.query["side"] == "other" ? "other" : "this", page: try request.query.page())
        return frame(
            .difference, "\(site.set.name) and \(other.name)", try page.markup(), scripts: ["review"])
    }

    private func auditPage(seed: Int) throws -> AuditPage {
        let answers = try site.audit.answers(seed: seed)
        return AuditPage(
            set: site.set, sample: try site.sample(seed: seed), seed: seed, answers: answers.byID,
            last: answers.last)
    }
}
