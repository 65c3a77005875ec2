/// Sentences about scenes, made from the same ids as the picture.
enum Caption {
    /// A sentence such as "a red striped cone on a tiled floor with two other objects".
    static func object(_ pairing: Pairing, _ tint: Tint, _ background: Background, others: Int) -> String {
        let company =
            switch others {
            case 0: ""
            case 1: " with another object"
            default: " with \(number(others)) other objects"
            }
        return "\(article(tint.rawValue)) \(pairing.name) \(background.phrase)\(company)"
    }

    /// "a" or "an" and the word.
    static func article(_ word: String) -> String {
        (word.first.map { "aeiou".contains($0) } ?? false ? "an " : "a ") + word
    }

    /// A small number as a word.
    static func number(_ count: Int) -> String {
        let words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
        return words.indices.contains(count) ? words[count] : String(count)
    }
}
