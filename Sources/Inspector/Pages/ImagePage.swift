import Report
import Search

/// The card of one image: why it is in the set, or why it is not, and what people said of it.
struct ImagePage {
    let set: InspectedSet
    let marks: Marks
    let place: ImageReference
    let image: TransferRow?
    /// Whether the embeddings are there, so that images like this one can be found.
    var canSearch = false

    func markup() throws -> Markup {
        let canMark = try set.isPoolImage(place.id)
        let why = Markup.group(try why)
        return .group([
            MarkButtons.form(back: Piece.imageAddress(place.id)),
            HTML.div(.class("sample")) {
                HTML.div(
                    .class("item large"), .id("i-\(place.id)"), .data("image", place.id),
                    .data("query", image?.query ?? ""), .data("mark", marks[place.id]?.rawValue ?? ""),
                    Attribute("tabindex", "0"), Attribute("role", "group"),
                    Attribute("aria-label", place.source)
                ) {
                    HTML.div(.class("picture")) { Piece.picture(place.id, alt: place.source, side: 448) }
                    canMark ? MarkButtons(id: place.id, mark: marks[place.id]).markup : Markup.empty
                }
                image.flatMap(query) ?? Markup.empty
                Block.card("Why") { why }
            },
            Block.columns {
                Block.card("The image") { Block.facts(facts) }
                Block.card("Marks") { history }
            },
        ])
    }

    private func query(_ image: TransferRow) -> Markup? {
        guard let query = image.query, let number = set.queries.number(of: query) else { return nil }
        return HTML.div(.class("large query-side")) {
            HTML.a(.class("picture query"), .href(Piece.queryAddress(query))) {
                Piece.query(query, set.queries.entries[number].text, alt: "its query", side: 448)
            }
            HTML.p(.class("note")) { "the query" + (image.queryClass.map { ": \($0)" } ?? "") }
        }
    }

    /// Everything the artifact says about the image, one sentence each.
    private var why: [Markup] {
        get throws {
            var sentences: [Markup] = []
            if let image {
                sentences.append(
                    HTML.p {
                        Block.badge("in the set", "certified")
                        " \(image.reason ?? "chosen")"
                    })
            }
            for dropped in try set.dropped.images(of: place.id) {
                sentences.append(
                    HTML.p {
                        Block.badge("dropped: \(dropped.step)", "warned")
                        " \(dropped.reason)" + (dropped.other.map { "; the other is \($0)" } ?? "")
                            + (dropped.similarity.map { " (\(Format.fixed($0, 3)))" } ?? "")
                    })
            }
            for pair in set.leakage?.pairs ?? [] where pair.id == place.id {
                sentences.append(
                    HTML.p {
                        Block.badge("leakage: \(pair.tier.rawValue)", "failed")
                        " repeats \(pair.other)" + (pair.similarity.map { " (\(Format.fixed($0, 3)))" } ?? "")
                    })
            }
            let near = set.queries.queries(near: place.id)
            if !near.isEmpty {
                sentences.append(
                    Block.note(
                        "\(near.count >= set.hubLimit ? "A hub. " : "")Among the neighbours of \(Format.plural(near.count, "query", "queries"))\(near.count > 12 ? ", the first 12" : ""):"
                    ))
                let places = try near.prefix(12).map(occurrence)
                sentences.append(HTML.ul(.class("near")) { Markup.group(places) })
            }
            if set.queries.number(of: place.id) != nil {
                sentences.append(
                    HTML.p {
                        "It is a "
                        HTML.a(.href(Piece.queryAddress(place.id))) { "query" }
                        "."
                    })
            }
            if canSearch {
                sentences.append(
                    HTML.p { HTML.a(.href(Piece.searchAddress(place.id))) { "More images like this" } })
            }
            if sentences.isEmpty {
                sentences.append(Block.note("The artifact says nothing more about this image."))
            }
            return sentences
        }
    }

    private func occurrence(_ number: Int) throws -> Markup {
        let query = try set.queries.query(number)
        guard let neighbour = query.neighbours.first(where: { $0.id == place.id }) else { return .empty }
        return HTML.li {
            HTML.a(.href(Piece.queryAddress(query.id))) {
                query.className.map { "\($0): " } ?? ""
                query.text.map { "“\($0)”" } ?? String(query.source.split(separator: "/").last ?? "")
            }
            ": rank \(neighbour.rank), similarity \(Format.fixed(neighbour.similarity, 3))"
        }
    }

    private var facts: [(name: String, value: Markup)] {
        var facts: [(String, Markup)] = [
            ("Content id", HTML.code { place.id }), ("Data set", .text(place.dataset)),
            ("File", HTML.code { place.member }),
        ]
        if let image {
            if let width = image.width, let height = image.height {
                facts.append(("Size", .text("\(width) × \(height)")))
            }
            if let rank = image.rank { facts.append(("Rank", .text("\(rank)"))) }
            if let similarity = image.similarity {
                facts.append(("Similarity", .text(Format.fixed(similarity, 4))))
            }
        }
        return facts
    }

    private var history: Markup {
        let entries = marks.history(of: place.id)
        guard !entries.isEmpty else { return Block.note("Nobody has marked this image.") }
        return Block.table(
            ["when", "who", "mark", "note"],
            rows: entries.reversed().map { entry in
                [
                    .text((entry.time ?? "").replacing("T", with: " ").replacing("Z", with: "")),
                    .text(entry.by ?? ""),
                    .text(entry.mark == .none ? "taken back" : entry.mark.rawValue), .text(entry.note ?? ""),
                ]
            })
    }
}
