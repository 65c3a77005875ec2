import Stages

extension RunComparison {
    /// The comparison as an HTML page with everything inside it; what would make it too large is left out.
    public var html: String {
        var page = ""
        for detail in [ComparisonDetail.full, .reduced, .least] {
            page = ComparisonPage(self, detail).page.rendered
            if page.utf8.count <= RunReport.sizeLimit { break }
        }
        return page
    }
}

/// How much a comparison may show.
struct ComparisonDetail {
    /// Whether the curves of single seeds are drawn beside their mean, and whether there are curves at all.
    var showsSeeds: Bool
    var showsCurves: Bool
    /// The rows of a table, and the bytes of a value in it.
    var rows: Int
    var valueBytes: Int

    static let full = ComparisonDetail(showsSeeds: true, showsCurves: true, rows: 5_000, valueBytes: 300)
    static let reduced = ComparisonDetail(showsSeeds: false, showsCurves: true, rows: 2_000, valueBytes: 200)
    static let least = ComparisonDetail(showsSeeds: false, showsCurves: false, rows: 500, valueBytes: 80)
}

/// Several runs on one page, section by section.
struct ComparisonPage {
    private let comparison: RunComparison
    private let detail: ComparisonDetail

    init(_ comparison: RunComparison, _ detail: ComparisonDetail) {
        self.comparison = comparison
        self.detail = detail
    }

    private var runs: [RunComparison.Run] { comparison.runs }
    private var labels: [String] { runs.map(\.label) }

    var page: Page {
        let pipelines = Set(runs.map(\.pipeline))
        let names = runs.prefix(6).map { run -> Markup in
            HTML.span {
                "\(run.label) "
                HTML.code { run.id }
            }
        }
        return Page(
            title: pipelines.count == 1 ? runs[0].pipeline : Format.plural(runs.count, "run"),
            kind: "Comparison of runs",
            facts: [HTML.span { Format.plural(runs.count, "run") }] + names,
            sections: [
                Page.Section(id: "runs", title: "Runs", content: .group([verdict, problems, runTable])),
                Page.Section(
                    id: "settings", title: "Settings",
                    lead:
                        "Components of the stages' keys that are not the same in all runs. "
                        + "\(Format.count(comparison.same)) are the same.",
                    content: settings),
                Page.Section(
                    id: "metrics", title: "Metrics",
                    lead:
                        "Every figure of every evaluation with its 95 % interval over seeds. Differences from "
                        + "\(labels[0]) are taken seed by seed; one whose interval holds zero is not resolved by "
                        + "these seeds.",
                    content: metrics),
                Page.Section(
                    id: "curves", title: "Training",
                    lead: "A colour per run; where there are several seeds, a strong line is their mean.",
                    content: detail.showsCurves ? curves : .empty),
                Page.Section(
                    id: "time", title: "Time",
                    lead: "In brackets: made by an earlier run, and taken from the store.", content: times),
                Page.Section(id: "transfer", title: "Transfer sets", content: overlaps),
            ], script: nil,
            footnote: "Written by Retort. This file is complete in itself and asks nothing of any network.")
    }

    // MARK: Runs

    private var verdict: Markup {
        let stages = Set(comparison.settings.map(\.stage)).count
        let count = comparison.settings.count
        return HTML.p(.class("verdict")) {
            if count == 0 {
                HTML.strong { "Nothing is set differently" }
                " in these \(Format.plural(runs.count, "run")). "
            } else {
                HTML.strong { "\(Format.plural(count, "component")) of \(Format.plural(stages, "stage"))" }
                " \(count == 1 ? "differs" : "differ") in these \(Format.plural(runs.count, "run")). "
            }
            for sentence in comparison.sentences { sentence + " " }
        }
    }

    private var problems: Markup {
        let problems = comparison.compared.flatMap { entry in
            entry.unreadable.map { "An artifact of \(entry.label) could not be read. \($0)" }
        }
        return .group(
            problems.prefix(20).map { problem in
                HTML.div(.class("alert mild")) { problem.limited(to: 1_000) }
            })
    }

    private var runTable: Markup {
        Block.card("What is compared") {
            Block.table(
                ["", "run", "pipeline", "state", "began", "took", "work in all"], numeric: [5, 6],
                rows: runs.enumerated().map { number, run -> [Markup] in
                    [
                        HTML.span(.class("key \(Chart.color(number))")) { HTML.strong { run.label } },
                        HTML.code { run.id }, .text(run.pipeline), Block.badge(run.outcome, run.outcome),
                        .text(Format.moment(comparison.compared[number].run.started)),
                        .text(Format.duration(run.seconds)),
                        .text(Format.duration(run.workSeconds)),
                    ]
                })
        }
    }

    // MARK: Settings

    private var settings: Markup {
        .group([
            comparison.settings.isEmpty
                ? Block.note("No component that is set differs.")
                : Block.card("What is set differently") { table(comparison.settings) },
            comparison.consequences.isEmpty
                ? .empty
                : Block.folded(
                    "\(Format.plural(comparison.consequences.count, "input")) with other contents, which follow"
                ) { table(comparison.consequences) },
        ])
    }

    private func table(_ rows: [RunComparison.SettingRow]) -> Markup {
        .group([
            Block.table(
                ["stage", "component"] + labels,
                rows: rows.prefix(detail.rows).map { cells(of: $0) }),
            rows.count > detail.rows
                ? Block.note("\(Format.count(rows.count - detail.rows)) more rows are left out.") : .empty,
        ])
    }

    private var none: Markup { HTML.span(.class("note")) { "–" } }

