import Stages

/// Every arm at every task that was measured, metric by metric, with the direction in which each metric improves.
struct TaskSection {
    private let cards: [(title: String, comparisons: [TaskEvaluationFigures.Comparison])]

    init(
        _ tasks: [(node: String, figures: TaskEvaluationFigures)],
        _ clips: [(node: String, figures: CLIPFigures)]
    ) {
        cards =
            clips.map { ("\($0.node): \($0.figures.subject)", $0.figures.comparisons ?? []) }
            + tasks.map { ("\($0.node): \($0.figures.subject)", $0.figures.comparisons) }
    }

    /// The section; nil where no task was measured.
    var section: Page.Section? {
        guard !cards.isEmpty else { return nil }
        return Page.Section(
            id: "tasks", title: "Tasks",
            lead:
                "Figures of CLIPs, at dense tasks and of probes. An arrow says which way a metric improves; a difference "
                + "whose interval holds zero is not resolved by these seeds. Equivalence is tested, not inferred from that.",
            content: .group(cards.map(card)))
    }

    private func card(_ title: String, _ comparisons: [TaskEvaluationFigures.Comparison]) -> Markup {
        let rows = comparisons.flatMap { comparison -> [[Markup]] in
            let name = "\(comparison.metric) \(comparison.lowerIsBetter ? "↓" : "↑")"
            var rows = comparison.groups.map { row(name, $0, isBest: $0.name == comparison.best?.name) }
            if let floor = comparison.floor {
                rows.append(
                    [.text(name), HTML.span(.class("note")) { "floor: the same answer everywhere" }]
                        + [.text(Format.short(floor))] + Array(repeating: Markup.empty, count: 5))
            }
            return rows
        }
        return Block.card(title) {
            Block.table(
                ["metric", "arm", "mean", "95 % CI", "by seed", "difference", "95 % CI", "verdict"],
                numeric: [2, 5], rows: rows)
        }
    }

    private func row(_ name: String, _ group: Stages.EvaluationFigures.Group, isBest: Bool) -> [Markup] {
        func ends(_ interval: [Double]?) -> Markup {
            .text(interval.map { "\(Format.short($0[0])) to \(Format.short($0[1]))" } ?? "–")
        }
        let versus = group.versus
        let verdict = versus.flatMap { $0.ci95 == nil ? nil : $0.verdictName }
        return [
            .text(name), isBest ? HTML.strong { group.name } : .text(group.name),
            HTML.strong { Format.short(group.mean) }, ends(group.ci95),
            .text(group.values.map { Format.short($0) }.joined(separator: "  ")),
            .text(versus.map { ($0.difference > 0 ? "+" : "") + Format.short($0.difference) } ?? "–"),
            ends(versus?.ci95),
            .text([verdict, versus?.equivalence].compactMap { $0 }.joined(separator: "; ")),
        ]
    }
}
