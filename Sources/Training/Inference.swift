internal import Diagnostics
internal import Layers
internal import Models
public import Tensors
public import Vision

/// Runs a model over recorded images in evaluation mode, batch by batch, in order.
///
/// Every batch has the same number of rows (the last one is filled up with repetitions, whose results are
/// dropped), so that an image's result does not depend on how many images follow it.
public struct Inference {
    private let model: LoadedModel
    private let provider: ImageProvider
    private let workers: Int
    /// Images in each batch.
    public var batchSize = 64
    /// The arithmetic of the forward pass.
    public var precision = Recipe.Precision.fp32
    /// What was done so far.
    private let clock = InferenceClock()

    /// Creates the inference of a model.
    public init(_ model: LoadedModel, provider: ImageProvider, workers: Int) {
        self.model = model
        self.provider = provider
        self.workers = workers
    }

    /// The features `[B, D]` and, where asked for, the logits `[B, K]` of one batch.
    public struct Output {
        /// The positions of the batch's images in the list of views.
        public var range: Range<Int>
        /// Pooled features, fp32 `[B, D]`.
        public var features: Tensor
        /// Class logits, fp32 `[B, K]`; nil for a model without a head.
        public var logits: Tensor?
    }

    /// Calls `body` with the outputs of every batch of `views`, in order.
    ///
    /// - Throws: what `body` throws, and `ImageLoadError` for an image that cannot be read any more.
    public func run(_ views: [ImageView], body: (Output) throws -> Void) throws {
        guard !views.isEmpty else { return }
        let size = model.viewSize
        let batchSize = batchSize
        let batches = (views.count + batchSize - 1) / batchSize
        let loader = BatchLoader(provider, batches: 0..<batches, sizes: [size], workers: workers) { batch in
            (batch * batchSize..<(batch + 1) * batchSize).map { views[min($0, views.count - 1)] }
        }
        let began = ContinuousClock.now
        defer {
            clock.images += views.count
            clock.seconds += (ContinuousClock.now - began).seconds
            clock.waited += loader.waited.seconds
            loader.cancel()
        }
        while let batch = try loader.next() {
            let start = batch.index * batchSize
            let range = start..<min(views.count, start + batchSize)
            let output = try withoutGradients { try forward(batch, size: size, range: range) }
            try body(output)
        }
    }

    private func forward(_ batch: Batch, size: ViewSize, range: Range<Int>) throws -> Output {
        let images = try model.images(batch, size: size)
        let (features, logits) = try precision.run(on: model.device) {
            let features = try model.network.features(images, mode: .evaluation)
            return (features, model.hasHead ? try model.network.head(features) : nil)
        }
        return Output(
            range: range,
            features: try features.to(.float32).slice(dim: 0, from: 0, to: range.count),
            logits: try logits?.to(.float32).slice(dim: 0, from: 0, to: range.count))
    }

    /// How fast images were handled, over all runs so far.
    public func throughput() throws -> Throughput {
        let operations = try clock.operations ?? ForwardCost(of: model).operations
        clock.operations = operations
        return Throughput(
            images: clock.images, seconds: clock.seconds, waited: clock.waited, operations: operations)
    }

    /// The class probabilities of images, seen whole.
    public func probabilities(of records: [ImageRecord]) throws -> [[Float]] {
        var rows: [[Float]] = []
        try run(records.map { ImageView($0, model.evaluationViews) }) { output in
            guard let logits = output.logits else {
                throw Diagnostic(
                    "the model has no class for a whole image",
                    hint: "fine-tune it with a head for whole images, such as head: linear")
            }
            let width = logits.shape[1]
            let values = try logits.softmax(1).floats()
            for row in 0..<output.range.count { rows.append(Array(values[row * width..<(row + 1) * width])) }
        }
        return rows
    }

    /// The share of labelled images that are classified rightly.
    public func accuracy(on records: [ImageRecord]) throws -> Double {
        let probabilities = try probabilities(of: records)
        let right = zip(probabilities, records).filter { ClassificationMetrics.argmax($0) == $1.label }.count
        return Double(right) / Double(max(1, records.count))
    }
}

/// What an inference has done, shared by its copies.
private final class InferenceClock {
    var images = 0
    var seconds = 0.0
    var waited = 0.0
    var operations: Double?
}

extension Recipe.Precision {
    /// Runs a forward pass in this arithmetic.
    public func run<Result>(on device: Device, _ body: () throws -> Result) throws -> Result {
        switch self {
        case .fp32: try body()
        case .bf16: try autocast(.bfloat16, on: device) { try body() }
        }
    }
}
