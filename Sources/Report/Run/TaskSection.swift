import Stages

/// Every arm at every task that was measured, metric by metric, with the direction in which each metric improves.
struct TaskSection {
    private struct Card {
        var title: String
        var comparisons: [TaskEvaluationFigures.Comparison]
        var classes: [(name: String, byArm: [Double?])] = []
    }

    private let cards: [Card]
    private let arms: ArmTable?

    init(
        _ tasks: [(node: String, figures: TaskEvaluationFigures)],
        _ clips: [(node: String, figures: CLIPFigures)]
    ) {
        arms = ArmTable(tasks, clips)
        cards =
            clips.map {
                Card(title: "\($0.node): \($0.figures.subject)", comparisons: $0.figures.comparisons ?? [])
            }
            + tasks.map {
                Card(
                    title: "\($0.node): \($0.figures.subject)", comparisons: $0.figures.comparisons,
                    classes: $0.figures.classes)
            }
    }

    /// The section; nil where no task was measured.
    var section: Page.Section? {
        guard !cards.isEmpty else { return nil }
        return Page.Section(
            id: "tasks", title: "Tasks",
            lead:
                "Figures of CLIPs, at dense tasks and of probes. An arrow says which way a metric improves; a difference "
                + "whose interval holds zero is not resolved by these seeds. Equivalence is tested, not inferred from that.",
            content: .group([overview] + cards.map(card)))
    }

    /// All arms side by side.
    private var overview: Markup {
        guard let arms else { return .empty }
        return Block.card(
            "All arms",
            note:
                "The metric of each evaluation that decides, and in brackets the difference from its baseline."
        ) {
            Block.table(
                arms.head, numeric: Set(1..<arms.head.count),
                rows: arms.rows.map { row in
                    [HTML.strong { row[0] }] + row.dropFirst().map { .text($0) }
                })
        }
    }

    private func card(_ card: Card) -> Markup {
        let rows = card.comparisons.flatMap { comparison -> [[Markup]] in
            let name = "\(comparison.metric) \(comparison.lowerIsBetter ? "↓" : "↑")"
            var rows = comparison.groups.map { row(name, $0, isBest: $0.name == comparison.best?.name) }
            if let floor = comparison.floor {
                rows.append(
                    [.text(name), HTML.span(.class("note")) { "floor: without looking" }]
                        + [.text(Format.short(floor))] + Array(repeating: Markup.empty, count: 5))
            }
            return rows
        }
        return Block.card(card.title) {
            Block.table(
                ["metric", "arm", "mean", "95 % CI", "by seed", "difference", "95 % CI", "verdict"],
                numeric: [2, 5], rows: rows)
            classes(card)
        }
    }

    /// Intersection over union class by class.
    private func classes(_ card: Card) -> Markup {
        guard !card.classes.isEmpty, let arms = card.comparisons.first?.groups else { return .empty }
        return Block.table(
            ["intersection over union ↑"] + arms.map(\.name), numeric: Set(1...arms.count),
            rows: card.classes.map { name, byArm in
                [.text(name)] + byArm.map { .text($0.map { Format.short($0) } ?? "–") }
            })
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
