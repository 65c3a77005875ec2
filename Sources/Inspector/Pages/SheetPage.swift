import Report
import Search

/// All images of a set as a grid, in any order and under any filter, a page at a time.
struct SheetPage {
    let set: InspectedSet
    let marks: Marks
    let filter: ImageFilter
    let rows: [UInt32]
    let page: Int
    let size: Int

    static let sizes = [24, 60, 120, 240]

    private var fields: Fields {
        var fields = filter.fields
        if size != 60 { fields["size"] = "\(size)" }
        return fields
    }

    /// The address of this page.
    var address: String {
        var fields = fields
        fields["page"] = page == 0 ? nil : "\(page)"
        return Piece.address("/sheet", fields)
    }

    func markup() throws -> Markup {
        let shown = rows.dropFirst(min(rows.count, page * size)).prefix(size)
        let cards = try shown.map { try card(Int($0)) }
        return .group([
            MarkButtons.form(back: address), controls,
            HTML.p(.class("count"), .id("count"), .data("count", "\(rows.count)")) {
                rows.count == set.table.count
                    ? Format.plural(rows.count, "image")
                    : "\(Format.count(rows.count)) of \(Format.plural(set.table.count, "image"))"
            },
            cards.isEmpty
                ? Block.note("No image passes these filters.")
                : HTML.div(.class("grid"), .data("page", "\(page)")) { Markup.group(cards) },
            Piece.pager("/sheet", fields, page: page, size: size, count: rows.count),
            Help.keys,
        ])
    }

    private func card(_ row: Int) throws -> Markup {
        let image = try set.table.image(row)
        return ImageCard(
            id: image.id, source: image.source, caption: Piece.similarity(image.similarity),
            note: image.queryClass ?? image.rank.map { "rank \($0)" }, query: image.query,
            mark: marks[image.id]
        ).markup
    }

    private var controls: Markup {
        HTML.form(
            .class("controls filters"), .id("filters"), Attribute("method", "get"),
            Attribute("action", "/sheet"),
            Attribute("role", "search")
        ) {
            Piece.choice(
                "sort", "Order",
                ImageFilter.Sort.allCases.filter { $0 != .entropy || set.entropies != nil }
                    .map { ($0.rawValue, $0.title) },
                chosen: filter.sort.rawValue)
            if filter.sort == .random {
                Piece.field("seed", "Seed", "\(filter.seed)", .type("number"), .class("short"))
            }
            if set.classes.count > 1 {
                Piece.choice(
                    "class", "Class", [("", "all")] + set.classes.map { ($0, $0) },
                    chosen: filter.className ?? "")
            }
            if set.table.datasetNames.count > 1 {
                Piece.choice(
                    "dataset", "Data set", [("", "all")] + set.table.datasetNames.map { ($0, $0) },
                    chosen: filter.dataset ?? "")
            }
            Piece.choice(
                "mark", "Mark",
                [("", "any"), ("no", "none yet")] + Mark.judgements.map { ($0.rawValue, $0.rawValue) },
                chosen: filter.mark.text)
            HTML.button(.type("submit"), .class("primary")) { "Show" }
            if !filter.isOpen { HTML.a(.href("/sheet")) { "Clear" } }
            Block.folded(
                "More filters", isOpen: filter.query != nil || filter.lowest != nil || filter.highest != nil
            ) {
                HTML.div(.class("more")) {
                    Piece.field(
                        "query", "Query", filter.query ?? "", .type("search"),
                        Attribute("placeholder", "id or file name"))
                    Piece.field(
                        "min", "Similarity from", filter.lowest.map { "\($0)" } ?? "",
                        Attribute("inputmode", "decimal"), .class("short"))
                    Piece.field(
                        "max", "to", filter.highest.map { "\($0)" } ?? "", Attribute("inputmode", "decimal"),
                        .class("short"))
                    Piece.choice("size", "Per page", Self.sizes.map { ("\($0)", "\($0)") }, chosen: "\(size)")
                }
            }
        }
    }
}

/// The keys, as people are told of them.
enum Help {
    static var keys: Markup {
        Block.folded("Keys") {
            HTML.div(.class("keys")) {
                key("j k ← →", "next, previous image")
                for mark in Mark.judgements { key(mark.key, mark.rawValue) }
                key("u", "undo the last mark")
                key("Enter", "the image's card")
            }
        }
    }

    static func key(_ key: String, _ meaning: String) -> Markup {
        HTML.span {
            HTML.kbd { key }
            " \(meaning)"
        }
    }
}
