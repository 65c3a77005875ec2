internal import Diagnostics
public import Foundation
internal import Tensors
public import Training
internal import Vision

/// Says which classes the images of a plain folder show, outside any pipeline.
public struct FolderClassifier {
    /// A class, and how sure the model is of it.
    public struct Guess: Codable, Hashable, Sendable {
        /// The class's name.
        public var `class`: String
        /// The class's number.
        public var index: Int
        /// The probability that the model gives it.
        public var confidence: Float
    }

    /// What the model says of one image.
    public struct Prediction: Codable, Hashable, Sendable {
        /// The image's path below the folder.
        public var image: String
        /// The likeliest class.
        public var `class`: String
        /// Its number.
        public var index: Int
        /// Its probability.
        public var confidence: Float
        /// The likeliest classes, in order.
        public var top: [Guess]
    }

    /// The predictions of a folder.
    public struct Summary: Sendable {
        /// One for each readable image, in the order of the file names.
        public var predictions: [Prediction]
        /// Files that could not be read as images, with the reasons.
        public var skipped: [String: String]
    }

    private let model: LoadedModel
    private let workers: Int
    private let top: Int
    private let batchSize: Int

    /// Prepares the classification with a model.
    ///
    /// - Parameters:
    ///   - top: how many classes are told of each image; all, where there are fewer.
    ///   - batchSize: the images in one forward pass.
    ///   - workers: threads that load images.
    /// - Throws: a `Diagnostic` for a model without classes of whole images.
    public init(_ model: LoadedModel, top: Int, batchSize: Int, workers: Int) throws {
        guard model.hasHead else {
            throw Diagnostic(
                model.segmenter == nil
                    ? "the model has no classes to tell apart"
                    : "the model tells pixels apart, not whole images",
                hint: "'retort embed' makes vectors of images", exitCode: .badData)
        }
        self.model = model
        self.top = top
        self.batchSize = batchSize
        self.workers = workers
    }

    /// Classifies every readable image below a folder.
    public func classify(_ folder: URL) throws -> Summary {
        let images = try FolderImages(folder)
        var inference = Inference(model, provider: images.provider, workers: workers)
        // Rows that only fill a batch up would cost as much as images do.
        inference.batchSize = min(batchSize, images.records.count)
        let probabilities = try inference.probabilities(of: images.records)
        return Summary(
            predictions: zip(images.records, probabilities).map { prediction(of: $0.member, $1) },
            skipped: images.skipped)
    }

    private func prediction(of image: String, _ probabilities: [Float]) -> Prediction {
        let names = model.card.classes
        // Of equal probabilities the first class comes first, as argmax has it.
        let order = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
        let guesses = order.prefix(max(1, top)).map { index in
            Guess(
                class: names.indices.contains(index) ? names[index] : "\(index)", index: index,
                confidence: probabilities[index])
        }
        return Prediction(
            image: image, class: guesses[0].class, index: guesses[0].index, confidence: guesses[0].confidence,
            top: guesses)
    }
}
