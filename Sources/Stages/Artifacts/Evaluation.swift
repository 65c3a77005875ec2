internal import Diagnostics
public import Engine
internal import Foundation
public import Training

/// How well one or several models do on a labelled set, with what is needed to judge the figures.
public struct Evaluation: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "evaluation"
    static let metricsFile = "metrics.json"
    static let predictionsFile = "predictions.jsonl"

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens an evaluation.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    /// The figures.
    public func figures() throws -> EvaluationFigures {
        try JSONFiles.read(
            EvaluationFigures.self, from: location.directory.appending(path: Self.metricsFile))
    }
}

/// The figures of an evaluation, as `metrics.json` holds them.
///
/// The figures at the top are those of the first group of models, averaged over its seeds.
public struct EvaluationFigures: Codable, Hashable, Sendable {
    /// One evaluated model.
    public struct Model: Codable, Hashable, Sendable {
        /// The node that made it: `student[seed=0]`.
        public var node: String
        /// The node without its matrix point: `student`.
        public var group: String
        /// Its figures.
        public var metrics: ClassificationMetrics
    }

    /// The best that could be expected, from a larger model.
    public struct Ceiling: Codable, Hashable, Sendable {
        /// The node of the larger model.
        public var name: String
        /// Its accuracy on the same images.
        public var top1: Double
    }

    /// The number of images.
    public var n: Int
    /// The accuracy of the first group, mean over its seeds.
    public var top1: Double
    /// The balanced accuracy of the first group, mean over its seeds.
    public var balancedAccuracy: Double
    /// The negative log-likelihood of the first group, mean over its seeds.
    public var nll: Double
    /// The calibration error of the first group, mean over its seeds.
    public var ece: Double
    /// The accuracy by class of the first group, mean over its seeds.
    public var perClass: [String: Double]
    /// The confusion counts of the first group, summed over its seeds.
    public var confusion: [[Int]]
    /// The class names, by label.
    public var classes: [String]
    /// What can be reached without looking.
    public var floor: AccuracyFloor
    /// What the larger model reaches.
    public var ceiling: Ceiling?
    /// Every model.
    public var models: [Model]
    /// Every arm.
    public var groups: [Group]
    /// The reliability diagram of the first model.
    public var reliability: [ClassificationMetrics.Bin]

    enum CodingKeys: String, CodingKey {
        case n, top1, nll, ece, confusion, classes, floor, ceiling, models, groups, reliability
        case balancedAccuracy = "balanced_accuracy"
        case perClass = "per_class"
    }

    /// Groups the models by node, averages over seeds, and compares every arm with the baseline.
    init(models: [Model], classes: [String], floor: AccuracyFloor, ceiling: Ceiling?, baseline: String?) {
        var order: [String] = []
        for model in models where !order.contains(model.group) { order.append(model.group) }
        let byGroup = Dictionary(grouping: models, by: \.group)
        func accuracies(_ group: String) -> [Double] { byGroup[group, default: []].map(\.metrics.top1) }
        groups = Group.all(order.map { ($0, accuracies($0)) }, baseline: baseline)
        let first = byGroup[order[0], default: []].map(\.metrics)
        func mean(_ figure: (ClassificationMetrics) -> Double) -> Double {
            first.map(figure).reduce(0, +) / Double(first.count)
        }
        n = first[0].n
        top1 = mean(\.top1)
        balancedAccuracy = mean(\.balancedAccuracy)
        nll = mean(\.nll)
        ece = mean(\.ece)
        perClass = first[0].perClass
        for name in perClass.keys { perClass[name] = mean { $0.perClass[name] ?? 0 } }
        confusion = first.dropFirst().reduce(first[0].confusion) { sum, next in
            zip(sum, next.confusion).map { zip($0, $1).map { $0 + $1 } }
        }
        reliability = first[0].reliability
        self.classes = classes
        self.floor = floor
        self.ceiling = ceiling
        self.models = models
    }
}

/// One prediction, as a row of `predictions.jsonl`.
struct PredictionRow: Codable, Hashable, Sendable {
    var id: String
    var source: String
    var label: Int
    var prediction: Int
    var confidence: Double
    var model: String
}
