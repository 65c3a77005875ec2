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

    /// Calls `body` with the number of every batch of images and the answers about it, in order.
    public mutating func run(
        _ batches: [ArraySlice<ImageRecord>], body: (_ batch: Int, _ answers: [Answer]) throws -> Void
    ) throws {
        let size = model.viewSize
        let loader = BatchLoader(
            provider, batches: batches.indices, sizes: [size], toleratesFailures: true, workers: workers
        ) { batch in
            batches[batch].map {
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
            try body(batch.index, withoutGradients { try answers(batch, output) })
        }
    }

    /// The numbers up to which answers are taken from a batch as a whole.
    private static let smallBatch = 1 << 22

    /// The answers about a batch.
    ///
    /// Small maps of one size are taken as a whole, or many small operations would take their time. Others are taken
    /// image by image: what picks some of them would copy the largest tensor there is.
    private func answers(_ batch: Batch, _ output: Tensor) throws -> [Answer] {
        let sizes = batch.views.map { mapSize(of: $0.record) }
        let numbers = sizes.reduce(0) { $0 + $1.columns * $1.rows * output.shape[1] }
        let isWhole = numbers <= Self.smallBatch && sizes.allSatisfy { $0 == sizes[0] }
        let whole = isWhole ? try answers(output, sizes[0]) : nil
        return try batch.views.enumerated().map { place, view in
            if let reason = batch.failures[place] { return .failure(reason) }
            let answer =
                try whole?[place]
                ?? answers(output.slice(dim: 0, from: place, to: place + 1), sizes[place])[0]
            guard noise > 0, case .map(let map, let confidence) = answer else { return answer }
            return .map(map.shuffled(noise, key: view.record.id, seed: seed), confidence: confidence)
        }
    }

    /// Whether numbers are probabilities of classes already: a script may end in a softmax.
    ///
    /// Logits `[N, C, H, W]` that lie in 0...1 and add up to one at every pixel there are none.
    static func areProbabilities(_ maps: Tensor) throws -> Bool {
        let first = try maps.slice(dim: 0, from: 0, to: 1).to(.float32)
        guard first.shape[1] > 1, try first.min().item() >= 0, try first.max().item() <= 1.001 else {
            return false
        }
        let sums = try first.sum(1)
        return try sums.min().item() > 0.99 && sums.max().item() < 1.01
    }

    private func mapSize(of record: ImageRecord) -> (columns: Int, rows: Int) {
        let scale = min(1, Double(longestSide) / Double(max(record.width, record.height)))
        func scaled(_ side: Int) -> Int { max(1, Int((Double(side) * scale).rounded())) }
        return (scaled(record.width), scaled(record.height))
    }

    /// The answers in logits, depths or normals, `[N, C, H, W]`, as maps of a size.
    ///
    /// One number that is not finite spoils an image's answer: the expert's arithmetic broke down.
    private func answers(_ output: Tensor, _ size: (columns: Int, rows: Int)) throws -> [Answer] {
        let isSame = Array(output.shape[2...]) == [size.rows, size.columns]
        let resized = try isSame ? output : output.upsampleBilinear(height: size.rows, width: size.columns)
        let maps = try resized.to(Device.cpu)
        var means: [Float]?
        let values: [Float]
        switch task {
        case .segmentation:
            let (numbers, largest) = try (Self.areProbabilities(maps) ? maps.log() : maps)
                .mostProbableClasses()
            means = try largest.reshape([maps.shape[0], -1]).mean(1).floats()
            values =
                try (confidence > 0 ? numbers.maskedFill(largest.less(confidence), Double.nan) : numbers)
                .floats()
        case .depth: values = try maps.floats()
        case .normals: values = try maps.normalize(1).permute(0, 2, 3, 1).contiguous().floats()
        }
        let length = values.count / maps.shape[0]
        return (0..<maps.shape[0]).map { place in
            let own = values[place * length..<(place + 1) * length]
            let isFinite = means.map { $0[place].isFinite } ?? own.allSatisfy(\.isFinite)
            guard isFinite else { return .failure("the expert's answer is not finite") }
            return .map(
                DenseMap(task, width: size.columns, height: size.rows, values: Array(own)),
                confidence: means.map { Double($0[place]) })
        }
    }
}
