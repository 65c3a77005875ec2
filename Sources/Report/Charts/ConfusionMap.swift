/// Which class is taken for which: rows are truths, columns predictions, shades are shares of the row.
struct ConfusionMap {
    /// More classes than this make cells too small to point at, and pages too large.
    static let limit = 64

    var classes: [String]
    var counts: [[Double]]

    var markup: Markup {
        let count = Double(classes.count)
        let cell = max(7, min(26, 560 / count))
        let label = 104.0
        let size = label + cell * count + 8
        return Chart.drawing("Confusion matrix", width: size, height: size) {
            SVG.rect(
                .class("frame"), .x(label), .y(label), .width(cell * count), .height(cell * count))
            for (index, name) in classes.enumerated() where cell >= 9 || index.isMultiple(of: 2) {
                let centre = label + cell * (Double(index) + 0.5)
                Chart.label(name, label - 6, centre + 3.5, .end, "tick", width: label)
                SVG.g(
                    .transform(
                        "translate(\(Format.coordinate(centre + 3.5)) \(Format.coordinate(label - 6))) rotate(-90)"
                    )
                ) {
                    Chart.label(name, 0, 0, .start, "tick", width: label)
                }
            }
            for (truth, row) in counts.enumerated() {
                let total = max(row.reduce(0, +), 1)
                for (prediction, value) in row.enumerated() where value > 0 {
                    draw(value, total, truth, prediction, cell, label)
                }
            }
        }
    }

    private func draw(
        _ value: Double, _ total: Double, _ truth: Int, _ prediction: Int, _ cell: Double, _ label: Double
    ) -> Markup {
        let share = value / total
        let x = label + cell * Double(prediction)
        let y = label + cell * Double(truth)
        return SVG.g(.class(truth == prediction ? "right" : "wrong")) {
            SVG.title {
                "\(classes[truth]) taken for \(classes[prediction]): \(Format.short(value)) of \(Format.short(total))"
            }
            SVG.rect(
                .x(x + 0.5), .y(y + 0.5), .width(cell - 1), .height(cell - 1), .rx(1.5),
                .fillOpacity(0.08 + 0.92 * share.squareRoot()))
            if cell >= 20 {
                Chart.text(
                    Format.short(value), x + cell / 2, y + cell / 2 + 3.5, .middle, share > 0.3 ? "on" : "off"
                )
            }
        }
    }
}
