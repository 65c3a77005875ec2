import Report

/// Runs side by side, as a terminal shows them.
struct ComparisonText {
    private let comparison: RunComparison
    private let style: TextStyle

    init(_ comparison: RunComparison, _ style: TextStyle) {
        self.comparison = comparison
        self.style = style
    }

    private var labels: [String] { comparison.runs.map(\.label) }

    /// The runs, what is set differently, and every metric.
    var lines: [String] {
        let parts = [runs, settings, measures].filter { !$0.isEmpty }
        return Array(parts.joined(separator: [""]))
    }

    private var runs: [String] {
        var table = TextTable()
        for run in comparison.runs {
            table.add(
                TextTable.Cell(run.label, style.bold), "\(run.id)", "\(run.pipeline)", "\(run.outcome)",
                "\(Wording.duration(run.seconds))")
        }
        return table.lines()
    }

    private var settings: [String] {
        guard !comparison.settings.isEmpty else {
            return ["nothing is set differently: \(comparison.same) components are the same"]
        }
        var table = TextTable()
        table.add(row: (["stage", "component"] + labels).map { TextTable.Cell($0, style.dim) })
        for row in comparison.settings {
            let values = row.values.map { TextTable.Cell(Self.short($0 ?? "–")) }
            table.add(row: [TextTable.Cell(row.stage, style.bold), "\(row.component)"] + values)
        }
        let count = comparison.consequences.count
        return table.lines()
            + (count == 0 ? [] : [style.dim("\(Wording.count(count, "input")) with other contents")])
    }

    private var measures: [String] {
        var table = TextTable()
        var head = ["evaluation", "metric", "arm", labels[0]]
        for label in labels.dropFirst() { head += [label, "\(label) − \(labels[0])"] }
        table.add(row: head.map { TextTable.Cell($0, style.dim) })
        for row in comparison.measures {
            let texts = row.texts
            var cells = [
                TextTable.Cell(row.evaluation), "\(texts.metric)", TextTable.Cell(row.arm, style.bold),
            ]
            for (number, figure) in texts.figures.enumerated() {
                cells.append("\(figure?.value ?? "–")")
                if number > 0 { cells.append("\(figure?.difference ?? "–")") }
            }
            table.add(row: cells)
        }
        guard !comparison.measures.isEmpty else { return [] }
        return table.lines()
            + comparison.incomparable.map { "'\($0)' was not measured on the same images in all runs" }
    }

    /// A value on one line, cut where it is long.
    private static func short(_ value: String) -> String {
        let line = value.replacing("\n", with: " ")
        return line.count > 40 ? line.prefix(39) + "…" : line
    }
}
