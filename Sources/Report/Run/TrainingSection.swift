/// Curves of everything that was trained: a chart per metric, a colour per stage, a thin line per matrix point.
struct TrainingSection {
    private let contents: RunContents

    init(_ contents: RunContents) { self.contents = contents }

    var section: Page.Section {
        Page.Section(
            id: "training", title: "Training",
            lead:
                "Stages of one kind share a chart. Where there are several seeds, each is a thin line and the mean a "
                + "strong one.",
            content: .group(kinds.map(card)))
    }

    /// The stage kinds that left metrics, in the order of the run.
    private var kinds: [String] {
        var seen: Set<String> = []
        return contents.run.nodes.filter { !(contents.metrics[$0.name] ?? []).isEmpty }.map(\.stage)
            .filter { seen.insert($0).inserted }
    }

    private func card(_ kind: String) -> Markup {
        let families = contents.run.families.filter { family in
            family.stage == kind && family.nodes.contains { !(contents.metrics[$0.name] ?? []).isEmpty }
        }
        let names = Set(families.flatMap(\.nodes).flatMap { (contents.metrics[$0.name] ?? []).map(\.name) })
        let ordered = names.sorted { (MetricKind($0), $0) < (MetricKind($1), $1) }
        return Block.card(kind) {
            if families.count > 1 {
                Chart.legend(families.enumerated().map { ($0.element.name, $0.offset) })
            } else {
                Block.note(families.map(\.name).joined())
            }
            HTML.div(.class("multiples")) {
                for name in ordered {
                    HTML.figure {
                        HTML.figcaption { name }
                        LineChart(
                            title: "\(kind): \(name)",
                            series: families.enumerated().map { series($1, $0, name) }
                        )
                        .markup
                    }
                }
            }
        }
    }

    private func series(_ family: ReportedRun.Family, _ color: Int, _ metric: String) -> LineChart.Series {
        let runs = family.nodes.map { node in
            (contents.metrics[node.name] ?? []).filter { $0.name == metric }.map {
                LineChart.Point(step: $0.step, value: $0.value ?? .nan)
            }
        }
        return LineChart.Series(name: family.name, color: color, runs: runs.filter { !$0.isEmpty })
    }
}
