internal import Diagnostics
internal import Layers
internal import Models
internal import Tensors
public import Vision

/// Names the pixels of images in evaluation mode, and counts how often that is right.
public struct SegmentationInference {
    let network: SegmentationModel
    private let model: LoadedModel
    private let provider: ImageProvider
    private let workers: Int
    /// Images in each batch.
    public var batchSize = 16

    /// Creates the inference of a model.
    ///
    /// - Throws: a `Diagnostic` for a model without a head for every pixel.
    public init(_ model: LoadedModel, provider: ImageProvider, workers: Int) throws {
        guard let network = model.segmenter else {
            throw Diagnostic(
                "the model has one class for a whole image, and none for its pixels",
                hint: "fine-tune it on images with masks, with head: linear-dense, psp or deeplabv3")
        }
        self.network = network
        self.model = model
        self.provider = provider
        self.workers = workers
    }

    /// Compares what the model says with the masks, in the square in which it sees each image.
    public func metrics(on records: [ImageRecord]) throws -> SegmentationMetrics {
        let (size, batchSize, views) = (model.viewSize, batchSize, model.evaluationViews)
        let classes = model.card.classes
        var confusion = [[Int]](repeating: [Int](repeating: 0, count: classes.count), count: classes.count)
        let loader = BatchLoader(
            provider, batches: 0..<(records.count + batchSize - 1) / batchSize, sizes: [size],
            masks: size.side, workers: workers
        ) { batch in
            records[batch * batchSize..<min(records.count, (batch + 1) * batchSize)].map {
                ImageView($0, views)
            }
        }
        defer { loader.cancel() }
        while let batch = try loader.next() {
            let predicted = try withoutGradients {
                try network(model.images(batch, size: size), mode: .evaluation).argmax(1).ints()
            }
            for (mask, prediction) in zip(batch.maskBytes, predicted) where mask != Mask.unnamed {
                confusion[Int(mask)][prediction] += 1
            }
        }
        return SegmentationMetrics(images: records.count, confusion: confusion, classes: classes)
    }
}
