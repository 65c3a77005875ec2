/// One self-contained page: navigation beside sections, style and script inside, nothing fetched from anywhere.
package struct Page {
    struct Section {
        var id: String
        var title: String
        var lead: String?
        var content: Markup
    }

    var title: String
    /// A word above the title: what kind of page this is.
    var kind: String
    /// What stands beside the title: state, dates, sizes.
    var facts: [Markup]
    var sections: [Section]
    var script: StaticString?
    var footnote: String

    /// The page as a document that is well-formed as HTML and as XML.
    var rendered: String {
        let shown = sections.filter { !$0.content.isEmpty }
        let document = HTML.html(Attribute("lang", "en")) {
            HTML.head {
                HTML.meta(Attribute("charset", "utf-8"))
                HTML.meta(
                    Attribute("http-equiv", "Content-Security-Policy"), Attribute("content", Self.policy))
                HTML.meta(
                    Attribute("name", "viewport"), Attribute("content", "width=device-width, initial-scale=1")
                )
                HTML.meta(Attribute("name", "color-scheme"), Attribute("content", "light dark"))
                HTML.title { "\(title) · Retort" }
                HTML.style { Markup.verbatim(Stylesheet.text) }
            }
            HTML.body {
                HTML.nav {
                    HTML.a(.class("brand"), .href("#top")) {
                        Self.mark
                        HTML.span { "Retort" }
                    }
                    for section in shown { HTML.a(.href("#\(section.id)")) { section.title } }
                }
                HTML.main(.id("top")) {
                    HTML.header {
                        HTML.p(.class("kind")) { kind }
                        HTML.h1 { title }
                        HTML.div(.class("facts")) { Markup.group(facts) }
                    }
                    for section in shown {
                        HTML.section(.id(section.id)) {
                            HTML.h2 { section.title }
                            if let lead = section.lead { HTML.p(.class("lead")) { lead } }
                            section.content
                        }
                    }
                    HTML.footer { footnote }
                }
                if let script { HTML.script { Markup.verbatim(script) } }
            }
        }
        return "<!DOCTYPE html>\n" + document.rendered + "\n"
    }

    /// Forbids the browser to load anything but what lies in the page or beside it.
    private static let policy =
        "default-src 'none'; img-src data: 'self' file:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

    /// The retort: a flask whose neck points down to the receiver.
    package static let mark = SVG.svg(
        Attribute("viewBox", "0 0 32 32"), .class("logo"), Attribute("aria-hidden", "true")
    ) {
        SVG.path(
            .class("glass"), .d("M9.6 6.2h4.6c7.2 0 10.9 5.4 13.9 15.6l-2.6.9C22.6 14.6 20 11.4 17 10.6"))
        SVG.path(.class("liquid"), .d("M3.2 18.2h13.4a6.7 6.7 0 0 1-13.4 0z"))
        SVG.path(.class("glass"), .d("M9.4 8.5C15.5 6.9 22 8.3 28.4 20.2l-2.7 1.3C22.8 16 20.4 13.6 18.1 13"))
        SVG.path(.class("glass"), .d("M9.4 8.5a8.6 8.6 0 1 0 8.7 4.5"))
        SVG.circle(.class("drop"), .cx(27.6), .cy(26), .r(1.9))
    }
}

/// Blocks that both pages use.
package enum Block {
    /// A large figure with its name.
    package static func tile(_ value: String, _ name: String, note: String? = nil, kind: String = "")
        -> Markup
    {
        HTML.div(.class("tile \(kind)")) {
            HTML.div(.class("value")) { value }
            HTML.div(.class("name")) { name }
            if let note { HTML.div(.class("note")) { note } }
        }
    }

    package static func tiles(@MarkupBuilder _ content: () -> Markup) -> Markup {
        HTML.div(.class("tiles"), content: content)
    }

    /// A framed piece of a section with a heading of its own.
    package static func card(_ title: String, note: String? = nil, @MarkupBuilder content: () -> Markup)
        -> Markup
    {
        HTML.div(.class("card")) {
            HTML.h3 { title }
            if let note { HTML.p(.class("note")) { note } }
            content()
        }
    }

    /// Pieces side by side as far as there is room.
    package static func columns(@MarkupBuilder _ content: () -> Markup) -> Markup {
        HTML.div(.class("columns"), content: content)
    }

    /// A coloured word: the state of a stage, a verdict.
    package static func badge(_ word: String, _ kind: String) -> Markup {
        HTML.span(.class("badge \(kind)")) { word }
    }

    package static func note(_ text: String) -> Markup { HTML.p(.class("note")) { text } }

    /// A table; columns named in `numeric` are set flush right.
    package static func table(_ head: [String], numeric: Set<Int> = [], rows: [[Markup]]) -> Markup {
        let kind = { (column: Int) in numeric.contains(column) ? "number" : "words" }
        return HTML.div(.class("scroll")) {
            HTML.table {
                HTML.thead {
                    HTML.tr {
                        for (column, title) in head.enumerated() { HTML.th(.class(kind(column))) { title } }
                    }
                }
                HTML.tbody {
                    for row in rows {
                        HTML.tr {
                            for (column, cell) in row.enumerated() { HTML.td(.class(kind(column))) { cell } }
                        }
                    }
                }
            }
        }
    }

    /// Names and values, one below the other.
    package static func facts(_ facts: [(name: String, value: Markup)]) -> Markup {
        HTML.dl {
            for fact in facts {
                HTML.div {
                    HTML.dt { fact.name }
                    HTML.dd { fact.value }
                }
            }
        }
    }

    /// Something long that is closed until somebody asks for it.
    package static func folded(_ title: String, isOpen: Bool = false, @MarkupBuilder content: () -> Markup)
        -> Markup
    {
        let summary = HTML.summary { title }
        let body = content()
        return isOpen
            ? HTML.details(.open) {
                summary
                body
            }
            : HTML.details {
                summary
                body
            }
    }

    /// An image with what is to be known about it; a hatched square stands for one that cannot be shown.
    static func thumbnail(
        _ image: ImageReference, in sink: any ThumbnailSink, caption: String? = nil, hover: String,
        kind: String = ""
    ) -> Markup {
        HTML.figure(.class("thumb \(kind)"), .title(hover)) {
            if let location = sink.location(of: image) {
                HTML.img(.src(location), .alt(image.source), .lazy)
            } else {
                HTML.div(.class("missing"))
            }
            if let caption { HTML.figcaption { caption } }
        }
    }

    package static func strip(_ thumbnails: [Markup], kind: String = "") -> Markup {
        HTML.div(.class("strip \(kind)")) { Markup.group(thumbnails) }
    }
}
