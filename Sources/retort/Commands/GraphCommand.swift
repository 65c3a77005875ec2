import ArgumentParser
import Engine
import Foundation
import Report

/// Draws the graph of a pipeline.
struct GraphCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph", abstract: "Show which stage reads what.")

    /// The notations a graph can be written in.
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, mermaid, dot, svg }

    @Option(help: "text, mermaid (for Markdown), dot (for Graphviz) or svg (a picture).") var format = Format
        .text
    @OptionGroup var pipeline: PipelineOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let graph = try pipeline.graph()
        if global.json { return try console.print(json: graph.nodes.map { NodeRow($0, in: graph) }) }
        switch format {
        case .text: text(graph, console)
        case .mermaid: console.print(mermaid(graph))
        case .dot: console.print(dot(graph))
        case .svg: console.print(svg(graph))
        }
    }

    /// A node for programs.
    private struct NodeRow: Codable {
        struct Input: Codable {
            var name: String
            var node: String
            var selector: String?
        }
        var name: String
        var stage: String
        var kind: String
        var inputs: [Input]

        init(_ node: Graph.Node, in graph: Graph) {
            name = node.name
            stage = node.kind.description
            kind = node.schema.output
            inputs = node.inputs.map { edge in
                Input(name: edge.input, node: graph.nodes[edge.producer].name, selector: edge.selector)
            }
        }
    }

    private func text(_ graph: Graph, _ console: Console) {
        var table = TextTable()
        for node in graph.nodes {
            let sources = node.inputs.map { edge in
                graph.nodes[edge.producer].name + (edge.selector.map { "." + $0 } ?? "")
            }
            table.add(
                TextTable.Cell(node.name, console.style.bold),
                TextTable.Cell(node.kind.description, console.style.cyan),
                "\(sources.isEmpty ? "" : "← " + sources.joined(separator: ", "))")
        }
        for line in table.lines() { console.print(line) }
    }

    private func svg(_ graph: Graph) -> String {
        RunReport.graph(
            of: graph.nodes.map { node in
                ReportedRun.Node(
                    name: node.name, stage: node.kind.description, state: .pending,
                    inputs: node.inputs.map { graph.nodes[$0.producer].name })
            })
    }

    private func mermaid(_ graph: Graph) -> String {
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "#amp;").replacing("\"", with: "#quot;").replacing("<", with: "#lt;")
                .replacing("\n", with: " ")
        }
        var lines = ["flowchart LR"]
        for (index, node) in graph.nodes.enumerated() {
            lines.append("    n\(index)[\"\(escaped(node.name))<br/><i>\(node.kind)</i>\"]")
        }
        for (index, node) in graph.nodes.enumerated() {
            for edge in node.inputs {
                let label = edge.selector.map { "|\($0)|" } ?? ""
                lines.append("    n\(edge.producer) -->\(label) n\(index)")
            }
        }
        return lines.joined(separator: "\n")
    }

    private func dot(_ graph: Graph) -> String {
        func quoted(_ text: String) -> String {
            "\""
                + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
                    "\n", with: "\\n") + "\""
        }
        var lines = ["digraph \(quoted(graph.spec.name)) {", "    rankdir=LR; node [shape=box];"]
        for node in graph.nodes {
            lines.append("    \(quoted(node.name)) [label=\(quoted("\(node.name)\n\(node.kind)"))];")
        }
        for node in graph.nodes {
            for edge in node.inputs {
                let label = edge.selector.map { " [label=\(quoted($0))]" } ?? ""
                lines.append(
                    "    \(quoted(graph.nodes[edge.producer].name)) -> \(quoted(node.name))\(label);")
            }
        }
        return (lines + ["}"]).joined(separator: "\n")
    }
}
