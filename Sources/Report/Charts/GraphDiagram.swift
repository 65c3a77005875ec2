/// The pipeline as a graph, one box per family, coloured by what became of it.
///
/// A source that many stages read, such as the labelled data set, would cover the graph with lines: its readers
/// carry its mark instead.
struct GraphDiagram {
    private let families: [ReportedRun.Family]
    private let index: [String: Int]
    /// Sources that are drawn as marks, by their colour.
    private let marks: [Int: Int]

    private let column = 176.0
    private let layer = 66.0
    private let box = (width: 160.0, height: 40.0)

    /// Whether there was a run, so that boxes say what became of them.
    private let hasStates: Bool

    init(families: [ReportedRun.Family], hasStates: Bool = true) {
        self.families = families
        self.hasStates = hasStates
        let index = Dictionary(
            families.enumerated().map { ($0.element.name, $0.offset) },
            uniquingKeysWith: { first, _ in first })
        self.index = index
        let readers = families.flatMap(\.inputs).compactMap { index[$0] }
        let shared = families.indices.filter { node in
            families[node].inputs.isEmpty && readers.count { $0 == node } > 3
        }
        marks = Dictionary(
            shared.enumerated().map { ($0.element, $0.offset + 1) }, uniquingKeysWith: { first, _ in first })
    }

    var markup: Markup {
        let drawing = drawing
        return Chart.drawing(Self.label, width: drawing.width, height: drawing.height) { drawing.content }
    }

    /// The drawing as an SVG file of its own, with its fonts and colours.
    var file: String {
        let drawing = drawing
        let size = [drawing.width, drawing.height].map(Format.coordinate).joined(separator: " ")
        return SVG.svg(
            Attribute("xmlns", "http://www.w3.org/2000/svg"), Attribute("viewBox", "0 0 \(size)"),
            .width(drawing.width), .height(drawing.height), Attribute("role", "img"),
            Attribute("aria-label", Self.label)
        ) {
            SVG.style { Markup.verbatim(Self.style) }
            SVG.rect(.class("paper"), .width(drawing.width), .height(drawing.height))
            drawing.content
        }.rendered
    }

    private static let label = "The pipeline's stages and what they read"

    /// What the page's style sheet says of such a drawing in a light room, in words that every viewer of SVG knows.
    private static let style: StaticString = """
        text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Inter,"Liberation Sans",sans-serif}
        .paper{fill:#f7f5f1}.edge{fill:none;stroke:#8b9098;stroke-opacity:.55;stroke-width:1.3}
        .card{fill:#fffefc;stroke:#e3dfd6}.shadow{fill:#f7f5f1}.stripe{fill:#8b9098}
        .title{font-weight:bold;font-size:12.5px;fill:#1f2126}.detail{font-size:11px;fill:#757a83}
        .source circle{fill:#fffefc;stroke-width:1.2}.source text{font-size:9.5px;font-weight:bold}
        .s0 circle{stroke:#b9562c}.s1 circle{stroke:#1f7d76}.s2 circle{stroke:#4a5fb0}.s3 circle{stroke:#b08a14}
        .s4 circle{stroke:#8d4a8a}.s5 circle{stroke:#64802b}.s6 circle{stroke:#5f7082}.s7 circle{stroke:#c4506f}
        .s0 text{fill:#b9562c}.s1 text{fill:#1f7d76}.s2 text{fill:#4a5fb0}.s3 text{fill:#b08a14}
        .s4 text{fill:#8d4a8a}.s5 text{fill:#64802b}.s6 text{fill:#5f7082}.s7 text{fill:#c4506f}
        """

