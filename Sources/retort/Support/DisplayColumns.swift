extension String {
    /// The columns that the text takes on a terminal; sequences that colour it take none.
    var columns: Int {
        if utf8.allSatisfy(Unicode.Scalar.isPrintableASCII) { return utf8.count }
        var count = 0
        for part in terminalParts { if case .scalar(_, let columns) = part { count += columns } }
        return count
    }

    /// As much of the beginning as fits into so many columns, with all that colours it and nothing that moves the
    /// cursor.
    func cut(toColumns limit: Int) -> String {
        if utf8.allSatisfy(Unicode.Scalar.isPrintableASCII) { return String(prefix(max(0, limit))) }
        var (text, count, isFull) = ("", 0, false)
        for part in terminalParts {
            switch part {
            case .colour(let sequence): text += sequence
            case .scalar(let scalar, let columns):
                isFull = isFull || count + columns > limit
                if isFull { continue }
                text.unicodeScalars.append(scalar)
                count += columns
            }
        }
        return text
    }

    /// The text with spaces behind it, up to so many columns.
    func padded(toColumns count: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, count - columns))
    }

    private enum TerminalPart {
        case colour(String)
        case scalar(Unicode.Scalar, columns: Int)
    }

    /// What can be seen, and what colours it; other control characters are left out.
    private var terminalParts: [TerminalPart] {
        var parts: [TerminalPart] = []
        var rest = unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "\u{1B}", rest.first == "[" {
                // ECMA-48: parameters, and one letter or sign that ends them.
                let end = rest.dropFirst().firstIndex { (0x40...0x7E).contains($0.value) } ?? rest.endIndex
                let sequence = String(rest[..<end])
                rest = rest[end...]
                if rest.popFirst() == "m" { parts.append(.colour("\u{1B}\(sequence)m")) }
            } else if scalar.properties.generalCategory != .control {
                // The sign for a coloured picture makes what stands before it wide.
                let isWidened = scalar.value == 0xFE0F
                parts.append(.scalar(scalar, columns: isWidened ? 1 : scalar.columns))
            }
        }
        return parts
    }
}

extension Unicode.Scalar {
    fileprivate static func isPrintableASCII(_ byte: UInt8) -> Bool { (0x20..<0x7F).contains(byte) }

    /// The columns that terminals give to a scalar; where they do not agree, the more.
    fileprivate var columns: Int {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        if Self.contain(Self.invisible, value) { return 0 }
        return properties.isEmojiPresentation || Self.contain(Self.wide, value) ? 2 : 1
    }

    private static func contain(_ ranges: [ClosedRange<UInt32>], _ value: UInt32) -> Bool {
        ranges.contains { $0.contains(value) }
    }

    /// Vowels and last consonants of Hangul, which join the first, and marks for joining and direction.
    private static let invisible: [ClosedRange<UInt32>] = [
        0x1160...0x11FF, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2064, 0xD7B0...0xD7FF, 0xFEFF...0xFEFF,
    ]

    /// `W` and `F` of Unicode's EastAsianWidth.txt (16.0), apart from emoji, joined where nothing else lies between.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x4DFF, 0x4E00...0xA4CF, 0xA960...0xA97F,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
        0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1D300...0x1D37F, 0x1F200...0x1F2FF, 0x20000...0x2FFFD,
        0x30000...0x3FFFD,
    ]
}

/// Lines on a terminal that are drawn anew in their place, over and over.
///
/// A line that wraps would be counted wrong, and one that has scrolled away cannot be erased: both would stay.
struct RedrawnLines {
    /// The size of the window.
    var size: (columns: Int, rows: Int)

    /// As many of the lines as there are rows for, beside some others, and how many there are more.
    ///
    /// - Parameter rank: what matters least has the highest, and is left out first.
    func fitting(_ lines: [String], beside others: Int, rank: (Int) -> Int = { _ in 0 }) -> [String] {
        // The cursor stands on a row of its own.
        let room = max(1, size.rows - 1 - others)
        guard lines.count > room else { return lines }
        let kept = lines.indices.sorted { (rank($0), $0) < (rank($1), $1) }.prefix(room - 1).sorted()
        return kept.map { lines[$0] } + ["… and \(lines.count - kept.count) more"]
    }

    /// Lines that neither wrap nor scroll.
    func cut(_ lines: [String]) -> [String] {
        lines.suffix(max(1, size.rows - 1)).map { $0.cut(toColumns: size.columns - 1) }
    }
}