    private func cells(of row: RunComparison.SettingRow) -> [Markup] {
        var cells: [Markup] = [HTML.strong { row.stage }, .text(row.component)]
        for value in row.values {
            guard let value else {
                cells.append(none)
                continue
            }
            cells.append(HTML.code { value.limited(to: detail.valueBytes) })
        }
        return cells
    }

    // MARK: Metrics

    private var metrics: Markup {
        var seen: Set<String> = []
        let names = comparison.measures.map(\.evaluation).filter { seen.insert($0).inserted }
        return .group(names.map(card))
    }

    private func card(_ evaluation: String) -> Markup {
        let rows = comparison.measures.filter { $0.evaluation == evaluation }
        let isComparable = !comparison.incomparable.contains(evaluation)
        let shown = rows.prefix(detail.rows)
        return Block.card(
            evaluation,
            note: isComparable ? nil : "Not measured on the same images: the figures cannot be compared."
        ) {
            forest(rows)
            Block.table(
                head, rows: shown.map { cells(of: $0) })
            if shown.count < rows.count {
                Block.note("\(Format.count(rows.count - shown.count)) more rows are left out.")
            }
        }
    }

    private var head: [String] {
        var head = ["metric", "arm", labels[0]]
        for label in labels.dropFirst() { head += [label, "\(label) − \(labels[0])"] }
        return head
    }

    private func cells(of row: RunComparison.Measure) -> [Markup] {
        let texts = row.texts
        var cells: [Markup] = [.text(texts.metric), HTML.strong { row.arm }]
        for (number, text) in texts.figures.enumerated() {
            cells.append(text.map { Markup.text($0.value) } ?? none)
            guard number > 0 else { continue }
            guard let words = text?.difference, let difference = row.figures[number]?.difference else {
                cells.append(none)
                continue
            }
            cells.append(.group([.text(words + " "), badge(difference, row)]))
        }
        return cells
    }

    private func badge(_ difference: RunComparison.Difference, _ row: RunComparison.Measure) -> Markup {
        guard difference.isResolved else { return .empty }
        let isBetter = (difference.mean > 0) != row.lowerIsBetter
        return Block.badge(isBetter ? "better" : "worse", isBetter ? "passed" : "failed")
    }

    /// The deciding metric of an evaluation, drawn.
    private func forest(_ rows: [RunComparison.Measure]) -> Markup {
        guard let metric = rows.first?.metric else { return .empty }
        let chosen = rows.filter { $0.metric == metric }
        let values = chosen.flatMap { row in row.figures.flatMap { $0?.seeds.values ?? [] } }
        let format = FigureFormat(metric, values)
        var drawn: [ForestPlot.Row] = []
        for row in chosen {
            for (label, figure) in zip(labels, row.figures) {
                guard let seeds = figure?.seeds else { continue }
                let interval = seeds.ci95.map { "  (\(format.interval($0)))" } ?? ""
                drawn.append(
                    ForestPlot.Row(
                        name: "\(label) · \(row.arm)", values: seeds.values, mean: seeds.mean,
                        interval: seeds.ci95.map { Interval($0[0], $0[1]) },
                        note: format.value(seeds.mean) + interval))
            }
        }
        guard drawn.count > 1, drawn.count <= 40 else { return .empty }
        return ForestPlot(
            title: metric, rows: drawn,
            xTitle: metric.replacing("_", with: " ") + (format.isShare ? ", %" : ""),
            format: { Format.short(format.isShare ? $0 * 100 : $0) }, width: 1020
        ).markup
    }

    // MARK: Training

    private var curves: Markup {
        ComparedCurves(comparison.compared, showsSeeds: detail.showsSeeds).markup
    }

    // MARK: Time

    private var times: Markup {
        .group([
            Block.card("Work in all", note: "What a run used, whenever it was made.") {
                BarChart(
                    title: "Work in all",
                    bars: bars,
                    format: Format.duration, width: 720, labelWidth: 210
                ).markup
            },
            Block.card("Stage by stage") {
                Block.table(
                    ["stage"] + labels, numeric: Set(1...labels.count),
                    rows: comparison.times.prefix(detail.rows).map { cells(of: $0) })
            },
        ])
    }

    private var bars: [BarChart.Bar] {
        runs.prefix(40).enumerated().map { number, run in
            BarChart.Bar(name: "\(run.label) · \(run.id)", value: run.workSeconds, color: number)
        }
    }

    private func cells(of row: RunComparison.StageTime) -> [Markup] {
        var cells: [Markup] = [HTML.strong { row.stage }]
        for (seconds, isOwn) in zip(row.seconds, row.isOwn) {
            let text = seconds.map { Format.duration($0) } ?? "–"
            cells.append(.text(isOwn || seconds == nil ? text : "(\(text))"))
        }
        return cells
    }

    // MARK: Transfer sets

    private var overlaps: Markup {
        .group(
            comparison.overlaps.map { overlap in
                Block.card(overlap.stage) {
                    Block.table(
                        ["", "images", "mean similarity"] + labels.map { "in common with \($0)" },
                        numeric: Set(1..<(labels.count + 3)),
                        rows: labels.indices.map { cells(of: overlap, at: $0) })
                    Block.note(
                        "\(Format.plural(overlap.common, "image")) in all of them. Two sets have in common the share "
                            + "of their images that are in both, among those in either.")
                }
            })
    }

    private func cells(of overlap: RunComparison.Overlap, at number: Int) -> [Markup] {
        var cells: [Markup] = [
            HTML.strong { labels[number] },
            .text(overlap.images[number].map { Format.count($0) } ?? "–"),
            .text(overlap.meanSimilarity[number].map { Format.fixed($0, 3) } ?? "–"),
        ]
        for (other, share) in overlap.jaccard[number].enumerated() {
            cells.append(.text(other == number ? "" : share.map { Format.percent($0) } ?? "–"))
        }
        return cells
    }
}