    private var drawing: (content: Markup, width: Double, height: Double) {
        let edges = families.enumerated().flatMap { target, family in
            family.inputs.compactMap { index[$0] }.filter { $0 < target && marks[$0] == nil }
                .map { GraphLayout.Edge(from: $0, to: target) }
        }
        let layout = GraphLayout(nodeCount: families.count, edges: edges)
        let place = { (node: Int) -> (x: Double, y: Double) in
            (
                4 + column * layout.position[node].x,
                6 + layer * Double(layout.position[node].layer) + box.height / 2
            )
        }
        let lines = layout.routes.map { SVG.path(.class("edge"), .d(curve($0.map(place)))) }
        let boxes = families.enumerated().map { node, family in draw(node, family, at: place(node)) }
        return (
            .group(lines + boxes), column * layout.columnCount + 8,
            layer * Double(layout.layerCount - 1) + box.height + 12
        )
    }

    /// A line that leaves and reaches boxes vertically.
    private func curve(_ points: [(x: Double, y: Double)]) -> String {
        let half = box.height / 2
        var path = "M\(Format.coordinate(points[0].x)) \(Format.coordinate(points[0].y + half))"
        for (position, point) in points.enumerated().dropFirst() {
            let previous = points[position - 1]
            let from = previous.y + (position == 1 ? half : 0)
            let to = point.y - (position == points.count - 1 ? half : 0)
            let middle = (from + to) / 2
            let numbers = [previous.x, middle, point.x, middle, point.x, to]
            path += "C" + numbers.map(Format.coordinate).joined(separator: " ")
        }
        return path
    }

    private func draw(_ node: Int, _ family: ReportedRun.Family, at centre: (x: Double, y: Double)) -> Markup
    {
        let left = centre.x - box.width / 2
        let top = centre.y - box.height / 2
        let count = family.nodes.count > 1 ? " ×\(family.nodes.count)" : ""
        let time = family.seconds > 0 ? " · \(Format.duration(family.seconds))" : ""
        return SVG.g(.class(hasStates ? "node state-\(family.state.rawValue)" : "node")) {
            SVG.title { tooltip(family) }
            if family.nodes.count > 1 {
                SVG.rect(
                    .class("card shadow"), .x(left + 4), .y(top - 4), .width(box.width - 8),
                    .height(box.height),
                    .rx(7))
            }
            SVG.rect(.class("card"), .x(left), .y(top), .width(box.width), .height(box.height), .rx(7))
            SVG.rect(.class("stripe"), .x(left), .y(top + 8), .width(4), .height(box.height - 16), .rx(2))
            Chart.label(
                family.name, left + 13, top + 17, .start, "title",
                width: box.width - 14 - (count.isEmpty ? 0 : 34))
            if !count.isEmpty { Chart.text(count, left + box.width - 8, top + 17, .end, "detail") }
            Chart.text(family.stage + time, left + 13, top + 32, .start, "detail")
            for (position, source) in shown(node, family).enumerated() {
                mark(source, x: left + box.width - 12 - 17 * Double(position), y: top + box.height - 11)
            }
        }
    }

    /// The marks of a box: its own, or those of the shared sources it reads.
    private func shown(_ node: Int, _ family: ReportedRun.Family) -> [Int] {
        if marks[node] != nil { return [node] }
        return family.inputs.compactMap { index[$0] }.filter { marks[$0] != nil }
    }

    private func mark(_ source: Int, x: Double, y: Double) -> Markup {
        SVG.g(.class("source \(Chart.color(marks[source] ?? 0))")) {
            SVG.title { "reads \(families[source].name)" }
            SVG.circle(.cx(x), .cy(y), .r(7))
            Chart.text(String(families[source].name.prefix(1)), x, y + 3.5, .middle)
        }
    }

    private func tooltip(_ family: ReportedRun.Family) -> String {
        guard hasStates else { return family.nodes.map(\.name).joined(separator: "\n") }
        return family.nodes.map { node in
            "\(node.name): \(node.state.rawValue)" + (node.reason.isEmpty ? "" : " (\(node.reason))")
        }.joined(separator: "\n")
    }
}

extension RunReport {
    /// A pipeline that need not have run as an SVG file, drawn like the stages of a report; nodes stand after those they
    /// read.
    public static func graph(of nodes: [ReportedRun.Node]) -> String {
        GraphDiagram(families: ReportedRun.families(of: nodes), hasStates: false).file
    }
}
