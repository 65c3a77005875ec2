/// Arms side by side: a dot per repetition, the mean, and its interval.
struct ForestPlot {
    struct Row {
        var name: String
        var values: [Double] = []
        var mean: Double
        var interval: Interval?
        var isStrong = false
        /// The figure in words, at the right edge.
        var note: String
    }

    /// A level to compare the arms with; one outside the plot is named at its edge.
    struct Reference {
        var label: String
        var value: Double
    }

    var title: String
    var rows: [Row]
    var references: [Reference] = []
    var xTitle: String
    var format: (Double) -> String
    var width = 720.0
    var labelWidth = 190.0

    private let rowHeight = 30.0
    private let top = 26.0
    private let noteWidth = 132.0

    var markup: Markup {
        let values = rows.flatMap { $0.values + [$0.mean] + ($0.interval.map { [$0.low, $0.high] } ?? []) }
        let spread = max((values.max() ?? 1) - (values.min() ?? 0), 0.01)
        let near = references.map(\.value).filter { value in
            value > (values.min() ?? 0) - spread && value < (values.max() ?? 1) + spread
        }
        let scale = Scale(
            covering: values + near, to: Interval(labelWidth, width - noteWidth), tickCount: 6)
        let bottom = top + rowHeight * Double(rows.count)
        return Chart.drawing(title, width: width, height: bottom + 38) {
            for tick in scale.ticks(6) {
                SVG.line(.class("grid"), .x1(scale(tick)), .x2(scale(tick)), .y1(top), .y2(bottom))
                Chart.text(format(tick), scale(tick), bottom + 15, .middle, "tick")
            }
            SVG.line(.class("axis"), .x1(scale.range.low), .x2(scale.range.high), .y1(bottom), .y2(bottom))
            Chart.text(xTitle, (scale.range.low + scale.range.high) / 2, bottom + 33, .middle, "axis-title")
            for reference in references { draw(reference, scale, bottom) }
            for (number, row) in rows.enumerated() {
                draw(row, y: top + rowHeight * (Double(number) + 0.5), scale)
            }
        }
    }

    private func draw(_ reference: Reference, _ scale: Scale, _ bottom: Double) -> Markup {
        let text = reference.label
        if reference.value < scale.domain.low {
            return Chart.text("◂ \(text)", scale.range.low, top - 10, .start, "reference")
        }
        if reference.value > scale.domain.high {
            return Chart.text("\(text) ▸", scale.range.high, top - 10, .end, "reference")
        }
        let x = scale(reference.value)
        return SVG.g {
            SVG.line(.class("mark"), .x1(x), .x2(x), .y1(top - 4), .y2(bottom))
            Chart.text(text, x, top - 10, .middle, "reference")
        }
    }

    private func draw(_ row: Row, y: Double, _ scale: Scale) -> Markup {
        SVG.g(.class(row.isStrong ? "arm strong" : "arm")) {
            SVG.title { "\(row.name): \(row.note)" }
            Chart.label(row.name, labelWidth - 16, y + 4, .end, "name", width: labelWidth - 18)
            if let interval = row.interval {
                SVG.line(
                    .class("interval"), .x1(scale(interval.low)), .x2(scale(interval.high)), .y1(y), .y2(y))
                for end in [interval.low, interval.high] {
                    SVG.line(.class("interval"), .x1(scale(end)), .x2(scale(end)), .y1(y - 5), .y2(y + 5))
                }
            }
            for value in row.values {
                SVG.circle(.class("seed"), .cx(scale(value)), .cy(y), .r(3.5))
            }
            SVG.rect(
                .class("mean"), .x(scale(row.mean) - 4.5), .y(y - 4.5), .width(9), .height(9),
                .transform("rotate(45 \(Format.coordinate(scale(row.mean))) \(Format.coordinate(y)))"))
            Chart.text(row.note, width, y + 4, .end, "note")
        }
    }
}
