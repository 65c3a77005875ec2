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
        let bins = occupied(shown)
        let peak = shown.map { series in (series.counts.max() ?? 0) / series.total }.max() ?? 1
        let plot = Plot(width: width, height: height) { range in
            Scale(Interval(edges[bins.lowerBound], edges[bins.upperBound]), to: range)
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

    /// The bins in which any series has something: similarities fill a small part of their range.
    private func occupied(_ shown: [Series]) -> Range<Int> {
        let bins = (0..<max(edges.count - 1, 0)).filter { bin in shown.contains { $0.counts[bin] > 0 } }
        guard let first = bins.first, let last = bins.last else { return 0..<max(edges.count - 1, 0) }
        return first..<(last + 1)
    }

    /// Steps over the bins from the first to the last that is not empty, closed along the axis.
    private func outline(_ series: Series, _ plot: Plot) -> String {
        guard let first = series.counts.firstIndex(where: { $0 > 0 }),
            let last = series.counts.lastIndex(where: { $0 > 0 })
        else { return "" }
        var points = [(x: plot.x(edges[first]), y: plot.y(0))]
        for bin in first...last {
            let level = plot.y(series.counts[bin] / series.total)
            points.append((plot.x(edges[bin]), level))
            points.append((plot.x(edges[bin + 1]), level))
        }
        points.append((plot.x(edges[last + 1]), plot.y(0)))
        return Chart.path(points)
    }
}
