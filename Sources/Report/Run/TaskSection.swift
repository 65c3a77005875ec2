import Stages

/// Every arm at every task that was measured, metric by metric, with the direction in which each metric improves.
struct TaskSection {
    private let evaluations: [(node: String, figures: TaskEvaluationFigures)]

    init(_ evaluations: [(node: String, figures: TaskEvaluationFigures)]) { self.evaluations = evaluations }

    /// The section; nil where no task was measured.
    var section: Page.Section? {
        guard !evaluations.isEmpty else { return nil }
        return Page.Section(
            id: "tasks", title: "Tasks",
            lead:
                "Figures at dense tasks and of probes. An arrow says which way a metric improves; a difference whose "
                + "interval holds zero is not resolved by these seeds.",
            content: .group(evaluations.map { card($0.node, $0.figures) }))
    }

    private func card(_ node: String, _ figures: TaskEvaluationFigures) -> Markup {
        let rows = figures.comparisons.flatMap { comparison -> [[Markup]] in
            let name = "\(comparison.metric) \(comparison.lowerIsBetter ? "↓" : "↑")"
            var rows = comparison.groups.map { row(name, $0, isBest: $0.name == comparison.best?.name) }
            if let floor = comparison.floor {
                rows.append(
                    [.text(name), HTML.span(.class("note")) { "floor: the same answer everywhere" }]
                        + [.text(Format.short(floor))] + Array(repeating: Markup.empty, count: 4))
            }
            return rows
        }
        return Block.card("\(node): \(figures.task) on \(Format.plural(figures.n, "image"))") {
            Block.table(
                ["metric", "arm", "mean", "95 % CI", "by seed", "difference", "95 % CI"],
                numeric: [2, 5], rows: rows)
        }
    }

    private func row(_ name: String, _ group: Stages.EvaluationFigures.Group, isBest: Bool) -> [Markup] {
        func ends(_ interval: [Double]?) -> Markup {
            .text(interval.map { "\(Format.short($0[0])) to \(Format.short($0[1]))" } ?? "–")
        }
        return [
            .text(name), isBest ? HTML.strong { group.name } : .text(group.name),
            HTML.strong { Format.short(group.mean) }, ends(group.ci95),
            .text(group.values.map { Format.short($0) }.joined(separator: "  ")),
            .text(group.versus.map { ($0.difference > 0 ? "+" : "") + Format.short($0.difference) } ?? "–"),
            ends(group.versus?.ci95),
        ]
    }
}
