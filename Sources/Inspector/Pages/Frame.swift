import Report
import Search

/// One page of the inspector: navigation beside content; its style and scripts are files of this server.
struct Frame {
    /// The places in the navigation.
    enum Place: String, CaseIterable {
        case overview = "/"
        case sheet = "/sheet"
        case queries = "/queries"
        case search = "/search"
        case threshold = "/threshold"
        case duplicates = "/duplicates"
        case leakage = "/leakage"
        case dropped = "/dropped"
        case map = "/map"
        case difference = "/diff"
        case audit = "/audit"

        var title: String {
            switch self {
            case .overview: "Overview"
            case .sheet: "Images"
            case .queries: "Queries"
            case .search: "Search"
            case .threshold: "Similarity"
            case .duplicates: "Duplicates"
            case .leakage: "Leakage"
            case .dropped: "Dropped"
            case .map: "Map"
            case .difference: "Difference"
            case .audit: "Audit"
            }
        }
    }

    let set: String
    let places: [Place]
    let current: Place?
    let title: String
    var lead: String?
    var scripts: [String] = []
    var content: Markup

    var rendered: String {
        let document = HTML.html(Attribute("lang", "en")) {
            HTML.head {
                HTML.meta(Attribute("charset", "utf-8"))
                HTML.meta(
                    Attribute("name", "viewport"), Attribute("content", "width=device-width, initial-scale=1")
                )
                HTML.meta(Attribute("name", "color-scheme"), Attribute("content", "light dark"))
                HTML.title { "\(title) · \(set) · Retort" }
                HTML.link(Attribute("rel", "stylesheet"), .href("/static/style.css"))
                // An icon of our own, so that no browser asks for another.
                HTML.link(Attribute("rel", "icon"), .type("image/svg+xml"), .href("/static/icon.svg"))
                for script in scripts { HTML.script(.type("module"), .src("/static/\(script).js")) }
            }
            HTML.body {
                HTML.a(.class("skip"), .href("#top")) { "Skip to the content" }
                HTML.nav(Attribute("aria-label", "Views")) {
                    HTML.a(.class("brand"), .href("/")) {
                        Page.mark
                        HTML.span { set }
                    }
                    for place in places { link(place) }
                }
                HTML.main(.id("top"), Attribute("tabindex", "-1")) {
                    HTML.header {
                        HTML.h1 { title }
                        if let lead { HTML.p(.class("lead")) { lead } }
                    }
                    content
                    HTML.p(.id("status"), .class("status"), Attribute("role", "status")) { "" }
                }
            }
        }
        return "<!DOCTYPE html>\n" + document.rendered + "\n"
    }

    private func link(_ place: Place) -> Markup {
        place == current
            ? HTML.a(.href(place.rawValue), Attribute("aria-current", "page")) { place.title }
            : HTML.a(.href(place.rawValue)) { place.title }
    }
}

extension Attribute {
    static func name(_ name: String) -> Attribute { Attribute("name", name) }
    static func label(_ text: String) -> Attribute { Attribute("aria-label", text) }
}

/// Pieces that several pages use.
enum Piece {
    /// A link whose address is made from a path and a query.
    static func address(_ path: String, _ fields: Fields = Fields()) -> String {
        fields.encoded.isEmpty ? path : "\(path)?\(fields.encoded)"
    }

    static func imageAddress(_ id: String) -> String { "/image/\(id.percentEncoded)" }
    static func searchAddress(_ id: String) -> String { "/search?id=\(id.percentEncoded)" }
    static func queryAddress(_ id: String) -> String { "/query/\(id.percentEncoded)" }

    static func picture(_ id: String, alt: String, side: Int = 192) -> Markup {
        HTML.img(
            .src("/thumb/\(id.percentEncoded)?side=\(side)"), .alt(alt), .lazy, Attribute("decoding", "async")
        )
    }

    /// What a query shows: a picture, or its words.
    static func query(_ id: String, _ text: String?, alt: String, side: Int) -> Markup {
        guard let text else { return picture(id, alt: alt, side: side) }
        return HTML.span(.class("words")) { "“\(text)”" }
    }

