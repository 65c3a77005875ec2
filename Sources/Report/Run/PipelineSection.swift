/// The graph, the time line, and a row for every node.
struct PipelineSection {
    private let contents: RunContents

    init(_ contents: RunContents) { self.contents = contents }

    var markup: Markup {
        let run = contents.run
        let states = RunSummary.Node.State.allCases.filter { state in run.nodes.contains { $0.state == state }
        }
        return .group([
            Block.card("Stages") {
                HTML.div(.class("states")) {
                    for state in states {
                        let count = run.nodes.filter { $0.state == state }.count
                        HTML.span(.class("state-\(state.rawValue)")) { "\(count) \(state.rawValue)" }
                    }
                }
                HTML.div(.class("scroll graph")) { GraphDiagram(families: run.families).markup }
            },
            Block.card("Time line") { GanttChart(run: run).markup },
            Block.card("Why each stage ran or did not") { table },
        ])
    }

    private var table: Markup {
        Block.table(
            ["stage", "kind", "state", "reason", "time", "key"], numeric: [4],
            rows: contents.run.nodes.map { node in
                let record = contents.records[node.name]
                return [
                    HTML.strong { node.name }, .text(node.stage),
                    Block.badge(node.state.rawValue, node.state.rawValue), .text(node.reason),
                    .text(time(node, record)), HTML.code { String((record?.key ?? "").prefix(10)) },
                ]
            })
    }

    private func time(_ node: RunSummary.Node, _ record: ArtifactFacts?) -> String {
        if let seconds = node.seconds { return Format.duration(seconds) }
        return record?.timings?.seconds.map { "(\(Format.duration($0)))" } ?? "–"
    }
}
