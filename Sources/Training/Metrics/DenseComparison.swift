public import Vision

/// Counts how well answers about pixels agree with the truth, image by image, and how well the best answer would that is
/// the same everywhere.
///
/// That one names the most frequent class; a constant depth becomes each image's mean by the alignment, which every depth
/// has; the constant normal is the mean of all true ones.
public struct DenseComparison {
    private let task: DenseTask
    private let classes: [String]
    private var images = 0
    private(set) var named: ClassesMeasure
    private var (depths, constantDepths) = (DepthMeasure(), DepthMeasure())
    private var normals = NormalsMeasure()
    private var normalSum = [0.0, 0.0, 0.0]
    private var trueNormals: [[Float]] = []

    /// Begins; `classes` are those of a segmentation, by number.
    public init(_ task: DenseTask, classes: [String]) {
        self.task = task
        self.classes = classes
        named = ClassesMeasure(classCount: classes.count)
    }

    /// Compares a map of answers with the truth about the same image; where either knows nothing, nothing is counted.
    ///
    /// The truth is looked up at the nearest of its pixels. Both must be of this comparison's task.
    public mutating func add(_ answer: DenseMap, truth: DenseMap) {
        let (area, channels) = (answer.width * answer.height, task.channelCount)
        var output = [Float](repeating: 0, count: area * channels)
        var target = output
        for pixel in 0..<area {
            let (row, column) = (pixel / answer.width, pixel % answer.width)
            let place =
                (2 * row + 1) * truth.height / (2 * answer.height) * truth.width
                + (2 * column + 1) * truth.width / (2 * answer.width)
            for channel in 0..<channels {
                let value = answer.values[pixel * channels + channel]
                output[channel * area + pixel] = value
                target[channel * area + pixel] =
                    value.isNaN ? .nan : truth.values[place * channels + channel]
            }
        }
        add(output[...], target[...])
    }

    /// Compares the answers about one image, `[channels, pixels]` numbers or one class number a pixel, with its map,
    /// which has NaN where nothing is known.
    mutating func add(_ output: ArraySlice<Float>, _ target: ArraySlice<Float>) {
        images += 1
        switch task {
        case .segmentation: named.add(output, target)
        case .depth:
            depths.add(output, target)
            constantDepths.add([Float](repeating: 1, count: target.count)[...], target)
        case .normals:
            normals.add(output, target)
            let area = target.count / 3
            for (place, value) in target.enumerated() where value.isFinite {
                normalSum[place / area] += Double(value)
            }
            trueNormals.append(Array(target))
        }
    }

    /// The figures over all images so far.
    public var result: DenseResult {
        switch task {
        case .segmentation:
            let perClass = SegmentationMetrics(images: images, confusion: named.confusion, classes: classes)
                .perClass
            return DenseResult(figures: named.figures, floor: named.floor, perClass: perClass)
        case .depth: return DenseResult(figures: depths.figures, floor: constantDepths.figures)
        case .normals:
            var floor = NormalsMeasure()
            for map in trueNormals {
                let constant = normalSum.flatMap { [Float](repeating: Float($0), count: map.count / 3) }
                floor.add(constant[...], map[...])
            }
            return DenseResult(figures: normals.figures, floor: floor.figures)
        }
    }
}

/// How well a model, or what it has said, answers for every pixel of images.
public struct DenseResult: Codable, Hashable, Sendable {
    /// Its figures.
    public var figures: TaskFigures
    /// Those of the best answer that is the same everywhere.
    public var floor: TaskFigures
    /// Intersection over union by class name, for segmentation; a class that neither stands in a mask nor was predicted has
    /// none.
    public var perClass: [String: Double]?

    /// Creates a result.
    public init(figures: TaskFigures, floor: TaskFigures, perClass: [String: Double]? = nil) {
        (self.figures, self.floor, self.perClass) = (figures, floor, perClass)
    }
}
