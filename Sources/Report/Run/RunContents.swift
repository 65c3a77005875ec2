import Diagnostics
import Engine
import Foundation
import Stages

/// A run together with what its artifacts' folders hold; what cannot be read is listed, not fatal, because the
/// report of a failed run is the one that matters most.
struct RunContents {
    let run: ReportedRun
    private(set) var records: [String: ArtifactFacts] = [:]
    private(set) var metrics: [String: [MetricRow]] = [:]
    private(set) var transferSets: [(node: String, files: TransferSetFiles)] = []
    private(set) var evaluations: [(node: String, files: EvaluationFiles)] = []
    private(set) var taskEvaluations: [(node: String, figures: TaskEvaluationFigures)] = []
    private(set) var clipEvaluations: [(node: String, figures: CLIPFigures)] = []
    private(set) var claims = ExpertClaims([])
    private(set) var denseLabels: [DenseLabelSet] = []
    private(set) var unreadable: [String] = []

    init(_ run: ReportedRun) {
        self.run = run
        for node in run.nodes {
            guard let url = node.artifact else { continue }
            do {
                try read(node, ArtifactFolder(url: url))
            } catch {
                unreadable.append("\(node.name): \(error)")
            }
        }
        taskEvaluations = TaskEvaluationFigures.pooled(taskEvaluations)
        clipEvaluations = CLIPFigures.pooled(clipEvaluations)
        guard !taskEvaluations.isEmpty else { return }
        claims = ExpertClaims(
            run.nodes.filter(\.state.isDone).compactMap { node in node.artifact.map { (node.name, $0) } })
    }

    private mutating func read(_ node: ReportedRun.Node, _ folder: ArtifactFolder) throws {
        metrics[node.name] = try folder.rows("metrics.jsonl", isRecord: true)
        records[node.name] = try folder.json("artifact.json")
        // A folder in work holds content that no later stage will ever see.
        guard node.state.isDone else { return }
        let kind = records[node.name]?.kind
        if kind == "transfer-set" || (kind == nil && holds("transfer-set.jsonl", folder)) {
            transferSets.append((node.name, try TransferSetFiles(folder.url)))
        } else if kind == DenseLabelSet.kind {
            denseLabels.append(
                try DenseLabelSet(
                    ArtifactLocation(
                        directory: folder.url, node: node.name, store: folder.url.deletingLastPathComponent())
                ))
        } else if kind == TaskEvaluation.kind {
            let figures = try folder.json("metrics.json", as: TaskEvaluationFigures.self)
            if let figures { taskEvaluations.append((node.name, figures)) }
        } else if kind == CLIPEvaluation.kind {
            let figures = try folder.json("metrics.json", as: CLIPFigures.self)
            if let figures { clipEvaluations.append((node.name, figures)) }
        } else if kind == "evaluation" || kind == nil, let evaluation = try EvaluationFiles(folder.url) {
            evaluations.append((node.name, evaluation))
        }
    }

    private func holds(_ name: String, _ folder: ArtifactFolder) -> Bool {
        FileManager.default.fileExists(atPath: folder.url.appending(path: name).path)
    }

    /// The evaluation that decides: the last one that compares arms, else the last one.
    var decisive: (node: String, files: EvaluationFiles)? {
        evaluations.last { !($0.files.metrics.groups ?? []).isEmpty } ?? evaluations.last
    }

    /// What the last evaluation on masks found.
    var intersectionOverUnion: (node: String, value: String)? {
        run.nodes.last { records[$0.name]?.kind == "segmentation-evaluation" }.flatMap { node in
            records[node.name]?.facts?["miou"].map { (node.name, $0.description) }
        }
    }

    /// The transfer set that the best arm learned from; else the first one.
    var principalTransferSet: (node: String, files: TransferSetFiles)? {
        let model = decisive.flatMap { $0.files.metrics.bestModels.first }
        let ancestors = model.map(ancestors(of:)) ?? []
        return transferSets.last { ancestors.contains($0.node) } ?? transferSets.first
    }

    /// Every node that a node was made from.
    func ancestors(of node: String) -> Set<String> {
        let inputs = Dictionary(
            run.nodes.map { ($0.name, $0.inputs) }, uniquingKeysWith: { first, _ in first })
        var found: Set<String> = []
        var open = inputs[node] ?? []
        while let next = open.popLast() {
            if found.insert(next).inserted { open += inputs[next] ?? [] }
        }
        return found
    }

    /// The checkpoints that distillation imitates, directly or through stored answers.
    var teachers: [ReportedRun.Node] {
        let nodes = Dictionary(run.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var names: [String] = []
        for node in run.nodes where node.stage == "distill" || node.stage == "label" {
            // Without a record, as in a run that did not get there, any checkpoint it reads may be the teacher.
            let named = (records[node.name]?.inputs ?? []).filter { $0.name == "teacher" }.map(\.node)
            let read = named.isEmpty ? node.inputs : named
            names += read.filter { name in
                nodes[name].map { Self.training.contains($0.stage) } ?? !named.isEmpty
            }
        }
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }.compactMap { nodes[$0] }
    }

    /// The stages that stored teachers' answers.
    var labels: [ReportedRun.Node] { run.nodes.filter { records[$0.name]?.kind == "labels" } }

    /// The stage kinds that leave training curves behind.
    static let training = ["pretrain", "fine-tune", "distill"]

    /// What the whole pipeline cost, the stages from the store included.
    var totalSeconds: Double {
        run.nodes.reduce(0) { $0 + ($1.seconds ?? records[$1.name]?.timings?.seconds ?? 0) }
    }
}
