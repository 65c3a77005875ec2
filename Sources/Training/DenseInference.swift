internal import Diagnostics
internal import Layers
internal import Models
public import Tensors
public import Vision

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
    public func measure(on records: [ImageRecord]) throws -> DenseResult { try compare(records).result }

    /// The pixels by true and by predicted class.
    func confusion(on records: [ImageRecord]) throws -> [[Int]] { try compare(records).named.confusion }

    private func compare(_ records: [ImageRecord]) throws -> DenseComparison {
        let task = targets.task
        var comparison = DenseComparison(task, classes: model.card.classes)
        try run(records) { output, target in
            let count = output.shape[0]
            let answers = task == .segmentation ? try output.argmax(1).to(.float32) : output
            let (outputs, targets) = (try answers.floats(), try target.floats())
            let (a, b) = (outputs.count / count, targets.count / count)
            for image in 0..<count {
                comparison.add(
                    outputs[image * a..<(image + 1) * a], targets[image * b..<(image + 1) * b])
            }
        }
        return comparison
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
