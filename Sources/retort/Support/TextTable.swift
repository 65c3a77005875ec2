import Diagnostics

/// Rows of text in aligned columns.
struct TextTable {
    /// A cell: its text, and how the padded text is dressed.
    struct Cell: ExpressibleByStringInterpolation {
        var text: String
        var style: (String) -> String

        init(_ text: String, _ style: @escaping (String) -> String = { $0 }) {
            self.text = text
            self.style = style
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    private var rows: [[Cell]] = []

    /// Adds a row.
    mutating func add(_ cells: Cell...) { add(row: cells) }

    /// Adds a row of any length; what is no visible character is written out, so that a cell stays one.
    mutating func add(row cells: [Cell]) {
        rows.append(cells.map { Cell($0.text.onOneLine, $0.style) })
    }

    /// The rows as lines; every column but the last is padded to its widest cell.
    func lines(indentation: Int = 0) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.text.columns)
            }
        }
        return rows.map { row in
            let last = row.lastIndex { !$0.text.isEmpty } ?? -1
            let cells = row.prefix(last + 1).enumerated().map { column, cell in
                let padding = column == last ? 0 : widths[column] - cell.text.columns
                return cell.style(cell.text) + String(repeating: " ", count: padding)
            }
            return String(repeating: " ", count: indentation) + cells.joined(separator: "  ")
        }
    }
}
