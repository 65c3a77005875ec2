import Report

/// How many images have which similarity, with the line below which a threshold would drop them.
struct SimilarityChart {
    let set: InspectedSet
    let summary: SimilaritySummary
    let threshold: Double?

    /// For wide screens, and for phones: a drawing that shrinks takes its letters with it.
    private static let sizes = [
        (name: "wide", width: 1020.0, height: 250.0), (name: "narrow", width: 420.0, height: 240.0),
    ]

    var markup: Markup {
        let others = others
        let peak = max(summary.counts.max() ?? 0, 1) / Double(max(set.table.count, 1))
        let top = max(peak, others.map { $0.values.max() ?? 0 }.max() ?? 0)
        let edges = others.flatMap { [$0.edges[0], $0.edges[$0.edges.count - 1]] }
        let domain = Interval(
            min(summary.edges[0], edges.min() ?? 1),
            max(summary.edges[summary.edges.count - 1], edges.max() ?? -1))
        return HTML.figure(.class("chart"), .id("similarity")) {
            Chart.legend(
                [("this set (\(Format.count(set.table.count)))", 0)] + others.map { ($0.name, $0.color) })
            for size in Self.sizes {
                drawing(size.name, domain, top, others) { x, y in
                    Plot(width: size.width, height: size.height, x: x, y: y)
                }
            }
        }
    }

    private func drawing(
        _ name: String, _ domain: Interval, _ top: Double, _ others: [Other],
        _ make: ((Interval) -> Scale, (Interval) -> Scale) -> Plot
    ) -> Markup {
        let plot = make({ Scale(domain, to: $0) }, { Scale(Interval(0, top * 1.06), to: $0) })
        return HTML.div(
            .class("plot \(name)"), .data("low", "\(domain.low)"), .data("high", "\(domain.high)"),
            .data("left", "\(plot.x.range.low / plot.width)"),
            .data("right", "\(plot.x.range.high / plot.width)")
        ) {
            plot.drawing(
                "Similarity to the query", xTitle: "cosine similarity to the query",
                yFormat: { Format.percent($0, 0) }, xTicks: name == "wide" ? 8 : 4
            ) {
                SVG.path(.class("s0 curve mean filled"), .d(outline(plot)))
                for other in others {
                    SVG.path(.class("\(Chart.color(other.color)) curve mean"), .d(outline(other, plot)))
                }
                if let threshold {
                    let x = plot.x(min(max(threshold, domain.low), domain.high))
                    SVG.rect(
                        .class("below"), .x(plot.x.range.low), .y(plot.y.range.high),
                        .width(max(0, x - plot.x.range.low)),
                        .height(plot.y.range.low - plot.y.range.high))
                    SVG.line(
                        .class("threshold"), .x1(x), .x2(x), .y1(plot.y.range.high),
                        .y2(plot.y.range.low))
                }
            }
        }
    }

    private struct Other {
        let name: String
        let color: Int
        let edges: [Double]
        let values: [Double]
    }

    /// The distributions that curation has measured, each scaled to its own total and to the chart's bins.
    private var others: [Other] {
        guard let counts = set.similarity, counts.edges.count > 1 else { return [] }
        let all: [(String, Int, [Double]?)] = [
            ("candidates", 2, counts.candidates), ("random pool", 3, counts.randomPool),
            ("test", 1, counts.test),
        ]
        let ownWidth = summary.edges[1] - summary.edges[0]
        return all.compactMap { name, color, values in
            guard let values, values.count == counts.edges.count - 1,
                let first = values.firstIndex(where: { $0 > 0 }),
                let last = values.lastIndex(where: { $0 > 0 })
            else { return nil }
            let total = values.reduce(0, +)
            // Shares per bin depend on the bins' width: scaled as if all had the set's.
            let scaled = (first...last).map { bin in
                values[bin] / total * ownWidth / max(counts.edges[bin + 1] - counts.edges[bin], 1e-9)
            }
            return Other(
                name: name, color: color, edges: Array(counts.edges[first...(last + 1)]), values: scaled)
        }
    }

    private func outline(_ plot: Plot) -> String {
        let total = Double(max(set.table.count, 1))
        return steps(summary.edges, summary.counts.map { $0 / total }, plot)
    }

    private func outline(_ other: Other, _ plot: Plot) -> String { steps(other.edges, other.values, plot) }

    private func steps(_ edges: [Double], _ values: [Double], _ plot: Plot) -> String {
        var points = [(x: plot.x(edges[0]), y: plot.y(0))]
        for (bin, value) in values.enumerated() {
            points.append((plot.x(edges[bin]), plot.y(value)))
            points.append((plot.x(edges[bin + 1]), plot.y(value)))
        }
        points.append((plot.x(edges[values.count]), plot.y(0)))
        return Chart.path(points)
    }
}
