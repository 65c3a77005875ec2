public import Engine
internal import Foundation
public import Training

/// What one or several CLIPs know without having been trained for it.
public struct CLIPEvaluation: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "clip-evaluation"
    static let metricsFile = "metrics.json"

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens an evaluation.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    /// The figures.
    public func figures() throws -> CLIPFigures {
        try JSONFiles.read(CLIPFigures.self, from: location.directory.appending(path: Self.metricsFile))
    }
}

/// The figures of an evaluation of CLIPs, as `metrics.json` holds them.
///
/// Those at the top are of the first group of models, averaged over its seeds.
public struct CLIPFigures: Codable, Hashable, Sendable {
    /// One evaluated model.
    public struct Model: Codable, Hashable, Sendable {
        /// The node that made it: `clip[seed=0]`.
        public var node: String
        /// The node without its matrix point: `clip`.
        public var group: String
        /// Classes by their names; absent without labelled images.
        public var zeroShot: ClassificationMetrics?
        /// Captions and images; absent without captions.
        public var retrieval: RetrievalMetrics?

        enum CodingKeys: String, CodingKey {
            case node, group, retrieval
            case zeroShot = "zero_shot"
        }
    }

    /// The share of images whose class is named first.
    public var zeroShotTop1: Double?
    /// The same, averaged over classes.
    public var zeroShotBalanced: Double?
    /// What can be reached without looking.
    public var floor: AccuracyFloor?
    /// The labelled images.
    public var n: Int?
    /// The class names, by label.
    public var classes: [String]?
    /// The sentences that names were put into.
    public var templates: [String]?
    /// Captions and images of each other.
    public var retrieval: RetrievalMetrics?
    /// Every model.
    public var models: [Model]
    /// Every arm, by its zero-shot accuracy.
    public var groups: [EvaluationFigures.Group]

    enum CodingKeys: String, CodingKey {
        case floor, n, classes, templates, retrieval, models, groups
        case zeroShotTop1 = "zero_shot_top1"
        case zeroShotBalanced = "zero_shot_balanced_accuracy"
    }

    /// Groups the models by node and averages over seeds; there must be one at least.
    ///
    /// Arms are ordered by their zero-shot accuracy, or without labelled images by their retrieval.
    init(
        models: [Model], classes: [String]?, templates: [String]?, floor: AccuracyFloor?, baseline: String?
    ) {
        var order: [String] = []
        for model in models where !order.contains(model.group) { order.append(model.group) }
        func values(_ group: String) -> [Double] {
            models.filter { $0.group == group }.map {
                $0.zeroShot?.top1 ?? $0.retrieval.map { ($0.imageToText.r1 + $0.textToImage.r1) / 2 } ?? 0
            }
        }
        groups = order.map { name in
            let interval = Interval(values(name))
            var versus: EvaluationFigures.Versus?
            if let baseline, name != baseline,
                let difference = Interval(paired: interval.values, minus: values(baseline))
            {
                versus = .init(baseline: baseline, difference: difference.mean, ci95: difference.ci95)
            }
            return .init(
                name: name, values: interval.values, mean: interval.mean, ci95: interval.ci95, versus: versus)
        }
        let first = models.filter { $0.group == order[0] }
        func mean(_ figure: (Model) -> Double?) -> Double? {
            let values = first.compactMap(figure)
            return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        zeroShotTop1 = mean { $0.zeroShot?.top1 }
        zeroShotBalanced = mean { $0.zeroShot?.balancedAccuracy }
        n = first[0].zeroShot?.n
        retrieval = first[0].retrieval
        if var pooled = retrieval {
            func recall(_ side: KeyPath<RetrievalMetrics, RetrievalMetrics.Recall>) -> RetrievalMetrics.Recall
            {
                func share(_ path: KeyPath<RetrievalMetrics.Recall, Double>) -> Double {
                    mean { $0.retrieval?[keyPath: side][keyPath: path] } ?? 0
                }
                return .init(r1: share(\.r1), r5: share(\.r5), r10: share(\.r10))
            }
            pooled.imageToText = recall(\.imageToText)
            pooled.textToImage = recall(\.textToImage)
            retrieval = pooled
        }
        self.classes = classes
        self.templates = templates
        self.floor = floor
        self.models = models
    }
}
