import Foundation
import FoundationXML
import Testing

@testable import Report

@Suite struct ChartTests {
    @Test func `a scale covers its values with round ticks`() {
        let scale = Scale(covering: [0.412, 0.493], to: Interval(0, 100), tickCount: 5)
        #expect(scale.ticks(5).map { ($0 * 100).rounded() } == [40, 42, 44, 46, 48, 50])
        #expect(scale(0.4).rounded() == 0)
        #expect(scale(0.5).rounded() == 100)
    }

    @Test(arguments: [[], [5], [5, 5], [.nan, 3], [-1e-12, 1e-12]] as [[Double]])
    func `a scale of next to nothing is still a scale`(values: [Double]) {
        let scale = Scale(covering: values, to: Interval(0, 100))
        #expect(scale(3).isFinite)
        #expect(scale.ticks().count < 20)
    }

    @Test func `a curve breaks where the loss is not a number`() {
        #expect(Chart.path([(0, 1), (1, .nan), (2, 3), (3, 4)]) == "M0 1M2 3L3 4")
    }

    @Test func `a long curve is thinned to means`() {
        let points = (0..<10_000).map {
            LineChart.Point(step: Double($0), value: $0.isMultiple(of: 2) ? 0 : 1)
        }
        let thinned = LineChart.thinned(points, to: 100)
        #expect(thinned.count == 100)
        #expect(thinned.allSatisfy { $0.value == 0.5 })
        #expect(thinned[0].step == 49.5)
    }

    @Test func `the mean curve goes as far as every run`() {
        let runs = [[1.0, 2, 3], [3.0, 4]].map { values in
            values.enumerated().map { LineChart.Point(step: Double($0.offset), value: $0.element) }
        }
        #expect(LineChart.mean(of: runs).map(\.value) == [2, 3])
    }

    @Test func `a reference outside a forest plot is named at its edge`() {
        let plot = ForestPlot(
            title: "t", rows: [.init(name: "arm", values: [0.41, 0.42], mean: 0.415, note: "41.5")],
            references: [.init(label: "floor 5 %", value: 0.05), .init(label: "near", value: 0.42)],
            xTitle: "x",
            format: Format.short)
        let drawing = plot.markup.rendered
        #expect(drawing.contains("◂ floor 5 %"))
        #expect(drawing.contains(">near<"))
    }

    @Test func `a graph is drawn in layers without edges that lead upwards`() {
        // 0 → 1 → 3 → 4 and 0 → 2 → 4, with 0 → 4 passing two layers.
        let edges = [(0, 1), (1, 3), (3, 4), (0, 2), (2, 4), (0, 4)].map {
            GraphLayout.Edge(from: $0.0, to: $0.1)
        }
        let layout = GraphLayout(nodeCount: 5, edges: edges)
        #expect(layout.layerCount == 4)
        for (edge, route) in zip(edges, layout.routes) {
            #expect(route.first == edge.from && route.last == edge.to)
            let layers = route.map { layout.position[$0].layer }
            #expect(zip(layers, layers.dropFirst()).allSatisfy { $1 == $0 + 1 })
        }
        for layer in 0..<layout.layerCount {
            let places = (0..<5).filter { layout.position[$0].layer == layer }.map { layout.position[$0].x }
                .sorted()
            #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 0.999 }, "boxes overlap")
        }
    }

    @Test func `a graph of nodes without edges is one row`() {
        let layout = GraphLayout(nodeCount: 3, edges: [])
        #expect(layout.layerCount == 1)
        #expect(layout.columnCount == 3)
    }

    @Test func `long names lose their middle and keep it on hover`() {
        let label = Chart.label("distill-oriented-balanced", 0, 0, width: 100).rendered
        #expect(label.contains("<title>distill-oriented-balanced</title>distil…alanced"))
    }

    @Test func `a graph is a picture of its own`() throws {
        var nodes = [ReportedRun.Node(name: "food <1>", stage: "imagefolder", state: .pending)]
        for seed in 0..<4 {
            nodes.append(
                ReportedRun.Node(
                    name: "student[seed=\(seed)]", stage: "distill", state: .pending, inputs: ["food <1>"]))
        }
        let svg = RunReport.graph(of: nodes)
        #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "))
        #expect(svg.contains("food &lt;1&gt;") && svg.contains(" ×4</text>"))
        // Nothing that only a page's style sheet knows, and no state where there was no run.
        #expect(!svg.contains("var(") && !svg.contains("pending") && !svg.contains("href"))
        let parser = XMLParser(data: Data(svg.utf8))
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
    }
}
