/// A piece of a page.
///
/// Text is escaped when it is written out, so nobody who builds a page has to think of it.
package struct Markup: Sendable {
    private indirect enum Content: Sendable {
        case text(String)
        case verbatim(String)
        case element(Element, [Attribute], [Markup])
        case group([Markup])
    }

    private let content: Content

    private init(_ content: Content) { self.content = content }

    /// Nothing.
    package static let empty = Markup(.group([]))

    /// Characters to be shown as they are, whatever they are.
    package static func text(_ text: String) -> Markup { Markup(.text(text)) }

    /// Several pieces, one after the other.
    package static func group(_ pieces: [Markup]) -> Markup { Markup(.group(pieces)) }

    /// A style sheet or script of this module's own; never anything that was read from a file.
    package static func verbatim(_ code: StaticString) -> Markup { Markup(.verbatim("\(code)")) }

    /// A JSON document for a script to read, safe inside a `script` element and well-formed as XML.
    package static func json(_ document: String) -> Markup {
        Markup(
            .verbatim(
                document.replacing("&", with: "\\u0026").replacing("<", with: "\\u003c")
                    .replacing(">", with: "\\u003e")))
    }

    fileprivate static func element(_ element: Element, _ attributes: [Attribute], _ content: Markup)
        -> Markup
    {
        Markup(.element(element, attributes, [content]))
    }

    /// True when there is nothing to write.
    package var isEmpty: Bool {
        switch content {
        case .group(let pieces): pieces.allSatisfy(\.isEmpty)
        case .text(let text): text.isEmpty
        case .verbatim, .element: false
        }
    }

    /// The text of this piece: well-formed as XML and as HTML.
    package var rendered: String {
        var output = ""
        write(to: &output)
        return output
    }

    private func write(to output: inout String) {
        switch content {
        case .text(let text): output.appendEscaped(text)
        case .verbatim(let code): output += code
        case .group(let pieces): for piece in pieces { piece.write(to: &output) }
        case .element(let element, let attributes, let pieces):
            output += "<\(element.name)"
            for attribute in attributes {
                output += " \(attribute.name)=\""
                output.appendEscaped(attribute.value)
                output += "\""
            }
            if element.isVoid {
                output += "/>"
            } else {
                output += ">"
                for piece in pieces { piece.write(to: &output) }
                output += "</\(element.name)>"
                if element.breaksLine { output += "\n" }
            }
        }
    }
}

/// A kind of element; calling it makes one.
package struct Element: Sendable {
    package let name: String
    package var isVoid = false
    /// Whether a line ends after it in the source, for readers of the source.
    package var breaksLine = false

    /// An element with content.
    package func callAsFunction(_ attributes: Attribute..., @MarkupBuilder content: () -> Markup) -> Markup {
        .element(self, attributes, content())
    }

    /// An element with attributes only.
    package func callAsFunction(_ attributes: Attribute...) -> Markup { .element(self, attributes, .empty) }
}

/// Lets pages be written as nested blocks, in which a string is text.
@resultBuilder
package enum MarkupBuilder {
    package static func buildExpression(_ piece: Markup) -> Markup { piece }
    package static func buildExpression(_ text: String) -> Markup { .text(text) }
    package static func buildBlock(_ pieces: Markup...) -> Markup { .group(pieces) }
    package static func buildOptional(_ piece: Markup?) -> Markup { piece ?? .empty }
    package static func buildEither(first piece: Markup) -> Markup { piece }
    package static func buildEither(second piece: Markup) -> Markup { piece }
    package static func buildArray(_ pieces: [Markup]) -> Markup { .group(pieces) }
}

extension String {
    /// Appends text so that no character of it can end a text or an attribute.
    ///
    /// Control characters that XML forbids become U+FFFD: a file may be called anything.
    fileprivate mutating func appendEscaped(_ text: String) {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0xEF || Self.special.contains($0) }) else {
            self += text
            return
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": self += "&amp;"
            case "<": self += "&lt;"
            case ">": self += "&gt;"
            case "\"": self += "&quot;"
            case "'": self += "&#39;"
            case "\t", "\n", "\r": unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": self += "\u{FFFD}"
            default: unicodeScalars.append(scalar)
            }
        }
    }

    private static let special = Set("&<>\"'".utf8)
}

extension Markup {
    /// An input with attributes that are not known before it is made.
    package static func input(_ attributes: [Attribute]) -> Markup {
        .element(HTML.input, attributes, .empty)
    }
}
