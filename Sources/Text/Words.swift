/// The words of a cleaned text, as CLIP cuts them before bytes are paired.
///
/// A word is one of the marks of beginning and end, a contraction's ending such as `'s`, a run of letters, a single digit,
/// or a run of anything else but spaces.
enum Words {
    /// The words in order.
    static func split(_ text: String) -> [Substring] {
        var words: [Substring] = []
        var rest = Substring(text)
        while let first = rest.unicodeScalars.first {
            if TextCleaning.isSpace(first) {
                rest.unicodeScalars.removeFirst()
                continue
            }
            let scalars = rest.unicodeScalars
            let end = fixed(rest) ?? run(scalars, kind(first))
            words.append(rest[..<end])
            rest = rest[end...]
        }
        return words
    }

    private static let marks = [Tokenizer.startText, Tokenizer.endText]
    private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]

    /// The end of a mark or of a contraction's ending, where the text begins with one.
    private static func fixed(_ text: Substring) -> Substring.Index? {
        guard text.utf8.first == UInt8(ascii: "<") || text.utf8.first == UInt8(ascii: "'") else { return nil }
        // By scalars: an accent after the last letter does not make it another word.
        for word in marks + endings where text.unicodeScalars.starts(with: word.unicodeScalars) {
            return text.unicodeScalars.index(text.startIndex, offsetBy: word.unicodeScalars.count)
        }
        return nil
    }

    private enum Kind { case letter, digit, other, space }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .digit
        default: TextCleaning.isSpace(scalar) ? .space : .other
        }
    }

    private static func run(_ scalars: Substring.UnicodeScalarView, _ kind: Kind) -> Substring.Index {
        var end = scalars.index(after: scalars.startIndex)
        guard kind != .digit else { return end }
        while end < scalars.endIndex, Self.kind(scalars[end]) == kind { end = scalars.index(after: end) }
        return end
    }
}
