/// Curves over steps: one colour per series, a thin line per repetition and a strong one for their mean.
struct LineChart {
    struct Series {
        var name: String
        var color: Int
        var runs: [[Point]]
    }

    struct Point {
        var step: Double
        var value: Double
    }

    var title: String
    var series: [Series]
    var width = 350.0
    var height = 200.0

    var markup: Markup {
        let points = series.flatMap { $0.runs.flatMap { $0 } }
        let plot = Plot(width: width, height: height) { range in
            Scale(Interval(points.map(\.step).min() ?? 0, points.map(\.step).max() ?? 1), to: range)
        } y: { range in
            Scale(covering: points.map(\.value), to: range, tickCount: 4)
        }
        return plot.drawing(title, xTitle: "step") {
            for series in series {
                SVG.g(.class(Chart.color(series.color))) {
                    SVG.title { series.name }
                    if series.runs.count > 1 {
                        for run in series.runs { curve(run, plot, "run") }
                        curve(Self.mean(of: series.runs), plot, "mean")
                    } else {
                        for run in series.runs { curve(run, plot, "mean") }
                    }
                }
            }
        }
    }

    private func curve(_ points: [Point], _ plot: Plot, _ kind: String) -> Markup {
        let points = Self.thinned(points)
        if points.count == 1 {
            return SVG.circle(
                .class("\(kind) dot"), .cx(plot.x(points[0].step)), .cy(plot.y(points[0].value)), .r(3))
        }
        return SVG.path(
            .class("curve \(kind)"), .d(Chart.path(points.map { (plot.x($0.step), plot.y($0.value)) })))
    }

    /// At most `limit` points, each the mean of as many neighbours; long runs must not fill the page.
    static func thinned(_ points: [Point], to limit: Int = 240) -> [Point] {
        guard points.count > limit else { return points }
        return (0..<limit).map { bucket in
            let part = points[(bucket * points.count / limit)..<((bucket + 1) * points.count / limit)]
            let count = Double(part.count)
            return Point(
                step: part.reduce(0) { $0 + $1.step } / count, value: part.reduce(0) { $0 + $1.value } / count
            )
        }
    }

    /// The mean over repetitions at the steps that all of them reached.
    static func mean(of runs: [[Point]]) -> [Point] {
        let tables = runs.map {
            Dictionary($0.map { ($0.step, $0.value) }, uniquingKeysWith: { _, last in last })
        }
        guard let first = tables.first else { return [] }
        return first.keys.sorted().compactMap { step in
            let values = tables.compactMap { $0[step] }
            guard values.count == tables.count else { return nil }
            return Point(step: step, value: values.reduce(0, +) / Double(values.count))
        }
    }
}
