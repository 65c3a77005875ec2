/// How well a model names the pixels of images.
public struct SegmentationMetrics: Codable, Hashable, Sendable {
    /// The number of images.
    public var n: Int
    /// The mean of the classes' intersections over unions; classes that neither stand in a mask nor were predicted
    /// do not count.
    ///
    /// Source: Everingham et al. 2015, "The PASCAL Visual Object Classes Challenge: A Retrospective", section 3.3.
    public var miou: Double
    /// The share of named pixels that are named rightly.
    public var pixelAccuracy: Double
    /// Intersection over union by class name.
    public var perClass: [String: Double]
    /// Pixels by true class (row) and predicted class (column).
    public var confusion: [[Int]]

    enum CodingKeys: String, CodingKey {
        case n, miou, confusion
        case pixelAccuracy = "pixel_accuracy"
        case perClass = "per_class"
    }

    /// Computes every figure from counts of pixels.
    public init(images: Int, confusion: [[Int]], classes: [String]) {
        let right = classes.indices.map { confusion[$0][$0] }
        var perClass: [String: Double] = [:]
        var sum = 0.0
        for (index, name) in classes.enumerated() {
            let named = confusion[index].reduce(0, +)
            let predicted = confusion.reduce(0) { $0 + $1[index] }
            let union = named + predicted - right[index]
            guard union > 0 else { continue }
            let share = Double(right[index]) / Double(union)
            perClass[name] = share
            sum += share
        }
        n = images
        miou = sum / Double(max(1, perClass.count))
        pixelAccuracy =
            Double(right.reduce(0, +)) / Double(max(1, confusion.reduce(0) { $0 + $1.reduce(0, +) }))
        self.perClass = perClass
        self.confusion = confusion
    }
}
