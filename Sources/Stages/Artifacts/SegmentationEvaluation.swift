public import Engine
internal import Foundation
public import Training

/// How well one or several models name the pixels of images.
public struct SegmentationEvaluation: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "segmentation-evaluation"
    static let metricsFile = "metrics.json"

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens an evaluation.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    /// The figures.
    public func figures() throws -> SegmentationFigures {
        try JSONFiles.read(
            SegmentationFigures.self, from: location.directory.appending(path: Self.metricsFile))
    }
}

/// The figures of an evaluation on masks, as `metrics.json` holds them.
///
/// Those at the top are of the first group of models, averaged over its seeds.
public struct SegmentationFigures: Codable, Hashable, Sendable {
    /// One evaluated model.
    public struct Model: Codable, Hashable, Sendable {
        /// The node that made it: `student[seed=0]`.
        public var node: String
        /// The node without its matrix point: `student`.
        public var group: String
        /// Its figures.
        public var metrics: SegmentationMetrics
    }

    /// The number of images.
    public var n: Int
    /// The mean intersection over union.
    public var miou: Double
    /// The share of named pixels that are named rightly.
    public var pixelAccuracy: Double
    /// Intersection over union by class.
    public var perClass: [String: Double]
    /// The class names, by number.
    public var classes: [String]
    /// The pixel accuracy of always naming the most frequent class.
    public var majority: Double
    /// Every model.
    public var models: [Model]
    /// Every arm, by its mean intersection over union.
    public var groups: [EvaluationFigures.Group]

    enum CodingKeys: String, CodingKey {
        case n, miou, classes, majority, models, groups
        case pixelAccuracy = "pixel_accuracy"
        case perClass = "per_class"
    }

    /// Groups the models by node and averages over seeds; there must be one at least.
    init(models: [Model], classes: [String]) {
        var order: [String] = []
        for model in models where !order.contains(model.group) { order.append(model.group) }
        groups = EvaluationFigures.Group.all(
            order.map { name in (name, models.filter { $0.group == name }.map(\.metrics.miou)) },
            baseline: nil)
        let first = models.filter { $0.group == order[0] }.map(\.metrics)
        func mean(_ figure: (SegmentationMetrics) -> Double) -> Double {
            first.map(figure).reduce(0, +) / Double(first.count)
        }
        n = first[0].n
        miou = mean(\.miou)
        pixelAccuracy = mean(\.pixelAccuracy)
        perClass = first[0].perClass
        for name in perClass.keys { perClass[name] = mean { $0.perClass[name] ?? 0 } }
        let pixels = first[0].confusion.map { $0.reduce(0, +) }
        majority = Double(pixels.max() ?? 0) / Double(max(1, pixels.reduce(0, +)))
        self.classes = classes
        self.models = models
    }
}
