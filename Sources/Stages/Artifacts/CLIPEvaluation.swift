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

    /// The name of the zero-shot accuracy among the comparisons.
    public static let zeroShotMetric = "zero_shot_top1"

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
    /// Every arm, by its zero-shot accuracy, or without labelled images by the mean of both recalls at 1.
    public var groups: [EvaluationFigures.Group]
    /// Every metric with every arm.
    public var comparisons: [TaskEvaluationFigures.Comparison]?
    /// The arm that every other one is compared with.
    public var baseline: String?
    /// The difference in zero-shot accuracy that does not matter.
    public var margin: Double?

    enum CodingKeys: String, CodingKey {
        case floor, n, classes, templates, retrieval, models, groups, comparisons, baseline, margin
        case zeroShotTop1 = "zero_shot_top1"
        case zeroShotBalanced = "zero_shot_balanced_accuracy"
    }

    /// Groups the models by node, averages over seeds and compares; there must be one model at least.
    init(
        models: [Model], classes: [String]?, templates: [String]?, floor: AccuracyFloor?, baseline: String?,
        margin: Double?
    ) {
        var order: [String] = []
        for model in models where !order.contains(model.group) { order.append(model.group) }
        func arms(_ figure: (Model) -> Double?) -> [(name: String, values: [Double])] {
            order.map { group in (group, models.filter { $0.group == group }.compactMap(figure)) }
                .filter { !$0.values.isEmpty }
        }
        let tested = models[0].zeroShot == nil ? nil : margin
        groups = EvaluationFigures.Group.all(
            arms {
                $0.zeroShot?.top1 ?? $0.retrieval.map { ($0.imageToText.r1 + $0.textToImage.r1) / 2 }
            }, baseline: baseline, margin: tested)
        comparisons = Self.metrics.compactMap { metric in
            let arms = arms(metric.value)
            guard !arms.isEmpty else { return nil }
            let isZeroShot = metric.name == Self.zeroShotMetric
            return .init(
                metric: metric.name, lowerIsBetter: false,
                floor: isZeroShot
                    ? floor.map { max($0.majority, $0.random) } : models[0].retrieval.flatMap(metric.floor),
                groups: EvaluationFigures.Group.all(
                    arms, baseline: baseline, margin: isZeroShot ? margin : nil))
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
        self.baseline = baseline
        self.margin = margin
    }

    /// Every figure of a model that arms are compared by, with the floor of those about captions.
    private static var metrics:
        [(name: String, value: (Model) -> Double?, floor: (RetrievalMetrics) -> Double?)]
    {
        typealias Side = KeyPath<RetrievalMetrics, RetrievalMetrics.Recall>
        typealias Floor = KeyPath<RetrievalMetrics, RetrievalMetrics.Recall?>
        let sides: [(String, Side, Floor)] = [
            ("image_to_text", \.imageToText, \.imageToTextFloor),
            ("text_to_image", \.textToImage, \.textToImageFloor),
        ]
        let shares: [(String, KeyPath<RetrievalMetrics.Recall, Double>)] = [
            ("r1", \.r1), ("r5", \.r5), ("r10", \.r10),
        ]
        return [(zeroShotMetric, { $0.zeroShot?.top1 }, { _ in nil })]
            + sides.flatMap { side, recall, floor in
                shares.map { share, path in
                    (
                        "\(side)_\(share)", { $0.retrieval?[keyPath: recall][keyPath: path] },
                        { $0[keyPath: floor]?[keyPath: path] }
                    )
                }
            }
    }

    /// The arms by their zero-shot accuracy; nil where none was measured.
    public var zeroShotGroups: [EvaluationFigures.Group]? {
        comparisons?.first { $0.metric == Self.zeroShotMetric }?.groups
    }

    /// What was asked, and of how many images, in words.
    public var subject: String {
        [
            n.map { "classes of \($0) images by their names" },
            retrieval.map { "\($0.captions) captions and \($0.images) images of each other" },
        ].compactMap { $0 }.joined(separator: ", ")
    }
}

extension CLIPFigures: PooledFigures {
    /// Takes the models of all evaluations together.
    public init(pooling parts: [CLIPFigures]) {
        self.init(
            models: parts.flatMap(\.models), classes: parts[0].classes, templates: parts[0].templates,
            floor: parts[0].floor, baseline: parts[0].baseline, margin: parts[0].margin)
    }
}
