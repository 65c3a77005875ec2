import Engine
import Foundation
import Stages
import Training

/// What each transfer set of an ablation is worth.
struct AblationTable: Encodable {
    /// One transfer set and its students.
    struct Row: Encodable {
        var evaluation: String
        /// The students: `student[strategy=random,size=1000]`.
        var arm: String
        /// The strategy, the size and what else was varied.
        var point: [String: String]
        /// The images of the transfer set; nil for an arm without one.
        var images: Int?
        var top1: Double
        var ci95: [Double]?
        var seeds: Int
        /// How sure the teacher is of the transfer set.
        var confidence: TeacherConfidence?
    }

    var run: String
    var rows: [Row] = []

    init(_ result: RunResult, _ graph: Graph, curation: String, confident: Double) throws {
        run = result.run
        func artifact(_ node: Graph.Node) -> URL? {
            result.stages[node.name]?.artifact.map { URL(filePath: $0) }
        }
        var confidences: [URL: TeacherConfidence?] = [:]
        for node in graph.nodes where node.kind.description == Evaluation.kind || node.spec.uses == "evaluate"
        {
            guard let folder = artifact(node) else { continue }
            let location = ArtifactLocation(
                directory: folder, node: node.name, store: folder.deletingLastPathComponent())
            let figures = try Evaluation(location).figures()
            for group in figures.groups {
                let model = node.inputs.first {
                    $0.input == "models" && Graph.Node.family(of: graph.nodes[$0.producer].name) == group.name
                }?.producer
                let upstream = model.map { Self.upstream(of: $0, in: graph) } ?? []
                let set = upstream.first { graph.nodes[$0].spec.name == curation }
                let labels = upstream.first { index in
                    graph.nodes[index].spec.uses == "label"
                        && set.map { Self.upstream(of: index, in: graph).contains($0) } == true
                }
                var confidence: TeacherConfidence?
                if let folder = labels.flatMap({ artifact(graph.nodes[$0]) }) {
                    confidence =
                        try confidences[folder] ?? TeacherConfidence(labels: folder, threshold: confident)
                    confidences[folder] = confidence
                }
                rows.append(
                    Row(
                        evaluation: node.name, arm: group.name,
                        point: set.map { graph.nodes[$0].matrix } ?? [:],
                        images: try set.flatMap { artifact(graph.nodes[$0]) }.map { folder in
                            try ArtifactRecord.read(at: folder).counts["selected"] ?? 0
                        }, top1: group.mean, ci95: group.ci95, seeds: group.values.count,
                        confidence: confidence))
            }
        }
    }

    /// The nodes that a node is made from, itself included.
    private static func upstream(of node: Int, in graph: Graph) -> Set<Int> {
        var found: Set<Int> = [node]
        var open = [node]
        while let next = open.popLast() {
            for edge in graph.nodes[next].inputs where found.insert(edge.producer).inserted {
                open.append(edge.producer)
            }
        }
        return found
    }

    func lines(_ style: TextStyle) -> [String] {
        var table = TextTable()
        let heads = ["transfer set", "images", "top-1", "95 % interval", "seeds", "teacher sure of"]
        table.add(
            TextTable.Cell(heads[0], style.dim), TextTable.Cell(heads[1], style.dim),
            TextTable.Cell(heads[2], style.dim), TextTable.Cell(heads[3], style.dim),
            TextTable.Cell(heads[4], style.dim), TextTable.Cell(heads[5], style.dim))
        for row in rows {
            let name =
                row.point.isEmpty
                ? row.arm
                : row.point.sorted { $0.key > $1.key }.map(\.value).joined(separator: " ")
            table.add(
                "\(name)", "\(row.images.map(String.init) ?? "–")",
                "\(String(format: "%.1f %%", 100 * row.top1))",
                "\(row.ci95.map { String(format: "[%.1f, %.1f]", 100 * $0[0], 100 * $0[1]) } ?? "–")",
                "\(row.seeds)",
                "\(row.confidence.map { String(format: "%.1f %%", 100 * $0.share) } ?? "–")")
        }
        var lines = table.lines()
        if let confidence = rows.compactMap(\.confidence).first {
            lines.append(
                style.dim(
                    "sure: a probability of \(confidence.threshold) or more, mean over views; a stand-in for the share on the domain"
                ))
        }
        return lines
    }
}
