/// How one node names another: `target.train`, `student[seed=0]`.
struct NodeReference: Hashable, Sendable {
    var node: String
    var point: [String: String] = [:]
    var selector: String?

    /// Reads a reference; nil when the text is not one.
    init?(_ text: String) {
        var rest = text[...]
        node = String(rest.prefix { $0 != "." && $0 != "[" })
        rest = rest.dropFirst(node.count)
        guard Self.isName(node) else { return nil }
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            for pair in rest[..<end].dropFirst().split(separator: ",", omittingEmptySubsequences: false) {
                let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmed }
                guard parts.count == 2 else { return nil }
                point[parts[0]] = parts[1]
            }
            rest = rest[rest.index(after: end)...]
        }
        if rest.first == "." {
            selector = String(rest.dropFirst())
            rest = ""
        }
        guard rest.isEmpty, selector != "" else { return nil }
    }

    /// Whether a word can name a node: letters, digits, `-` and `_`, so that the rest can separate.
    static func isName(_ word: String) -> Bool {
        !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
    }
}

extension StringProtocol {
    /// The text without spaces at its ends.
    var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
