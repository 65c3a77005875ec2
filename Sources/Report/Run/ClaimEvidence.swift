import Engine
import Foundation
import Stages

/// The evaluations among the artifacts of a run, and what their models were made from.
///
/// Models are followed by the keys of their artifacts: an artifact that an earlier pipeline left in the store goes by
/// that pipeline's names in its own record.
struct ClaimEvidence {
    /// Answers that a model learned from.
    struct Source: Hashable {
        /// The node that gave them; nil where the data set knows them itself.
        var node: String?
        /// The keys of the expert's artifact, and of its answers'.
        var expert, labels: String?
        var task: String
        /// The share of the answers that was put in wrong places on purpose.
        var noise = 0.0
    }

    private(set) var probes: [(node: String, figures: TaskEvaluationFigures)] = []
    private(set) var clips: [(node: String, figures: CLIPFigures)] = []
    private var errors: [(node: String, figures: TaskEvaluationFigures)] = []
    private var records: [String: ArtifactRecord] = [:]
    /// The keys of the evaluated models, by their names in the evaluations.
    private var models: [String: String] = [:]
    private let store: URL?

    /// Reads the evaluations of a run; one that cannot be read is left out, and reported where it is shown.
    init(_ artifacts: [(node: String, folder: URL)]) {
        let folders = artifacts.map { ($0.node, $0.folder.resolvingSymlinksInPath()) }
        store = folders.first?.1.deletingLastPathComponent()
        for (node, folder) in folders { add(node, folder) }
        probes = TaskEvaluationFigures.pooled(probes)
        clips = CLIPFigures.pooled(clips)
        errors = TaskEvaluationFigures.pooled(errors)
    }

    private mutating func add(_ node: String, _ folder: URL) {
        guard let record = record(folder.lastPathComponent) else { return }
        let location = ArtifactLocation(
            directory: folder, node: node, store: folder.deletingLastPathComponent())
        switch (record.kind, record.stage) {
        case (TaskEvaluation.kind, "probe"):
            if let figures = try? TaskEvaluation(location).figures() { probes.append((node, figures)) }
        case (TaskEvaluation.kind, _):
            if let figures = try? TaskEvaluation(location).figures() { errors.append((node, figures)) }
        case (CLIPEvaluation.kind, _):
            if let figures = try? CLIPEvaluation(location).figures() { clips.append((node, figures)) }
        default: return
        }
        for input in record.inputs where ["models", "labels"].contains(input.name) {
            models[input.node] = input.key
        }
    }

    private mutating func record(_ key: String) -> ArtifactRecord? {
        if let known = records[key] { return known }
        let record = store.flatMap { try? ArtifactRecord.read(at: $0.appending(path: key)) }
        records[key] = record
        return record
    }

    /// The arm with which a model's training began, if it was measured, too.
    mutating func start(of model: String) -> String? {
        guard let record = models[model].flatMap({ record($0) }),
            let key = record.inputs.first(where: { $0.name == "model" })?.key
        else { return nil }
        return models.first { $0.value == key }.map { Graph.Node.family(of: $0.key) }
    }

    /// What a model learned from beside labels and captions, itself and everything that it was made from.
    mutating func sources(of model: String) -> [Source] {
        var found: [Source] = []
        var seen: Set<String> = []
        var open = models[model].map { [$0] } ?? []
        while let key = open.popLast() {
            guard seen.insert(key).inserted, let record = record(key) else { continue }
            open += record.inputs.map(\.key)
            found += record.kind == DenseLabelSet.kind ? labels(record) : truth(record)
        }
        return Set(found).sorted { ($0.task, $0.node ?? "", $0.noise) < ($1.task, $1.node ?? "", $1.noise) }
    }

    private func labels(_ record: ArtifactRecord) -> [Source] {
        guard let store,
            let labels = try? DenseLabelSet(
                ArtifactLocation(
                    directory: store.appending(path: record.key), node: record.node, store: store))
        else { return [] }
        let expert = record.inputs.first { $0.name == "expert" }
        return [
            Source(
                node: labels.summary.expert, expert: expert?.key, labels: record.key,
                task: labels.summary.taskName, noise: labels.summary.noise)
        ]
    }

    private func truth(_ record: ArtifactRecord) -> [Source] {
        guard record.stage == "train-clip", let text = record.components["setting.truth"],
            let tasks = try? JSONDecoder().decode([String].self, from: Data(text.utf8))
        else { return [] }
        return tasks.map { Source(task: $0) }
    }

    /// How wrong the answers of an expert are where they were measured, else how wrong the expert is: by the metric of its
    /// task that decides, and who measured it.
    func error(of source: Source) -> ExpertClaims.ExpertError? {
        error(of: source.labels, source.task) ?? error(of: source.expert, source.task)
    }

    private func error(of artifact: String?, _ task: String) -> ExpertClaims.ExpertError? {
        guard let artifact else { return nil }
        for (node, figures) in errors where figures.task == task {
            let model = figures.models.first { models[$0.node] == artifact }
            guard let (metric, value) = model?.decisive else { continue }
            return .init(
                metric: metric, value: value, node: node,
                floor: figures.comparisons.first { $0.metric == metric }?.floor)
        }
        return nil
    }
}
