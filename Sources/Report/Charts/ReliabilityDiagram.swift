/// Accuracy against confidence: on the diagonal, a prediction made with 80 % confidence is right 80 % of the time.
struct ReliabilityDiagram {
    var bins: [EvaluationFigures.ReliabilityBin]

    var markup: Markup {
        let plot = Plot(width: 400, height: 340) {
            Scale(Interval(0, 1), to: $0)
        } y: {
            Scale(Interval(0, 1), to: $0)
        }
        let total = Double(max(bins.reduce(0) { $0 + $1.count }, 1))
        let largest = bins.map { Double($0.count) / total }.max() ?? 1
        return plot.drawing(
            "Reliability diagram", xTitle: "confidence", xFormat: { Format.percent($0, 0) },
            yFormat: { Format.percent($0, 0) }
        ) {
            SVG.line(.class("mark"), .x1(plot.x(0)), .y1(plot.y(0)), .x2(plot.x(1)), .y2(plot.y(1)))
            for bin in bins where bin.count > 0 {
                let isOverconfident = bin.accuracy < bin.confidence
                SVG.g(.class(isOverconfident ? "s0" : "s1")) {
                    SVG.title {
                        "confidence \(Format.percent(bin.confidence)), right \(Format.percent(bin.accuracy)), "
                            + Format.plural(bin.count, "image")
                    }
                    SVG.line(
                        .class("gap"), .x1(plot.x(bin.confidence)), .x2(plot.x(bin.confidence)),
                        .y1(plot.y(bin.confidence)), .y2(plot.y(bin.accuracy)))
                    SVG.circle(
                        .class("bubble"), .cx(plot.x(bin.confidence)), .cy(plot.y(bin.accuracy)),
                        .r(3 + 9 * (Double(bin.count) / total / largest).squareRoot()))
                }
            }
        }
    }
}
