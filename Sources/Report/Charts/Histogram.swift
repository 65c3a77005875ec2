/// Distributions over the same bins, each scaled to its own total so that their shapes compare.
struct Histogram {
    struct Series {
        var name: String
        var color: Int
        var counts: [Double]
        var isFilled = false

        var total: Double { counts.reduce(0, +) }
    }

    var title: String
    var xTitle: String
    var edges: [Double]
    var series: [Series]
    var width = 720.0
    var height = 240.0

    var markup: Markup {
        let shown = series.filter { $0.total > 0 && $0.counts.count == edges.count - 1 }
        let peak = shown.map { series in (series.counts.max() ?? 0) / series.total }.max() ?? 1
        let plot = Plot(width: width, height: height) { range in
            Scale(Interval(edges.first ?? 0, edges.last ?? 1), to: range)
        } y: { range in
            Scale(Interval(0, peak * 1.05), to: range)
        }
        return HTML.figure(.class("chart")) {
            Chart.legend(shown.map { ("\($0.name) (\(Format.count(Int($0.total))))", $0.color) })
            plot.drawing(title, xTitle: xTitle, yFormat: { Format.percent($0, 0) }, xTicks: 8) {
                for series in shown {
                    SVG.path(
                        .class("\(Chart.color(series.color)) curve mean\(series.isFilled ? " filled" : "")"),
                        .d(outline(series, plot)))
                }
            }
        }
    }

    /// Steps over the bins, closed along the axis.
    private func outline(_ series: Series, _ plot: Plot) -> String {
        var points = [(x: plot.x(edges[0]), y: plot.y(0))]
        for (bin, count) in series.counts.enumerated() {
            let level = plot.y(count / series.total)
            points.append((plot.x(edges[bin]), level))
            points.append((plot.x(edges[bin + 1]), level))
        }
        points.append((plot.x(edges[edges.count - 1]), plot.y(0)))
        return Chart.path(points)
    }
}
