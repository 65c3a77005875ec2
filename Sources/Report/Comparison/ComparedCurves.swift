/// The curves of stages that several runs trained, one chart per metric, a colour per run.
struct ComparedCurves {
    private let runs: [ComparedRun]
    private let showsSeeds: Bool

    init(_ runs: [ComparedRun], showsSeeds: Bool) {
        self.runs = runs
        self.showsSeeds = showsSeeds
    }

    var markup: Markup {
        let families = RunComparison.families(runs).filter { family in
            runs.contains { run in run.nodes(of: family).contains { !(run.curves[$0.name] ?? []).isEmpty } }
        }
        let same = families.filter { distinct($0).count == 1 && runs.count > 1 }
        return .group(
            families.filter { !same.contains($0) }.map(card)
                + (same.isEmpty
                    ? []
                    : [Block.note("The same in all runs that have it: \(same.joined(separator: ", ")).")]))
    }

    /// The runs that have curves of a stage, those with the same artifacts together.
    private func distinct(_ family: String) -> [(label: String, color: Int, run: ComparedRun)] {
        var found: [(label: String, color: Int, run: ComparedRun, identity: String)] = []
        for (number, run) in runs.enumerated() {
            guard run.nodes(of: family).contains(where: { !(run.curves[$0.name] ?? []).isEmpty }) else {
                continue
            }
            let identity = run.identity(of: family) ?? "of \(run.label)"
            if let index = found.firstIndex(where: { $0.identity == identity }) {
                found[index].label += ", \(run.label)"
            } else {
                found.append((run.label, number, run, identity))
            }
        }
        return found.map { ($0.label, $0.color, $0.run) }
    }

    private func card(_ family: String) -> Markup {
        let entries = distinct(family)
        let names = Set(
            entries.flatMap { entry in
                entry.run.nodes(of: family).flatMap { (entry.run.curves[$0.name] ?? []).map(\.name) }
            }
        ).sorted { (MetricKind($0), $0) < (MetricKind($1), $1) }
        return Block.card(family) {
            Chart.legend(entries.map { ($0.label, $0.color) })
            HTML.div(.class("multiples")) {
                for name in names {
                    HTML.figure {
                        HTML.figcaption { name }
                        LineChart(
                            title: "\(family): \(name)",
                            series: entries.map { entry in
                                LineChart.Series(
                                    name: entry.label, color: entry.color,
                                    runs: points(entry.run, family, name))
                            }
                        ).markup
                    }
                }
            }
        }
    }

    private func points(_ run: ComparedRun, _ family: String, _ metric: String) -> [[LineChart.Point]] {
        let seeds = run.nodes(of: family).map { node in
            (run.curves[node.name] ?? []).filter { $0.name == metric }.map {
                LineChart.Point(step: $0.step, value: $0.value ?? .nan)
            }
        }.filter { !$0.isEmpty }
        return showsSeeds || seeds.count < 2 ? seeds : [LineChart.mean(of: seeds)]
    }
}
