import Foundation
import Report
import Search

/// The queries, each with the beginning of its strip.
struct QueriesPage {
    /// The orders.
    enum Sort: String, CaseIterable {
        case file, weakest, fewest

        var title: String {
            switch self {
            case .file: "as in the set"
            case .weakest: "weakest first"
            case .fewest: "fewest images first"
            }
        }
    }

    let set: InspectedSet
    let className: String?
    let sort: Sort
    let page: Int

    private static let size = 24
    private static let stripLength = 9

    private var numbers: [Int] {
        let entries = set.queries.entries
        let wanted = entries.indices.filter { className == nil || entries[$0].className == className }
        switch sort {
        case .file: return wanted
        case .weakest:
            return wanted.sorted { (entries[$0].best, $0) < (entries[$1].best, $1) }
        case .fewest:
            return wanted.sorted { (entries[$0].selected, $0) < (entries[$1].selected, $1) }
        }
    }

    func markup() throws -> Markup {
        let numbers = numbers
        guard !set.queries.entries.isEmpty else {
            return Block.note(
                "The artifact has no queries.jsonl: which images were near to which is not known.")
        }
        var fields = Fields()
        fields["class"] = className
        if sort != .file { fields["sort"] = sort.rawValue }
        let classes = Set(set.queries.entries.compactMap(\.className))
        let shown = try numbers.dropFirst(min(numbers.count, page * Self.size)).prefix(Self.size).map(row)
        return .group([
            HTML.form(.class("controls filters"), Attribute("method", "get"), Attribute("action", "/queries"))
            {
                Piece.choice(
                    "sort", "Order", Sort.allCases.map { ($0.rawValue, $0.title) }, chosen: sort.rawValue)
                if classes.count > 1 {
                    Piece.choice(
                        "class", "Class",
                        [("", "all")]
                            + (set.classes.filter(classes.contains)
                            + classes.subtracting(set.classes).sorted())
                            .map { ($0, $0) }, chosen: className ?? "")
                }
                HTML.button(.type("submit"), .class("primary")) { "Show" }
            },
            HTML.p(.class("count")) { Format.plural(numbers.count, "query", "queries") },
            HTML.div(.class("query-list")) { Markup.group(shown) },
            Piece.pager("/queries", fields, page: page, size: Self.size, count: numbers.count),
        ])
    }

    private func row(_ number: Int) throws -> Markup {
        let query = try set.queries.query(number)
        let cut = query.cut
        let best = set.queries.entries[number].best
        return HTML.div(.class("query-row"), .data("query", query.id)) {
            HTML.a(.class("picture query"), .href(Piece.queryAddress(query.id))) {
                Piece.query(query.id, query.text, alt: "the query \(query.source)", side: 96)
            }
            HTML.div(.class("who")) {
                HTML.a(.href(Piece.queryAddress(query.id))) {
                    HTML.strong {
                        query.className ?? query.text ?? String(query.source.split(separator: "/").last ?? "")
                    }
                }
                HTML.div(.class("note")) {
                    cut.taken.isEmpty
                        ? Block.badge("no image", "warned")
                        : HTML.span { "\(query.neighbours.count { $0.selected }) images" }
                    best.isNaN ? Markup.empty : HTML.span { ", best \(Format.fixed(Double(best), 3))" }
                }
            }
            HTML.div(.class("row")) {
                for neighbour in cut.taken.prefix(Self.stripLength) {
                    HTML.a(
                        .class(neighbour.selected ? "picture" : "picture missed"),
                        .href(Piece.imageAddress(neighbour.id)),
                        .title(
                            "\(neighbour.source)\nrank \(neighbour.rank), \(Format.fixed(neighbour.similarity, 3))"
                        )
                    ) { Piece.picture(neighbour.id, alt: neighbour.source, side: 96) }
                }
            }
        }
    }
}

/// One query and its neighbours in order of rank, with the line where the cut fell.
struct QueryPage {
    let set: InspectedSet
    let marks: Marks
    let query: QueryNeighbours
    var missedLimit = 20

    func markup() throws -> Markup {
        let cut = query.cut
        let missed = cut.missed.prefix(missedLimit)
        let numbers = set.queries.entries
        let number = set.queries.number(of: query.id) ?? 0
        return .group([
            MarkButtons.form(back: Piece.queryAddress(query.id)),
            HTML.div(.class("query-head"), .data("query", query.id)) {
                query.text == nil
                    ? HTML.a(.class("picture query"), .href(Piece.imageAddress(query.id))) {
                        Piece.picture(query.id, alt: "the query", side: 448)
                    }
                    : HTML.div(.class("picture query")) {
                        Piece.query(query.id, query.text, alt: "the query", side: 448)
                    }
                Block.facts(facts)
            },
            HTML.nav(.class("pager"), Attribute("aria-label", "Queries")) {
                number > 0
                    ? HTML.a(.class("button"), .href(Piece.queryAddress(numbers[number - 1].id))) {
                        "← Previous query"
                    }
                    : HTML.span(.class("button off")) { "← Previous query" }
                number + 1 < numbers.count
                    ? HTML.a(.class("button"), .href(Piece.queryAddress(numbers[number + 1].id))) {
                        "Next query →"
                    }
                    : HTML.span(.class("button off")) { "Next query →" }
            },
            HTML.h2 { "Chosen" },
            cut.taken.isEmpty
                ? Block.note("No image was chosen for this query.")
                : HTML.div(.class("grid")) { for neighbour in cut.taken { card(neighbour) } },
            missed.isEmpty
                ? .empty
                : .group([
                    HTML.p(.class("cut-line")) { HTML.span { "the cut" } },
                    HTML.h2 { "Missed" },
                    Block.note(
                        "The next \(missed.count) by similarity; none of them was chosen for any query."),
                    HTML.div(.class("grid")) { for neighbour in missed { card(neighbour) } },
                ]), Help.keys,
        ])
    }

    private func card(_ neighbour: QueryNeighbours.Neighbour) -> Markup {
        ImageCard(
            id: neighbour.id, source: neighbour.source, caption: Format.fixed(neighbour.similarity, 3),
            note: "rank \(neighbour.rank)" + (isHub(neighbour) ? ", hub" : ""), query: query.id,
            mark: marks[neighbour.id], isMissed: !neighbour.selected
        ).markup
    }

    /// Whether an image is near to so many queries that it says little about any of them.
    private func isHub(_ neighbour: QueryNeighbours.Neighbour) -> Bool {
        set.queries.queries(near: neighbour.id).count >= set.hubLimit
    }

    private var facts: [(name: String, value: Markup)] {
        let similarities = query.neighbours.filter(\.selected).map(\.similarity)
        var fields = Fields()
        fields["query"] = query.id
        var facts: [(String, Markup)] = []
        if let name = query.className { facts.append(("Class", .text(name))) }
        facts.append(query.text.map { ("Text", .text($0)) } ?? ("File", .text(query.source)))
        facts.append(
            (
                "Images",
                similarities.isEmpty
                    ? .text("none")
                    : HTML.a(.href(Piece.address("/sheet", fields))) {
                        Format.plural(similarities.count, "image")
                    }
            ))
        if let low = similarities.min(), let high = similarities.max() {
            facts.append(("Similarity", .text("\(Format.fixed(low, 3)) to \(Format.fixed(high, 3))")))
        }
        return facts
    }
}
