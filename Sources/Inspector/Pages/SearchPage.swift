import Report
import Search
import Stages

/// Images that are most like another, which may come from outside.
struct SearchPage {
    let set: InspectedSet
    let marks: Marks
    /// What was found, nearest first; nil before anything was asked.
    let hits: [EmbeddingQuery.Hit]?
    /// The image that was asked about, when it is one of the set's files.
    let subject: ImageReference?

    var markup: Markup {
        .group([
            MarkButtons.form(back: subject.map { Piece.searchAddress($0.id) } ?? "/search"),
            HTML.form(
                .class("controls"), .id("search"), Attribute("method", "post"),
                Attribute("action", "/search"), Attribute("enctype", "multipart/form-data")
            ) {
                Piece.field(
                    "picture", "A picture", "", .type("file"),
                    Attribute("accept", "image/jpeg,image/png,image/webp"), Attribute("required", ""))
                HTML.button(.type("submit"), .class("primary")) { "Find images like it" }
            },
            subject.map(head) ?? .empty,
            hits.map(found)
                ?? Block.note("Choose a picture, or follow “More images like this” on an image's page."),
        ])
    }

    private func head(_ image: ImageReference) -> Markup {
        HTML.div(.class("query-head")) {
            HTML.a(.class("picture query"), .href(Piece.imageAddress(image.id))) {
                Piece.picture(image.id, alt: image.source, side: 448)
            }
            Block.facts([("File", .text(image.source)), ("Content id", HTML.code { image.id })])
        }
    }

    private func found(_ hits: [EmbeddingQuery.Hit]) -> Markup {
        let chosen = hits.count { set.table.row(of: $0.id) != nil }
        return .group([
            HTML.p(.class("count")) { "\(Format.plural(hits.count, "image")), \(chosen) of them in the set" },
            HTML.div(.class("grid")) { for hit in hits { card(hit) } },
            Help.keys,
        ])
    }

    private func card(_ hit: EmbeddingQuery.Hit) -> Markup {
        let isChosen = set.table.row(of: hit.id) != nil
        return ImageCard(
            id: hit.id, source: hit.source, caption: Format.fixed(Double(hit.similarity), 3),
            note: isChosen ? "in the set" : hit.source.split(separator: "/").first.map(String.init),
            mark: marks[hit.id], isMissed: !isChosen,
            canMark: (try? set.isPoolImage(hit.id)) == true
        ).markup
    }
}
