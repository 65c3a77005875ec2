internal import Foundation

/// How well a classifier does on a labelled set.
public struct ClassificationMetrics: Codable, Hashable, Sendable {
    /// One bin of the reliability diagram: predictions of similar confidence.
    public struct Bin: Codable, Hashable, Sendable {
        /// The mean confidence in the bin.
        public var confidence: Double
        /// The share of right predictions in the bin.
        public var accuracy: Double
        /// The number of predictions in the bin.
        public var count: Int
    }

    /// The number of images.
    public var n: Int
    /// The share of images whose most probable class is the right one.
    public var top1: Double
    /// The mean of the classes' own accuracies; unmoved by class imbalance.
    public var balancedAccuracy: Double
    /// The mean negative log-likelihood of the right class, in nats.
    public var nll: Double
    /// The expected calibration error over 15 equal-width bins.
    ///
    /// Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
    public var ece: Double
    /// Accuracy by class name; classes without an image are absent.
    public var perClass: [String: Double]
    /// Counts by true class (row) and predicted class (column).
    public var confusion: [[Int]]
    /// The bins that hold at least one prediction.
    public var reliability: [Bin]

    enum CodingKeys: String, CodingKey {
        case n, top1, nll, ece, confusion, reliability
        case balancedAccuracy = "balanced_accuracy"
        case perClass = "per_class"
    }

    /// Computes every figure from class probabilities.
    ///
    /// - Parameters:
    ///   - probabilities: one row of class probabilities for each image.
    ///   - labels: the right class of each image.
    ///   - classes: the class names, by index.
    public init(probabilities: [[Float]], labels: [Int], classes: [String]) {
        precondition(probabilities.count == labels.count && !labels.isEmpty, "Retort bug: metrics of nothing")
        let binCount = 15
        var confusion = Array(repeating: Array(repeating: 0, count: classes.count), count: classes.count)
        var logLikelihood = 0.0
        var bins = Array(repeating: (confidence: 0.0, right: 0, count: 0), count: binCount)
        for (row, label) in zip(probabilities, labels) {
            let prediction = Self.argmax(row)
            let confidence = Double(row[prediction])
            confusion[label][prediction] += 1
            logLikelihood += log(max(Double(row[label]), 1e-12))
            let bin = min(binCount - 1, Int(confidence * Double(binCount)))
            bins[bin].confidence += confidence
            bins[bin].right += prediction == label ? 1 : 0
            bins[bin].count += 1
        }
        n = labels.count
        let right = classes.indices.map { confusion[$0][$0] }
        top1 = Double(right.reduce(0, +)) / Double(n)
        var perClass: [String: Double] = [:]
        for (index, name) in classes.enumerated() {
            let total = confusion[index].reduce(0, +)
            if total > 0 { perClass[name] = Double(right[index]) / Double(total) }
        }
        balancedAccuracy =
            perClass.sorted { $0.key < $1.key }.map(\.value).reduce(0, +) / Double(perClass.count)
        nll = -logLikelihood / Double(n)
        reliability = bins.filter { $0.count > 0 }.map {
            Bin(
                confidence: $0.confidence / Double($0.count), accuracy: Double($0.right) / Double($0.count),
                count: $0.count)
        }
        ece = reliability.reduce(0) { $0 + abs($1.accuracy - $1.confidence) * Double($1.count) } / Double(n)
        self.perClass = perClass
        self.confusion = confusion
    }

    /// The index of the largest value; the first one among equals.
    public static func argmax(_ row: [Float]) -> Int {
        var best = 0
        for index in row.indices where row[index] > row[best] { best = index }
        return best
    }
}

/// What can be reached without looking at an image.
public struct AccuracyFloor: Codable, Hashable, Sendable {
    /// The accuracy of always naming the most frequent class of the evaluated set.
    public var majority: Double
    /// The expected accuracy of naming each class with equal probability.
    public var random: Double

    /// Computes the floors of a labelled set.
    public init(labels: [Int], classCount: Int) {
        var counts = Array(repeating: 0, count: classCount)
        for label in labels { counts[label] += 1 }
        majority = Double(counts.max() ?? 0) / Double(max(1, labels.count))
        random = 1 / Double(max(1, classCount))
    }
}
