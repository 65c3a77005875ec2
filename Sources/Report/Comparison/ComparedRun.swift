import Engine
import Foundation

/// What a comparison keeps of a run; the rest of what its artifacts hold is let go, so that many runs fit.
struct ComparedRun {
    /// A transfer set.
    struct TransferSet {
        var ids: Set<String>
        var meanSimilarity: Double?
    }

    /// A letter, by which tables name the run.
    let label: String
    let run: ReportedRun
    /// The rows of `metrics.jsonl` about loss and accuracy, by node.
    private(set) var curves: [String: [MetricRow]] = [:]
    /// The seconds in which artifacts were made, in this run or before it, by node.
    private(set) var seconds: [String: Double] = [:]
    /// The digests of artifacts, by node.
    private(set) var digests: [String: String] = [:]
    /// The evaluations, those of one family together, in the order of the run.
    private(set) var evaluations: [MeasuredEvaluation] = []
    /// The transfer sets, in the order of the run.
    private(set) var transferSets: [(node: String, set: TransferSet)] = []
    /// What could not be read.
    private(set) var unreadable: [String] = []

    init(_ run: ReportedRun, label: String) {
        self.run = run
        self.label = label
        for node in run.nodes {
            guard let url = node.artifact else { continue }
            do {
                try read(node, ArtifactFolder(url: url))
            } catch {
                unreadable.append("\(node.name): \(error)")
            }
        }
    }

    /// The letter or letters of a number: `A` to `Z`, then `AA`.
    static func label(_ number: Int) -> String {
        let letter = String(UnicodeScalar(UInt8(ascii: "A") + UInt8(number % 26)))
        return number < 26 ? letter : label(number / 26 - 1) + letter
    }

    private mutating func read(_ node: ReportedRun.Node, _ folder: ArtifactFolder) throws {
        let facts: ArtifactFacts? = try folder.json("artifact.json")
        let rows: [MetricRow] = try folder.rows("metrics.jsonl", isRecord: true) ?? []
        curves[node.name] = rows.filter { MetricKind($0.name) <= .accuracy }
        guard node.state.isDone else { return }
        seconds[node.name] = node.seconds ?? facts?.timings?.seconds
        digests[node.name] = facts?.digest
        if facts?.kind == "transfer-set" {
            let rows: [TransferRow] = try folder.rows("transfer-set.jsonl") ?? []
            let similarities = rows.compactMap(\.similarity)
            let mean = similarities.reduce(0, +) / Double(max(1, similarities.count))
            transferSets.append(
                (
                    node.name,
                    TransferSet(ids: Set(rows.map(\.id)), meanSimilarity: similarities.isEmpty ? nil : mean)
                ))
        } else if facts?.kind?.hasSuffix("evaluation") == true,
            let json = try folder.json("metrics.json", as: JSON.self),
            let evaluation = MeasuredEvaluation(json, of: node)
        {
            if let index = evaluations.firstIndex(where: { $0.node == evaluation.node }) {
                evaluations[index].merge(evaluation)
            } else {
                evaluations.append(evaluation)
            }
        }
    }

    /// The seconds that everything took to make, whenever that was.
    var work: Double { run.nodes.reduce(0) { $0 + (seconds[$1.name] ?? $1.seconds ?? 0) } }

    /// The nodes of a family.
    func nodes(of family: String) -> [ReportedRun.Node] { run.nodes.filter { $0.baseName == family } }

    /// What tells the artifacts of a family from another run's; nil where one was not made.
    func identity(of family: String) -> String? {
        let found = nodes(of: family).map { digests[$0.name] }
        let known = found.compactMap(\.self)
        return known.isEmpty || known.count < found.count ? nil : known.joined(separator: " ")
    }
}
