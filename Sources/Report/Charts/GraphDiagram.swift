/// The pipeline as a graph, one box per family, coloured by what became of it.
struct GraphDiagram {
    var families: [RunSummary.Family]

    private let column = 158.0
    private let layer = 66.0
    private let box = (width: 144.0, height: 40.0)

    var markup: Markup {
        let index = Dictionary(
            families.enumerated().map { ($0.element.name, $0.offset) },
            uniquingKeysWith: { first, _ in first })
        let edges = families.enumerated().flatMap { target, family in
            family.inputs.compactMap { index[$0] }.filter { $0 < target }
                .map { GraphLayout.Edge(from: $0, to: target) }
        }
        let layout = GraphLayout(nodeCount: families.count, edges: edges)
        let place = { (node: Int) -> (x: Double, y: Double) in
            (
                4 + column * layout.position[node].x,
                4 + layer * Double(layout.position[node].layer) + box.height / 2
            )
        }
        return Chart.drawing(
            "The pipeline's stages and what they read", width: column * layout.columnCount + 8,
            height: layer * Double(layout.layerCount - 1) + box.height + 8
        ) {
            for route in layout.routes { SVG.path(.class("edge"), .d(curve(route.map(place)))) }
            for (node, family) in families.enumerated() { draw(family, at: place(node)) }
        }
    }

    /// A line that leaves and reaches boxes vertically.
    private func curve(_ points: [(x: Double, y: Double)]) -> String {
        var path = ""
        for (position, point) in points.enumerated() {
            if position == 0 {
                path = "M\(Format.coordinate(point.x)) \(Format.coordinate(point.y + box.height / 2))"
                continue
            }
            let previous = points[position - 1]
            let from = previous.y + (position == 1 ? box.height / 2 : 0)
            let to = point.y - (position == points.count - 1 ? box.height / 2 : 0)
            let middle = (from + to) / 2
            path +=
                "C"
                + [previous.x, middle, point.x, middle, point.x, to].map(Format.coordinate).joined(
                    separator: " ")
        }
        return path
    }

    private func draw(_ family: RunSummary.Family, at centre: (x: Double, y: Double)) -> Markup {
        let left = centre.x - box.width / 2
        let top = centre.y - box.height / 2
        let count = family.nodes.count > 1 ? " ×\(family.nodes.count)" : ""
        return SVG.g(.class("node state-\(family.state.rawValue)")) {
            SVG.title { tooltip(family) }
            if family.nodes.count > 1 {
                SVG.rect(
                    .class("card shadow"), .x(left + 4), .y(top - 3), .width(box.width - 4),
                    .height(box.height), .rx(7))
            }
            SVG.rect(.class("card"), .x(left), .y(top), .width(box.width), .height(box.height), .rx(7))
            SVG.rect(.class("stripe"), .x(left), .y(top + 8), .width(4), .height(box.height - 16), .rx(2))
            Chart.label(family.name + count, left + 13, top + 17, .start, "title", width: box.width - 14)
            Chart.label(
                family.seconds > 0 ? "\(family.stage) · \(Format.duration(family.seconds))" : family.stage,
                left + 13, top + 32, .start, "detail", width: box.width - 10)
        }
    }

    private func tooltip(_ family: RunSummary.Family) -> String {
        family.nodes.map { node in
            "\(node.name): \(node.state.rawValue)" + (node.reason.isEmpty ? "" : " (\(node.reason))")
        }.joined(separator: "\n")
    }
}
