public import Diagnostics

/// Expands the shard patterns of WebDataset: `pool-{000000..000010}.tar`, `{train,val}.tar`.
public enum BraceExpansion {
    /// Every text that a pattern stands for, in the order the pattern gives.
    ///
    /// Braces may stand side by side or within one another. As in a shell, a range keeps the width of its
    /// longest number, may run downwards, and braces without a comma or a range stand for themselves.
    ///
    /// - Throws: where braces are not balanced, and where there would be more names than anybody has shards.
    public static func expand(_ pattern: String) throws(Diagnostic) -> [String] {
        try expand(pattern, limit: 1_000_000)
    }

    /// `limit` bounds how many names there may be.
    static func expand(_ pattern: String, limit: Int) throws(Diagnostic) -> [String] {
        // Each pair is a step of recursion.
        guard pattern.count(where: { $0 == "{" }) <= 100 else { throw vast(pattern, limit) }
        return try expanded(pattern, limit)
    }

    private static func expanded(_ pattern: String, _ limit: Int) throws(Diagnostic) -> [String] {
        guard let open = pattern.firstIndex(of: "{") else {
            if pattern.contains("}") { throw unbalanced(pattern) }
            return [pattern]
        }
        let head = pattern[..<open]
        if head.contains("}") { throw unbalanced(pattern) }
        var depth = 0
        var parts: [Substring] = []
        var start = pattern.index(after: open)
        var close: String.Index?
        for index in pattern[open...].indices {
            switch pattern[index] {
            case "{": depth += 1
            case "}": depth -= 1
            case "," where depth == 1:
                parts.append(pattern[start..<index])
                start = pattern.index(after: index)
            default: break
            }
            if depth == 0 {
                parts.append(pattern[start..<index])
                close = index
                break
            }
        }
        guard let close else { throw unbalanced(pattern) }
        var alternatives: [String] = []
        if parts.count > 1 {
            for part in parts {
                alternatives += try expanded(String(part), limit)
                guard alternatives.count <= limit else { throw vast(pattern, limit) }
            }
        } else if let range = try range(parts[0], limit) {
            alternatives = range
        } else {
            alternatives = try expanded(String(parts[0]), limit).map { "{\($0)}" }
        }
        let tails = try expanded(String(pattern[pattern.index(after: close)...]), limit)
        let (count, overflows) = alternatives.count.multipliedReportingOverflow(by: tails.count)
        guard !overflows, count <= limit else { throw vast(pattern, limit) }
        return alternatives.flatMap { alternative in tails.map { "\(head)\(alternative)\($0)" } }
    }

    private static func range(_ text: Substring, _ limit: Int) throws(Diagnostic) -> [String]? {
        guard let dots = text.firstRange(of: "..") else { return nil }
        let (from, to) = (text[..<dots.lowerBound], text[dots.upperBound...])
        guard let first = Int(from), let last = Int(to), first >= 0, last >= 0 else { return nil }
        guard abs(last - first) < limit else { throw vast(String(text), limit) }
        let isPadded = (from.hasPrefix("0") && from.count > 1) || (to.hasPrefix("0") && to.count > 1)
        let width = isPadded ? max(from.count, to.count) : 0
        return stride(from: first, through: last, by: first <= last ? 1 : -1).map { number in
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
    }

    private static func vast(_ pattern: String, _ limit: Int) -> Diagnostic {
        Diagnostic(
            "'\(pattern.prefix(60))' stands for more than \(limit) names",
            hint: "write a range as {000000..000010}, and one pattern for each folder of shards")
    }

    private static func unbalanced(_ pattern: String) -> Diagnostic {
        Diagnostic(
            "unbalanced braces in '\(pattern)'", hint: "write a range as {000000..000010}, a list as {a,b}")
    }
}
