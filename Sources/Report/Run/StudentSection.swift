/// Where the evaluated model is right, where it is wrong, and how sure it is.
struct StudentSection {
    private let contents: RunContents
    private let sink: any ThumbnailSink

    init(_ contents: RunContents, _ sink: any ThumbnailSink) {
        self.contents = contents
        self.sink = sink
    }

    var section: Page.Section {
        var content: [Markup] = []
        if let decisive = contents.decisive {
            content.append(detail(decisive.files))
            for other in contents.evaluations where other.node != decisive.node {
                content.append(Block.folded("Evaluation ‘\(other.node)’") { detail(other.files) })
            }
        }
        return Page.Section(
            id: "student", title: "Student",
            lead: lead, content: .group(content))
    }

    private var lead: String {
        guard let metrics = contents.decisive?.files.metrics, let best = metrics.bestGroup else {
            return "What the model gets right and wrong."
        }
        let seeds = best.values.count > 1 ? ", all \(best.values.count) seeds together" : ""
        return "What the best arm, ‘\(best.name)’, gets right and wrong\(seeds)."
    }

    private func detail(_ files: EvaluationFiles) -> Markup {
        let metrics = files.metrics
        let figures = metrics.bestFigures
        return .group([
            Block.columns { Markup.group([perClass(figures), calibration(figures)]) },
            confusion(figures, metrics.classes ?? []),
            errors(files),
        ])
    }

    private func perClass(_ metrics: EvaluationFigures) -> Markup {
        let values = (metrics.perClass ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard !values.isEmpty else { return .empty }
        let shown = values.count > 48 ? Array(values.prefix(24) + values.suffix(24)) : values
        return Block.card(
            "Accuracy per class",
            note: shown.count < values.count ? "The best and the worst 24 of \(values.count)." : nil
        ) {
            BarChart(
                title: "Accuracy per class",
                bars: shown.map { BarChart.Bar(name: $0.key, value: $0.value, color: 1) },
                marks: metrics.top1.map { [BarChart.Mark(value: $0, name: "all \(Format.percent($0))")] }
                    ?? [],
                limit: 1, format: { Format.percent($0, 0) }
            ).markup
        }
    }

    private func calibration(_ metrics: EvaluationFigures) -> Markup {
        guard let bins = metrics.reliability, !bins.isEmpty else { return .empty }
        let error = metrics.ece.map { "Expected calibration error \(Format.fixed($0, 3))" } ?? ""
        let loss = metrics.nll.map { ", negative log-likelihood \(Format.fixed($0, 2))" } ?? ""
        return Block.card(
            "Calibration", note: error + loss + ". Below the diagonal the model is surer than it is right."
        ) {
            ReliabilityDiagram(bins: bins).markup
        }
    }

    private func confusion(_ figures: EvaluationFigures, _ classes: [String]) -> Markup {
        guard let counts = figures.confusion, counts.count == classes.count,
            counts.allSatisfy({ $0.count == classes.count })
        else { return .empty }
        let mistakes = counts.enumerated().flatMap { truth, row in
            row.enumerated().filter { $0.offset != truth && $0.element > 0 }.map {
                (
                    truth: truth, prediction: $0.offset, count: $0.element,
                    share: $0.element / max(row.reduce(0, +), 1)
                )
            }
        }.sorted { ($1.count, $0.truth, $0.prediction) < ($0.count, $1.truth, $1.prediction) }
        let list = Block.card("Most frequent confusions") {
            Block.table(
                ["truth", "taken for", "images", "of the class"], numeric: [2, 3],
                rows: mistakes.prefix(14).map {
                    [
                        .text(classes[$0.truth]), .text(classes[$0.prediction]),
                        .text(Format.short($0.count)),
                        .text(Format.percent($0.share, 0)),
                    ]
                })
        }
        guard classes.count <= ConfusionMap.limit else { return list }
        return HTML.div(.class("columns wide")) {
            Block.card(
                "Confusion", note: "Rows are the truth, columns the answer; shade is the share of the row."
            ) {
                ConfusionMap(classes: classes, counts: counts).markup
            }
            list
        }
    }

    private func errors(_ files: EvaluationFiles) -> Markup {
        let classes = files.metrics.classes ?? []
        let models = files.metrics.bestModels
        var seen: Set<String> = []
        let worst = files.predictions
            .filter { $0.label.name(in: classes) != $0.prediction.name(in: classes) }
            .filter { models.isEmpty || $0.model.map(models.contains) ?? true }
            .sorted { ($1.confidence ?? 0, $0.id) < ($0.confidence ?? 0, $1.id) }
            .filter { seen.insert($0.id).inserted }
        guard !worst.isEmpty else { return .empty }
        return Block.card(
            "Worst errors", note: "The surest wrong answers, and the transfer images behind them."
        ) {
            HTML.div(.class("errors")) {
                for row in worst.prefix(12) { error(row, files, classes) }
            }
        }
    }

    private func error(_ row: PredictionRow, _ files: EvaluationFiles, _ classes: [String]) -> Markup {
        let prediction = row.prediction.name(in: classes)
        return HTML.div(.class("error")) {
            Block.thumbnail(
                ImageReference(id: row.id, source: row.source), in: sink, hover: row.source,
                kind: "wrong-answer")
            HTML.div {
                HTML.div(.class("said")) {
                    HTML.strong { prediction }
                    row.confidence.map { " (\(Format.percent($0, 0)))" } ?? ""
                    ", is "
                    HTML.strong { row.label.name(in: classes) }
                }
                evidence(row, files, prediction)
            }
        }
    }

    /// The nearest transfer images; where nobody computed them, the best ones retrieved for the wrong answer's class.
    private func evidence(_ row: PredictionRow, _ files: EvaluationFiles, _ prediction: String) -> Markup {
        if let nearest = files.nearest[row.id], !nearest.isEmpty {
            return .group([
                Block.note("nearest transfer images"),
                Block.strip(
                    nearest.prefix(4).map {
                        Block.thumbnail(
                            ImageReference(id: $0.id, source: $0.source), in: sink, hover: $0.source)
                    }),
            ])
        }
        let retrieved = (contents.principalTransferSet?.files.rows ?? []).filter {
            $0.queryClass == prediction
        }
        .sorted { ($1.similarity ?? 0, $0.id) < ($0.similarity ?? 0, $1.id) }
        guard !retrieved.isEmpty else { return .empty }
        return .group([
            Block.note("retrieved for \(prediction)"),
            Block.strip(retrieved.prefix(4).map { Block.thumbnail($0.image, in: sink, hover: $0.source) }),
        ])
    }
}
