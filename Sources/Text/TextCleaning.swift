internal import Foundation

/// What is done to a caption before it is cut into words: repaired, unescaped, joined by single spaces, lower-cased.
///
/// The repairs are those of the library ftfy that change single characters: curly quotes, ligatures, wide letters, line
/// breaks, control characters, composed accents. Text that was decoded by the wrong encoding is left as it is.
enum TextCleaning {
    /// A cleaned text.
    static func clean(_ text: String) -> String {
        let repaired = repaired(text)
        let unescaped = HTMLCharacters.unescaped(HTMLCharacters.unescaped(repaired))
        return lowercased(
            unescaped.unicodeScalars.split(whereSeparator: isSpace).map { String($0) }.joined(separator: " "))
    }

    /// Whether a character separates words: Unicode's white space, and the four separators of ASCII.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    // MARK: Repairs

    /// Line by line: HTML is unescaped first unless a `<` up to here says that it is meant as it stands.
    private static func repaired(_ text: String) -> String {
        var isMarkup = false
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map { line in
            isMarkup = isMarkup || line.contains("<")
            return repaired(line: String(line), isMarkup: isMarkup)
        }.joined(separator: "\n")
    }

    private static func repaired(line: String, isMarkup: Bool) -> String {
        var text = line
        while true {
            let before = text
            if !isMarkup { text = HTMLCharacters.unescaped(text, isStrict: true) }
            text = withoutTerminalEscapes(text)
            var scalars = String.UnicodeScalarView()
            for scalar in text.unicodeScalars { scalars.append(contentsOf: replacement(of: scalar)) }
            text = String(scalars).precomposedStringWithCanonicalMapping
            // Equality of strings is canonical, and would not see that accents were composed.
            if text.unicodeScalars.elementsEqual(before.unicodeScalars) { return text }
        }
    }

    /// The text without the sequences that colour a terminal.
    private static func withoutTerminalEscapes(_ text: String) -> String {
        text.unicodeScalars.contains("\u{1B}") ? text.replacing(/\u{1B}\[[0-9;]*[a-zA-Z]/, with: "") : text
    }

    private static func replacement(of scalar: Unicode.Scalar) -> String.UnicodeScalarView {
        switch scalar.value {
        case 0x0D, 0x2028, 0x2029: return one("\n")
        case 0...8, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: return .init()
        case 0x80...0x9F:
            return one(HTMLCharacters.windows[scalar.value].flatMap(Unicode.Scalar.init) ?? scalar)
        case 0x2BC, 0x2018...0x201B: return one("'")
        case 0x201C...0x201F: return one("\"")
        case 0x3000: return one(" ")
        case 0xFF01...0xFFEF: return String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars
        default: return ligatures[scalar]?.unicodeScalars ?? one(scalar)
        }
    }

    private static func one(_ scalar: Unicode.Scalar) -> String.UnicodeScalarView { .init([scalar]) }

    private static let ligatures: [Unicode.Scalar: String] = [
        "Ĳ": "IJ", "ĳ": "ij", "ŉ": "ʼn", "Ǳ": "DZ", "ǲ": "Dz", "ǳ": "dz", "Ǆ": "DŽ", "ǅ": "Dž", "ǆ": "dž",
        "Ǉ": "LJ", "ǈ": "Lj", "ǉ": "lj", "Ǌ": "NJ", "ǋ": "Nj", "ǌ": "nj", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl",
        "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st",
    ]

    // MARK: Case

    /// Lower case by Unicode's rules; a capital sigma at the end of a word becomes a final one, as in Python.
    private static func lowercased(_ text: String) -> String {
        guard text.unicodeScalars.contains("Σ") else { return lowered(text.unicodeScalars[...]) }
        let scalars = Array(text.unicodeScalars)
        return scalars.indices.map { index in
            guard scalars[index] == "Σ" else { return scalars[index].properties.lowercaseMapping }
            let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
            let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
            let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
            return isFinal ? "ς" : "σ"
        }.joined()
    }

    private static func lowered(_ scalars: Substring.UnicodeScalarView) -> String {
        scalars.map(\.properties.lowercaseMapping).joined()
    }
}
