internal import Diagnostics
internal import Foundation
internal import Models
public import Tensors
public import Vision

/// How often images find their captions, and captions their image, among those of a whole set.
///
/// Candidates of equal similarity are taken in every order: what is told is the mean, so that a model for which all is
/// alike scores as chance does.
public struct RetrievalMetrics: Codable, Hashable, Sendable {
    /// The shares found among the first few.
    public struct Recall: Codable, Hashable, Sendable {
        /// Among the first, the first five, the first ten.
        public var r1, r5, r10: Double

        /// Joins shares.
        public init(r1: Double, r5: Double, r10: Double) {
            self.r1 = r1
            self.r5 = r5
            self.r10 = r10
        }
    }

    /// The images, and their captions.
    public var images, captions: Int
    /// From an image to any of its captions.
    public var imageToText: Recall
    /// From a caption to its image.
    public var textToImage: Recall
    /// The chance to find a caption's image at the first try.
    public var chance: Double
    /// What both come to when candidates are put into any order; absent in evaluations of earlier versions.
    public var imageToTextFloor, textToImageFloor: Recall?

    enum CodingKeys: String, CodingKey {
        case images, captions, chance
        case imageToText = "image_to_text"
        case textToImage = "text_to_image"
        case imageToTextFloor = "image_to_text_floor"
        case textToImageFloor = "text_to_image_floor"
    }

    /// Compares unit vectors.
    ///
    /// - Parameters:
    ///   - images: `[N, P]`.
    ///   - texts: `[M, P]`.
    ///   - owners: which image each text is of; every image has a text at least.
    public init(images: Tensor, texts: Tensor, owners: [Int]) throws {
        let (count, width) = (images.shape[0], texts.shape[0])
        var own = [[Int]](repeating: [], count: count)
        for (text, image) in owners.enumerated() { own[image].append(text) }
        let columns = try texts.transpose(0, 1)
        var found = Found(count: count)
        // In blocks, so that memory does not grow with the product of both.
        for first in stride(from: 0, to: count, by: 512) {
            let block = try images.slice(dim: 0, from: first, to: min(count, first + 512))
            let scores = try block.matmul(columns).floats()
            for row in 0..<block.shape[0] {
                found.add(Array(scores[row * width..<(row + 1) * width]), own: own[first + row])
            }
        }
        imageToText = found.recall
        found = Found(count: width)
        let rows = try images.transpose(0, 1)
        for first in stride(from: 0, to: width, by: 512) {
            let block = try texts.slice(dim: 0, from: first, to: min(width, first + 512))
            let scores = try block.matmul(rows).floats()
            for row in 0..<block.shape[0] {
                found.add(Array(scores[row * count..<(row + 1) * count]), own: [owners[first + row]])
            }
        }
        textToImage = found.recall
        self.images = count
        captions = width
        chance = 1 / Double(max(1, count))
        var (byImage, byText) = (Found(count: count), Found(count: width))
        for texts in own { byImage.addChance(of: texts.count, among: width) }
        for _ in 0..<width { byText.addChance(of: 1, among: count) }
        (imageToTextFloor, textToImageFloor) = (byImage.recall, byText.recall)
    }

    /// Embeds images, seen whole, and all their captions, and compares them.
    ///
    /// - Throws: a `Diagnostic` where no image has a caption.
    public init(
        of clip: LoadedCLIP, on records: [ImageRecord], provider: ImageProvider, workers: Int
    ) throws {
        let records = records.filter { !$0.spokenCaptions.isEmpty }
        guard !records.isEmpty else {
            throw Diagnostic(
                "none of the images has a caption to find",
                hint:
                    "captions come from .txt or .json files in shards, a manifest's caption column, or a world",
                exitCode: .badData)
        }
        let texts = records.flatMap(\.spokenCaptions)
        let owners = records.enumerated().flatMap { index, record in
            record.spokenCaptions.map { _ in index }
        }
        try self.init(
            images: clip.embeddings(of: records, provider: provider, workers: workers),
            texts: clip.embeddings(of: texts), owners: owners)
    }

    /// Counts what is found among the first few.
    private struct Found {
        let count: Int
        private var sums = [0.0, 0.0, 0.0]

        init(count: Int) { self.count = count }

        /// The similarities of all candidates, and the places of those that are right.
        mutating func add(_ scores: [Float], own: [Int]) {
            guard let best = own.map({ scores[$0] }).max() else { return }
            let right = own.count { scores[$0] == best }
            var (better, equal) = (0, 0)
            for score in scores {
                if score > best { better += 1 } else if score == best { equal += 1 }
            }
            addChance(of: right, among: equal, behind: better)
        }

        /// Candidates in any order, of which some are right, behind others that are wrong.
        mutating func addChance(of right: Int, among count: Int, behind better: Int = 0) {
            for (index, k) in [1, 5, 10].enumerated() {
                sums[index] += Self.chance(of: right, among: count, within: k - better)
            }
        }

        /// The chance that one of `right` is among `places` drawn from `count`.
        private static func chance(of right: Int, among count: Int, within places: Int) -> Double {
            guard places > 0 else { return 0 }
            guard places < count else { return 1 }
            var none = 1.0
            for drawn in 0..<places {
                none *= Double(max(0, count - right - drawn)) / Double(count - drawn)
            }
            return 1 - none
        }

        var recall: Recall {
            let shares = sums.map { $0 / Double(max(1, count)) }
            return Recall(r1: shares[0], r5: shares[1], r10: shares[2])
        }
    }
}

extension LoadedCLIP {
    /// The unit vectors of images, seen whole, `[N, P]` in fp32 on the CPU.
    public func embeddings(
        of records: [ImageRecord], provider: ImageProvider, workers: Int
    ) throws -> Tensor {
        var parts: [Tensor] = []
        try Inference(whole, provider: provider, workers: workers).run(
            records.map { ImageView($0, whole.evaluationViews) }
        ) { output in
            parts.append(try embeddings(ofFeatures: output.features).to(.cpu))
        }
        return try Tensor.cat(parts, dim: 0)
    }
}
