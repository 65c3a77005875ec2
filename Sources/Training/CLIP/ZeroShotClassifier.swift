internal import Diagnostics
internal import Models
public import Tensors
public import Vision

/// A classifier that was never trained: the names of the classes, put into sentences, are what images are compared with.
///
/// Radford et al. 2021, section 3.1: the unit vectors of a class's sentences are averaged, and the mean is brought to
/// length one.
public struct ZeroShotClassifier {
    /// The place of a class's name in a sentence.
    public static let place = "{}"
    /// Sentences for photographs.
    public static let templates = ["a photo of a {}.", "a picture of the {}.", "an image showing a {}."]

    /// A unit vector of each class, `[C, P]`.
    public let weights: Tensor
    private let clip: LoadedCLIP

    /// Makes the classifier of some classes.
    ///
    /// - Throws: a `Diagnostic` for a sentence without a place for the name.
    public init(_ clip: LoadedCLIP, classes: [String], templates: [String] = templates) throws {
        let vectors = try templates.map { template in
            try Self.check(template)
            return try clip.embeddings(of: classes.map { template.replacing(Self.place, with: $0) })
        }
        weights = try Tensor.stack(vectors, dim: 0).mean(0).normalize(-1)
        self.clip = clip
    }

    /// - Throws: a `Diagnostic` for a sentence without a place for the name of a class.
    public static func check(_ template: String) throws {
        guard !template.contains(place) else { return }
        throw Diagnostic(
            "the sentence '\(template)' has no place for the name of a class",
            hint: "write it as in 'a photo of a {}.'")
    }

    /// The probabilities of the classes for images, seen whole, at the scale that the model has learned.
    public func probabilities(
        of records: [ImageRecord], provider: ImageProvider, workers: Int
    ) throws -> [[Float]] {
        let images = try clip.embeddings(of: records, provider: provider, workers: workers)
        let scale = try clip.model.logitScale.detach().exp().item()
        let logits = try images.matmul(weights.to(.cpu).transpose(0, 1)) * scale
        let (values, width) = (try logits.softmax(1).floats(), weights.shape[0])
        return records.indices.map { Array(values[$0 * width..<($0 + 1) * width]) }
    }
}
