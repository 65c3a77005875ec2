/// Every arm side by side, between floor and ceiling, whichever way it falls.
struct ResultsSection {
    private let metrics: EvaluationMetrics
    private let node: String

    init(_ metrics: EvaluationMetrics, node: String) {
        self.metrics = metrics
        self.node = node
    }

    var section: Page.Section {
        let count = metrics.n.map { " on \(Format.count($0)) images" } ?? ""
        return Page.Section(
            id: "results", title: "Results",
            lead:
                "Top-1 accuracy of every arm\(count), as measured by ‘\(node)’. A dot is one seed, the diamond their mean, "
                + "the bar its 95 % confidence interval.",
            content: .group([forest, differences, table]))
    }

    private var groups: [EvaluationMetrics.Group] { (metrics.groups ?? []).sorted { $0.mean > $1.mean } }

    private var references: [ForestPlot.Reference] {
        var references: [ForestPlot.Reference] = []
        if let majority = metrics.floor?.majority {
            references.append(
                ForestPlot.Reference(label: "floor \(Format.percent(majority))", value: majority))
        }
        if let ceiling = metrics.ceiling {
            references.append(
                ForestPlot.Reference(
                    label: "ceiling (\(ceiling.name)) \(Format.percent(ceiling.top1))", value: ceiling.top1))
        }
        return references
    }

    private var forest: Markup {
        guard !groups.isEmpty else { return .empty }
        return Block.card("Accuracy by arm") {
            ForestPlot(
                title: "Accuracy by arm",
                rows: groups.map { group in
                    ForestPlot.Row(
                        name: group.name, values: group.values, mean: group.mean, interval: group.ci95,
                        isStrong: group.name == metrics.bestGroup?.name,
                        note: Format.percent(group.mean)
                            + (group.ci95.map { "  (\(Format.interval($0)))" } ?? ""))
                },
                references: references, xTitle: "top-1 accuracy, %", format: { Format.short($0 * 100) },
                width: 1020
            ).markup
        }
    }

    private var differences: Markup {
        let compared = groups.filter { $0.versus != nil }
        guard let baseline = compared.first?.versus?.baseline else { return .empty }
        return Block.card(
            "Difference from \(baseline)",
            note: "A difference whose interval holds zero is not resolved by these seeds."
        ) {
            ForestPlot(
                title: "Difference from \(baseline)",
                rows: compared.compactMap { group in
                    guard let versus = group.versus else { return nil }
                    let interval = versus.ci95.map { "  (\(Format.difference($0)))" } ?? ""
                    return ForestPlot.Row(
                        name: group.name, mean: versus.difference, interval: versus.ci95,
                        isStrong: group.name == metrics.bestGroup?.name,
                        note: Format.points(versus.difference) + interval)
                },
                references: [ForestPlot.Reference(label: "no difference", value: 0)],
                xTitle: "percentage points", format: { ($0 > 0 ? "+" : "") + Format.short($0 * 100) },
                width: 1020
            ).markup
        }
    }

    private var table: Markup {
        var rows = groups.map(row)
        if groups.isEmpty { rows = (metrics.models ?? []).map(row) }
        if let ceiling = metrics.ceiling { rows.append(reference("ceiling: \(ceiling.name)", ceiling.top1)) }
        if let majority = metrics.floor?.majority {
            rows.append(reference("floor: most frequent class", majority))
        }
        if let random = metrics.floor?.random { rows.append(reference("floor: random class", random)) }
        guard !rows.isEmpty else { return .empty }
        return Block.card("Every figure") {
            Block.table(
                [
                    "arm", "top-1, %", "95 % CI", "by seed", "balanced, %", "NLL", "ECE", "difference",
                    "95 % CI",
                ],
                numeric: [1, 2, 4, 5, 6, 7, 8], rows: rows)
        }
    }

    private func row(_ group: EvaluationMetrics.Group) -> [Markup] {
        let figures = EvaluationFigures(pooling: metrics.models(of: group.name).map(\.figures))
        let name = group.name == metrics.bestGroup?.name ? HTML.strong { group.name } : .text(group.name)
        let seeds = group.values.map { Format.fixed($0 * 100, 1) }.joined(separator: "  ")
        return [
            name, HTML.strong { Format.fixed(group.mean * 100, 1) },
            .text(group.ci95.map(Format.interval) ?? "–"),
            .text(seeds),
        ] + cells(figures) + [
            .text(group.versus.map { Format.points($0.difference) } ?? "–"),
            .text(group.versus?.ci95.map(Format.difference) ?? "–"),
        ]
    }

    private func row(_ model: EvaluationMetrics.Model) -> [Markup] {
        let top1 = model.figures.top1.map { Format.fixed($0 * 100, 1) } ?? "–"
        return [.text(model.node), HTML.strong { top1 }, .text("–"), .text("–")] + cells(model.figures)
            + [.text("–"), .text("–")]
    }

    private func cells(_ figures: EvaluationFigures?) -> [Markup] {
        [
            .text(figures?.balancedAccuracy.map { Format.fixed($0 * 100, 1) } ?? "–"),
            .text(figures?.nll.map { Format.fixed($0, 2) } ?? "–"),
            .text(figures?.ece.map { Format.fixed($0, 3) } ?? "–"),
        ]
    }

    private func reference(_ name: String, _ value: Double) -> [Markup] {
        [HTML.span(.class("note")) { name }, .text(Format.fixed(value * 100, 1))]
            + Array(repeating: Markup.empty, count: 7)
    }
}
