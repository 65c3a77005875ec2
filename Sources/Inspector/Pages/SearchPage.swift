import Report
import Search
import Stages

/// What was searched with.
enum SearchSubject {
    /// An image of the set's files.
    case image(ImageReference)
    /// A text.
    case text(String)
}

/// Images that are most like another, which may come from outside, or that a text fits best.
struct SearchPage {
    let set: InspectedSet
    let marks: Marks
    /// Why no text can be asked for; nil where one can.
    let refusalOfTexts: String?
    /// What was found, nearest first; nil before anything was asked.
    let hits: [EmbeddingQuery.Hit]?
    /// What was asked about; nil for a picture of the reader's own, which is not kept.
    let subject: SearchSubject?

    var markup: Markup {
        .group([
            MarkButtons.form(back: back),
            textForm,
            HTML.form(
                .class("controls"), .id("search"), Attribute("method", "post"),
                Attribute("action", "/search"), Attribute("enctype", "multipart/form-data")
            ) {
                Piece.field(
                    "picture", "A picture", "", .type("file"),
                    Attribute("accept", "image/jpeg,image/png,image/webp"), Attribute("required", ""))
                HTML.button(.type("submit"), .class("primary")) { "Find images like it" }
            },
            refusalOfTexts.map { Block.note("Not in words: \($0).") } ?? .empty,
            head,
            hits.map(found)
                ?? Block.note(
                    (refusalOfTexts == nil ? "Describe what you look for, choose" : "Choose")
                        + " a picture, or follow “More images like this” on an image's page."),
        ])
    }

    private var text: String? { if case .text(let text) = subject { text } else { nil } }

    /// Where marks of this page come back to.
    private var back: String {
        switch subject {
        case .image(let image): Piece.searchAddress(image.id)
        case .text(let text): "/search?text=\(text.percentEncoded)"
        case nil: "/search"
        }
    }

    /// The search in words; it is shown and does nothing where the encoder knows no texts.
    private var textForm: Markup {
        let attributes =
            refusalOfTexts == nil
            ? [Attribute("required", ""), Attribute("maxlength", "\(PoolSearch.longestText)")]
            : [Attribute("disabled", "")]
        return HTML.form(
            .class("controls"), .id("search-text"), Attribute("method", "get"), Attribute("action", "/search")
        ) {
            HTML.label(.class("wide")) {
                HTML.span { "In words" }
                Markup.input(
                    [
                        .name("text"), .value(text ?? ""), .type("search"),
                        Attribute("placeholder", "a red cube"), Attribute("autocomplete", "off"),
                    ] + attributes)
            }
            refusalOfTexts == nil
                ? HTML.button(.type("submit"), .class("primary")) { "Find images of it" }
                : HTML.button(.type("submit"), Attribute("disabled", "")) { "Find images of it" }
        }
    }

    private var head: Markup {
        guard case .image(let image) = subject else { return .empty }
        return HTML.div(.class("query-head")) {
            HTML.a(.class("picture query"), .href(Piece.imageAddress(image.id))) {
                Piece.picture(image.id, alt: image.source, side: 448)
            }
            Block.facts([("File", .text(image.source)), ("Content id", HTML.code { image.id })])
        }
    }

    private func found(_ hits: [EmbeddingQuery.Hit]) -> Markup {
        let chosen = hits.count { set.table.row(of: $0.id) != nil }
        return .group([
            HTML.p(.class("count")) {
                Format.plural(hits.count, "image") + (text.map { " for “\($0)”" } ?? "")
                    + ", \(chosen) of them in the set"
            },
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
