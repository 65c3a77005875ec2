internal import Diagnostics
internal import Layers
internal import Tensors
public import Vision

/// Names the pixels of images in evaluation mode, and counts how often that is right.
public struct SegmentationInference {
    private let inference: DenseInference
    private let classes: [String]

    /// Creates the inference of a model.
    ///
    /// - Throws: a `Diagnostic` for a model that does not name pixels.
    public init(_ model: LoadedModel, provider: ImageProvider, workers: Int) throws {
        inference = try DenseInference(
            model, targets: RecordedTargets(provider, .segmentation), provider: provider, workers: workers)
        classes = model.card.classes
    }

    /// Compares what the model says with the masks, in the square in which it sees each image.
    public func metrics(on records: [ImageRecord]) throws -> SegmentationMetrics {
        SegmentationMetrics(
            images: records.count, confusion: try inference.confusion(on: records), classes: classes)
    }
}
