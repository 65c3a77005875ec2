internal import Diagnostics
internal import Layers
internal import Models
internal import Tensors
public import Vision

/// Asks an expert about every pixel of images, and makes a map of what it says of each.
///
/// The expert sees the whole image, squeezed into its square. An image that cannot be read, or about which the expert says
/// nothing finite, fails by itself.
public struct DenseAnswers {
    /// What came of one image.
    public enum Answer: Sendable {
        /// A map, and for segmentation the mean of the largest probability over its pixels.
        case map(DenseMap, confidence: Double?)
        /// Why there is no map.
        case failure(String)
    }

    private let model: LoadedModel
    private let network: DenseNetwork
    private let provider: ImageProvider
    private let workers: Int
    private let clock = ContinuousClock()
    /// Images in each batch.
    public var batchSize = 16
    /// The longest side of a map; a larger image has a smaller map.
    public var longestSide = 256
    /// The least probability with which a pixel's class is kept.
    public var confidence = 0.0
    /// The share of a map's squares that say what another square says, to see what a worse expert is worth.
    public var noise = 0.0
    /// Decides which squares.
    public var seed: UInt64 = 0
    /// The arithmetic of the forward pass.
    public var precision = Recipe.Precision.fp32
    /// The images that were asked about.
    public private(set) var images = 0
    /// The seconds that the expert's own passes took.
    public private(set) var seconds = 0.0
    /// The seconds that it waited for images.
    public private(set) var waited = 0.0

    /// Creates the questions to an expert.
    ///
    /// - Throws: a `Diagnostic` for a model that has one answer for an image.
    public init(_ model: LoadedModel, provider: ImageProvider, workers: Int) throws {
        network = try model.dense()
        self.model = model
        self.provider = provider
        self.workers = workers
    }

    /// The question that the expert answers.
    public var task: DenseTask { network.task }

    /// Calls `body` with the answers about every batch of images, in order.
    public mutating func run(
        _ records: [ImageRecord], body: (_ places: Range<Int>, _ answers: [Answer]) throws -> Void
    ) throws {
        let (size, batchSize) = (model.viewSize, batchSize)
        let loader = BatchLoader(
            provider, batches: 0..<(records.count + batchSize - 1) / batchSize, sizes: [size],
            toleratesFailures: true, workers: workers
        ) { batch in
            records[batch * batchSize..<min(records.count, (batch + 1) * batchSize)].map {
                ImageView($0, ViewParameters(top: 0, left: 0, height: $0.height, width: $0.width))
            }
        }
        defer {
            waited += loader.waited.seconds
            loader.cancel()
        }
        while let batch = try loader.next() {
            let start = clock.now
            let output = try withoutGradients {
                let images = try model.images(batch, size: size)
                return try precision.run(on: model.device) { try network(images) }
            }
            // A device works on; its answers are waited for when they are read.
            if model.device != .cpu { _ = try output.sum().item() }
            seconds += (clock.now - start).seconds
            images += batch.count
            let first = batch.index * batchSize
            try body(first..<first + batch.count, withoutGradients { try answers(batch, output) })
        }
    }

    /// The answers about a batch, image by image: they are of different sizes, and what picks some of them would copy the
    /// largest tensor there is.
    private func answers(_ batch: Batch, _ output: Tensor) throws -> [Answer] {
        try batch.views.enumerated().map { place, view in
            if let reason = batch.failures[place] { return .failure(reason) }
            let (width, height) = (view.record.width, view.record.height)
            let scale = min(1, Double(longestSide) / Double(max(width, height)))
            let (columns, rows) = (
                max(1, Int((Double(width) * scale).rounded())),
                max(1, Int((Double(height) * scale).rounded()))
            )
            let own = try output.slice(dim: 0, from: place, to: place + 1)
            let isSame = Array(own.shape[2...]) == [rows, columns]
            let map = try isSame ? own : own.upsampleBilinear(height: rows, width: columns)
            let answer = try answer(map.to(Device.cpu), columns, rows)
            guard noise > 0, case .map(let map, let confidence) = answer else { return answer }
            return .map(map.shuffled(noise, key: view.record.id, seed: seed), confidence: confidence)
        }
    }

    /// The answer about an image in logits, depths or normals, `[1, C, height, width]`.
    ///
    /// One number that is not finite spoils it: the expert's arithmetic broke down.
    private func answer(_ output: Tensor, _ width: Int, _ height: Int) throws -> Answer {
        let broken = Answer.failure("the expert's answer is not finite")
        func map(_ values: [Float]) -> DenseMap {
            DenseMap(task, width: width, height: height, values: values)
        }
        switch task {
        case .segmentation:
            let (numbers, largest) = try output.mostProbableClasses()
            let mean = try largest.mean().item()
            guard mean.isFinite else { return broken }
            let kept = try confidence > 0 ? numbers.maskedFill(largest.less(confidence), Double.nan) : numbers
            return .map(map(try kept.floats()), confidence: mean)
        case .depth:
            guard try output.isFinite().all().item() == 1 else { return broken }
            return .map(map(try output.floats()), confidence: nil)
        case .normals:
            guard try output.isFinite().all().item() == 1 else { return broken }
            let values = try output.normalize(1).permute(0, 2, 3, 1).contiguous().floats()
            return .map(map(values), confidence: nil)
        }
    }
}
