import Diagnostics

/// Comma-separated values as RFC 4180 and spreadsheets write them.
///
/// Fields may be quoted; a quoted field may hold commas, line breaks and, doubled, quotes. Lines end with LF or
/// CRLF, empty lines are passed over, and a byte order mark at the start is not part of the first name.
struct CSV {
    /// One row and the line it starts on.
    struct Row {
        let line: Int
        var fields: [String]
    }

    /// The rows of a text, the header being the first.
    static func rows(of text: String, file: String) throws(Diagnostic) -> [Row] {
        var scalars = text.unicodeScalars[...]
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        var rows: [Row] = []
        var (line, column) = (1, 1)
        while !scalars.isEmpty {
            var row = Row(line: line, fields: [])
            while true {
                row.fields.append(try field(&scalars, &line, &column, file))
                guard scalars.first == "," else { break }
                scalars.removeFirst()
                column += 1
            }
            if scalars.first == "\r" { scalars.removeFirst() }
            if scalars.first == "\n" { scalars.removeFirst() }
            (line, column) = (line + 1, 1)
            if row.fields != [""] { rows.append(row) }
        }
        return rows
    }

    /// Reads one field and stops before the comma or the end of the line.
    private static func field(
        _ scalars: inout Substring.UnicodeScalarView, _ line: inout Int, _ column: inout Int, _ file: String
    ) throws(Diagnostic) -> String {
        var value = String.UnicodeScalarView()
        guard scalars.first == "\"" else {
            while let next = scalars.first, next != ",", next != "\n", next != "\r" {
                value.append(scalars.removeFirst())
                column += 1
            }
            return String(value)
        }
        let start = SourceLocation(file, line, column)
        scalars.removeFirst()
        column += 1
        while let next = scalars.popFirst() {
            column += 1
            if next == "\n" { (line, column) = (line + 1, 1) }
            if next != "\"" {
                value.append(next)
            } else if scalars.first == "\"" {
                value.append(scalars.removeFirst())
                column += 1
            } else {
                if let after = scalars.first, after != ",", after != "\n", after != "\r" {
                    throw Diagnostic(
                        "text after the closing quote", at: SourceLocation(file, line, column),
                        hint: "a quote within a quoted field is written twice", exitCode: .badData)
                }
                return String(value)
            }
        }
        throw Diagnostic("this quote is never closed", at: start, exitCode: .badData)
    }
}
