internal import Diagnostics
public import Engine
internal import Foundation
public import Training

/// How well one or several models, or probes on their features, do at a task, with what is needed to judge the figures.
public struct TaskEvaluation: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "task-evaluation"
    static let metricsFile = "metrics.json"

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens an evaluation.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    /// The figures.
    public func figures() throws -> TaskEvaluationFigures {
        try JSONFiles.read(
            TaskEvaluationFigures.self, from: location.directory.appending(path: Self.metricsFile))
    }
}

/// The figures of an evaluation at a task, as `metrics.json` holds them.
///
/// Those at the top, each under its metric's name, are of the first group of models, averaged over its seeds.
public struct TaskEvaluationFigures: Codable, Hashable, Sendable {
    /// One model, or one probe.
    public struct Model: Codable, Hashable, Sendable {
        /// The node that made it: `student[seed=0]`.
        public var node: String
        /// The node without its matrix point: `student`.
        public var group: String
        /// Its figures.
        public var metrics: TaskFigures
        /// Intersection over union by class name, for segmentation.
        public var perClass: [String: Double]?

        enum CodingKeys: String, CodingKey {
            case node, group, metrics
            case perClass = "per_class"
        }

        init(_ node: String, _ metrics: TaskFigures, perClass: [String: Double]? = nil) {
            self.node = node
            group = Evaluate.group(of: node)
            (self.metrics, self.perClass) = (metrics, perClass)
        }

        /// The first metric, which decides, by its name.
        public var decisive: (metric: String, value: Double)? {
            metrics.metrics.first.flatMap { metric in metrics[metric].map { (metric.rawValue, $0) } }
        }
    }

    /// One metric of every arm.
    public struct Comparison: Codable, Hashable, Sendable {
        /// The metric's name.
        public var metric: String
        /// Whether less is better.
        public var lowerIsBetter: Bool
        /// What can be reached without looking.
        public var floor: Double?
        /// Every arm, with its difference from the baseline, seed by seed.
        public var groups: [EvaluationFigures.Group]

        enum CodingKeys: String, CodingKey {
            case metric, floor, groups
            case lowerIsBetter = "lower_is_better"
        }

        /// The arm with the best mean.
        public var best: EvaluationFigures.Group? {
            groups.min { lowerIsBetter ? $0.mean < $1.mean : $0.mean > $1.mean }
        }
    }

    /// The figures of the first group, mean over its seeds.
    public var figures: TaskFigures
    /// The number of images.
    public var n: Int
    /// What was asked: `segmentation`, `depth`, `normals` or `classification`.
    public var task: String
    /// What can be reached without looking: the most frequent class, or the same answer everywhere.
    public var floor: TaskFigures
    /// Every model.
    public var models: [Model]
    /// Every metric with every arm; the first one decides.
    public var comparisons: [Comparison]
    /// The arm that every other one is compared with.
    public var baseline: String?

    enum CodingKeys: String, CodingKey { case n, task, floor, models, comparisons, baseline }

    /// Intersection over union of every class, averaged over the seeds of each arm, in the order of the arms; empty unless
    /// pixels were classified.
    public var classes: [(name: String, byArm: [Double?])] {
        let arms = comparisons.first?.groups.map(\.name) ?? []
        let names = Set(models.flatMap { $0.perClass.map { Array($0.keys) } ?? [] }).sorted()
        return names.map { name in
            let byArm = arms.map { arm -> Double? in
                let values = models.filter { $0.group == arm }.compactMap { $0.perClass?[name] }
                return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
            }
            return (name, byArm)
        }
    }

    /// What was asked, and of how many images, in words.
    public var subject: String { "\(task) on \(n) images" }

    /// Groups the models by node, averages over seeds, and compares every arm with the baseline; there must be one
    /// model at least.
    init(task: String, n: Int, models: [Model], floor: TaskFigures, baseline: String?) {
        var order: [String] = []
        for model in models where !order.contains(model.group) { order.append(model.group) }
        func values(_ group: String, _ metric: TaskMetric) -> [Double] {
            models.filter { $0.group == group }.compactMap { $0.metrics[metric] }
        }
        comparisons = models[0].metrics.metrics.map { metric in
            let arms = order.map { (name: $0, values: values($0, metric)) }.filter { !$0.values.isEmpty }
            return Comparison(
                metric: metric.rawValue, lowerIsBetter: metric.isLowerBetter, floor: floor[metric],
                groups: EvaluationFigures.Group.all(
                    arms, baseline: baseline, lowerIsBetter: metric.isLowerBetter))
        }
        figures = TaskFigures(
            Dictionary(
                uniqueKeysWithValues: models[0].metrics.metrics.map { metric in
                    let values = values(order[0], metric)
                    return (metric, values.reduce(0, +) / Double(values.count))
                }))
        self.n = n
        self.task = task
        self.floor = floor
        self.models = models
        self.baseline = baseline
    }

    /// Reads the figures at the top, too.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        figures = try TaskFigures(from: decoder)
        n = try container.decode(Int.self, forKey: .n)
        task = try container.decode(String.self, forKey: .task)
        floor = try container.decode(TaskFigures.self, forKey: .floor)
        models = try container.decode([Model].self, forKey: .models)
        comparisons = try container.decode([Comparison].self, forKey: .comparisons)
        baseline = try container.decodeIfPresent(String.self, forKey: .baseline)
    }

    /// Writes the figures of the first group at the top.
    public func encode(to encoder: any Encoder) throws {
        try figures.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(n, forKey: .n)
        try container.encode(task, forKey: .task)
        try container.encode(floor, forKey: .floor)
        try container.encode(models, forKey: .models)
        try container.encode(comparisons, forKey: .comparisons)
        try container.encodeIfPresent(baseline, forKey: .baseline)
    }
}

extension TaskEvaluationFigures: PooledFigures {
    /// Takes the models of all evaluations together.
    public init(pooling parts: [TaskEvaluationFigures]) {
        self.init(
            task: parts[0].task, n: parts[0].n, models: parts.flatMap(\.models), floor: parts[0].floor,
            baseline: parts[0].baseline)
    }
}

extension StageContext {
    /// Writes an evaluation as this stage's artifact.
    func evaluation(_ figures: TaskEvaluationFigures) throws -> TaskEvaluation {
        try JSONFiles.write(figures, to: output.appending(path: TaskEvaluation.metricsFile))
        count("images", figures.n)
        fact("task", figures.task)
        for metric in figures.figures.metrics { fact(metric.rawValue, figures.figures[metric] ?? 0) }
        return try TaskEvaluation(ArtifactLocation(directory: output, node: node, store: store))
    }

    /// Refuses a baseline that is not among the models.
    func check(baseline: String?, among models: [Checkpoint]) throws {
        let groups = models.map { Evaluate.group(of: $0.location.node) }
        guard let baseline, !groups.contains(baseline) else { return }
        throw Diagnostic(
            "baseline '\(baseline)' is not among the models", at: sourceLocation(of: "baseline"),
            hint: baseline.didYouMean(groups) ?? "the models are \(groups.joined(separator: ", "))")
    }
}
