/// The graph, the time line, and a row for every node.
struct PipelineSection {
    private let contents: RunContents

    init(_ contents: RunContents) { self.contents = contents }

    var markup: Markup {
        let run = contents.run
        let states = ReportedRun.Node.State.allCases.filter { state in
            run.nodes.contains { $0.state == state }
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
            rows: rows.map { nodes in
                let node = nodes[0]
                return [
                    nodes.count == 1
                        ? HTML.strong { node.name }
                        : .group([HTML.strong { node.baseName }, .text(" ×\(nodes.count)")]),
                    .text(node.stage), Block.badge(node.state.rawValue, node.state.rawValue),
                    .text(node.reason),
                    .text(time(nodes)),
                    HTML.code {
                        nodes.count == 1 ? String((contents.records[node.name]?.key ?? "").prefix(10)) : ""
                    },
                ]
            })
    }

    /// Nodes in the order of the run; points of one matrix that fared alike share a row.
    private var rows: [[ReportedRun.Node]] {
        contents.run.families.flatMap { family in
            family.nodes.reduce(into: [[ReportedRun.Node]]()) { rows, node in
                let place = rows.firstIndex { $0[0].state == node.state && $0[0].reason == node.reason }
                if let place, node.error == nil { rows[place].append(node) } else { rows.append([node]) }
            }
        }
    }

    /// The time in this run; in brackets the time it took when the artifact was made.
    private func time(_ nodes: [ReportedRun.Node]) -> String {
        let now = nodes.compactMap(\.seconds)
        if !now.isEmpty { return Format.duration(now.reduce(0, +)) }
        let then = nodes.compactMap { contents.records[$0.name]?.timings?.seconds }
        return then.isEmpty ? "–" : "(\(Format.duration(then.reduce(0, +))))"
    }
}
