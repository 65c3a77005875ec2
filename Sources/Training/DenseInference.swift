internal import Diagnostics
internal import Layers
internal import Models
public import Tensors
public import Vision

/// How well a model answers for every pixel of images.
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

/// Runs a model that answers for every pixel over recorded images in evaluation mode, and compares it with their maps.
public struct DenseInference {
    private let model: LoadedModel
    private let network: DenseNetwork
    private let targets: any DenseTargets
    private let provider: ImageProvider
    private let workers: Int
    /// Images in each batch.
    public var batchSize = 16

    /// Creates the inference of a model.
    ///
    /// - Throws: a `Diagnostic` for a model that has no answer to the task of the maps.
    public init(
        _ model: LoadedModel, targets: any DenseTargets, provider: ImageProvider, workers: Int
    ) throws {
        network = try model.dense()
        guard network.task == targets.task else {
            throw Diagnostic(
                "the model answers for \(network.task.rawValue), and the maps are of \(targets.task.rawValue)",
                hint: "measure it on images with maps of \(network.task.rawValue)")
        }
        self.model = model
        self.targets = targets
        self.provider = provider
        self.workers = workers
    }

    /// Calls `body` with the outputs, `[B, C, S, S]`, and the maps, `[B, c, S, S]`, of every batch in order.
    func run(_ records: [ImageRecord], body: (Tensor, Tensor) throws -> Void) throws {
        let (size, batchSize, views) = (model.viewSize, batchSize, model.evaluationViews)
        let loader = BatchLoader(
            provider, batches: 0..<(records.count + batchSize - 1) / batchSize, sizes: [size],
            targets: [targets], targetSide: size.side, workers: workers
        ) { batch in
            records[batch * batchSize..<min(records.count, (batch + 1) * batchSize)].map {
                ImageView($0, views)
            }
        }
        defer { loader.cancel() }
        while let batch = try loader.next() {
            let output = try withoutGradients { try network(model.images(batch, size: size)) }
            try body(output, batch.target(targets.task))
        }
    }

    /// The figures of the model and of the best that is the same everywhere, in the square in which it sees images.
    ///
    /// The floor names the most frequent class; a constant depth becomes each image's mean by the alignment, which
    /// every depth has; the constant normal is the mean of all true ones.
    public func measure(on records: [ImageRecord]) throws -> DenseResult {
        switch targets.task {
        case .segmentation:
            var measure = ClassesMeasure(classCount: model.card.classes.count)
            try add(records, to: &measure)
            let perClass = SegmentationMetrics(
                images: records.count, confusion: measure.confusion, classes: model.card.classes
            ).perClass
            return DenseResult(figures: measure.figures, floor: measure.floor, perClass: perClass)
        case .depth:
            var (measure, floor) = (DepthMeasure(), DepthMeasure())
            try add(records, to: &measure) { target in
                floor.add([Float](repeating: 1, count: target.count)[...], target)
            }
            return DenseResult(figures: measure.figures, floor: floor.figures)
        case .normals:
            var measure = NormalsMeasure()
            var sum = [0.0, 0.0, 0.0]
            var maps: [[Float]] = []
            try add(records, to: &measure) { target in
                let area = target.count / 3
                for (place, value) in target.enumerated() where value.isFinite {
                    sum[place / area] += Double(value)
                }
                maps.append(Array(target))
            }
            var floor = NormalsMeasure()
            for map in maps {
                let constant = sum.flatMap { [Float](repeating: Float($0), count: map.count / 3) }
                floor.add(constant[...], map[...])
            }
            return DenseResult(figures: measure.figures, floor: floor.figures)
        }
    }

    /// The pixels by true and by predicted class.
    func confusion(on records: [ImageRecord]) throws -> [[Int]] {
        var measure = ClassesMeasure(classCount: model.card.classes.count)
        try add(records, to: &measure)
        return measure.confusion
    }

    private func add(
        _ records: [ImageRecord], to measure: inout some DenseMeasure,
        _ body: (ArraySlice<Float>) throws -> Void = { _ in }
    ) throws {
        let task = targets.task
        try run(records) { output, target in
            let count = output.shape[0]
            let answers = task == .segmentation ? try output.argmax(1).to(.float32) : output
            let (outputs, targets) = (try answers.floats(), try target.floats())
            let (a, b) = (outputs.count / count, targets.count / count)
            for image in 0..<count {
                let map = targets[image * b..<(image + 1) * b]
                measure.add(outputs[image * a..<(image + 1) * a], map)
                try body(map)
            }
        }
    }
}

/// A network's answers for every pixel: of one of ours with a head for maps, or of a script that returns maps.
public struct DenseNetwork {
    /// The question that it answers.
    public let task: DenseTask
    let network: any ImageModel

    /// Maps normalised images, `[B, 3, H, W]`, to logits, depths or normals, fp32 `[B, C, H, W]`.
    public func callAsFunction(_ images: Tensor) throws -> Tensor {
        try network(images, mode: .evaluation).to(.float32)
    }
}

extension LoadedModel {
    /// The network as one that answers for every pixel.
    ///
    /// - Throws: a `Diagnostic` for a model that has one answer for an image.
    public func dense() throws -> DenseNetwork {
        guard let task = denseTask else {
            throw Diagnostic(
                "the model has one class for a whole image, and none for its pixels",
                hint: "fine-tune it on images with masks, with head: linear-dense, psp or deeplabv3")
        }
        return DenseNetwork(task: task, network: network)
    }

    /// The question to which the network has an answer for every pixel, if it is such a network.
    public var denseTask: DenseTask? {
        let isScriptOfMaps = (network as? ScriptedModel)?.returnsMaps ?? false
        return segmenter == nil && !isScriptOfMaps ? nil : card.task ?? .segmentation
    }
}