    /// Previous and next, and where one is.
    static func pager(_ path: String, _ fields: Fields, page: Int, size: Int, count: Int) -> Markup {
        let last = max(0, (count - 1) / size)
        func link(_ number: Int, _ text: String, _ relation: String, isOn: Bool) -> Markup {
            var fields = fields
            fields["page"] = number == 0 ? nil : "\(number)"
            return isOn
                ? HTML.a(.class("button"), .href(address(path, fields)), Attribute("rel", relation)) { text }
                : HTML.span(.class("button off"), Attribute("aria-disabled", "true")) { text }
        }
        guard count > size else { return .empty }
        return HTML.nav(.class("pager"), label("Pages")) {
            link(page - 1, "← Previous", "prev", isOn: page > 0)
            HTML.span(.class("where")) {
                "\(Format.count(min(page * size + 1, count)))–\(Format.count(min((page + 1) * size, count)))"
                    + " of \(Format.count(count))"
            }
            link(page + 1, "Next →", "next", isOn: page < last)
        }
    }

    private static func label(_ text: String) -> Attribute { Attribute("aria-label", text) }

    /// A choice of a form.
    static func choice(
        _ name: String, _ title: String, _ options: [(value: String, text: String)], chosen: String
    ) -> Markup {
        HTML.label {
            HTML.span { title }
            HTML.select(.name(name)) {
                for option in options {
                    option.value == chosen
                        ? HTML.option(.value(option.value), Attribute("selected", "selected")) { option.text }
                        : HTML.option(.value(option.value)) { option.text }
                }
            }
        }
    }

    static func field(_ name: String, _ title: String, _ value: String, _ attributes: Attribute...) -> Markup
    {
        HTML.label {
            HTML.span { title }
            Markup.input([.name(name), .value(value)] + attributes)
        }
    }

    static func hidden(_ name: String, _ value: String) -> Markup {
        HTML.input(.type("hidden"), .name(name), .value(value))
    }

    static func similarity(_ value: Double?) -> String { value.map { Format.fixed($0, 3) } ?? "–" }
}

/// The buttons by which an image is marked; they work as a form, and faster with the script.
struct MarkButtons {
    let id: String
    let mark: Mark?

    /// The form to which all buttons of a page belong; `back` is where it returns to.
    static func form(back: String) -> Markup {
        HTML.form(.id("marks"), Attribute("method", "post"), Attribute("action", "/marks")) {
            Piece.hidden("back", back)
        }
    }

    private static let symbols: [Mark: String] = [
        .accept: "✓", .reject: "✗", .duplicate: "=", .leak: "⚑", .unsure: "?",
    ]

    var markup: Markup {
        HTML.div(.class("marks"), Attribute("role", "group"), Attribute("aria-label", "Mark")) {
            for choice in Mark.judgements { button(choice) }
        }
    }

    private func button(_ choice: Mark) -> Markup {
        let isChosen = choice == mark
        return HTML.button(
            .type("submit"), Attribute("form", "marks"), .name("set"),
            .value("\(isChosen ? Mark.none.rawValue : choice.rawValue) \(id)"),
            .class("mark-\(choice.rawValue)"),
            .data("set", choice.rawValue), Attribute("aria-pressed", isChosen ? "true" : "false"),
            Attribute("aria-label", choice.rawValue), .title("\(choice.rawValue) (\(choice.key))")
        ) { Self.symbols[choice] ?? "" }
    }
}

/// An image with what is known of it and the buttons that mark it.
struct ImageCard {
    let id: String
    let source: String
    var caption: String
    var note: String?
    var query: String?
    var mark: Mark?
    /// Whether the image was a candidate and not chosen.
    var isMissed = false
    /// Whether it can be marked: what is in no file of the artifact cannot.
    var canMark = true

    var markup: Markup {
        HTML.div(
            .class(isMissed ? "item missed" : "item"), .id("i-\(id)"), .data("image", id),
            .data("query", query ?? ""), .data("mark", mark?.rawValue ?? ""), Attribute("tabindex", "0"),
            Attribute("role", "group"), Attribute("aria-label", "\(source), \(caption)")
        ) {
            HTML.a(
                .class("picture"), .href(Piece.imageAddress(id)), .title(source), Attribute("tabindex", "-1")
            ) {
                Piece.picture(id, alt: source)
            }
            HTML.div(.class("caption")) {
                HTML.span { caption }
                if let note { HTML.span(.class("note")) { note } }
            }
            canMark ? MarkButtons(id: id, mark: mark).markup : .empty
        }
    }
}
