internal import Engine
public import Foundation
internal import Tensors
internal import Training

/// What a teacher answered about each image of a label set, in two figures.
public struct TeacherCertainty: Sendable {
    /// The content ids, in the order of the label set.
    public let ids: [String]
    /// The largest probability, averaged over the views the teacher was asked about.
    public let confidences: [Double]
    /// The entropy of the probabilities in nats, averaged over the views.
    ///
    /// Where a label set keeps only the largest probabilities, the rest counts as spread evenly over the other classes.
    public let entropies: [Double]

    /// Reads the artifact of a label stage; nil when the teacher has no classifier.
    public init?(labels folder: URL) throws {
        let location = ArtifactLocation(
            directory: folder, node: folder.lastPathComponent, store: folder.deletingLastPathComponent())
        let answers = try LabelSet(location).answers()
        guard answers.shards.classCount > 0 else { return nil }
        var (confidences, entropies) = ([Double](), [Double]())
        try answers.shards.forEachShard(of: LabelSet.shardCount(of: answers.count)) { tensors in
            let answered = try Self.distributions(tensors, classCount: answers.shards.classCount)
            for first in stride(from: 0, to: answered.count, by: answers.viewCount) {
                let views = answered[first..<first + answers.viewCount]
                confidences.append(views.reduce(0) { $0 + $1.largest } / Double(views.count))
                entropies.append(views.reduce(0) { $0 + $1.entropy } / Double(views.count))
            }
        }
        self.confidences = confidences
        self.entropies = entropies
        ids = try (0..<answers.count).map(answers.images.id)
    }

    /// The answers to one shard's views, whichever form its predictions have.
    private static func distributions(
        _ tensors: [String: Tensor], classCount: Int
    ) throws -> [(largest: Double, entropy: Double)] {
        if let logits = tensors["logits"] {
            let values = try logits.floats()
            let width = logits.shape.last ?? 1
            return stride(from: 0, to: values.count, by: width).map {
                distribution(values[$0..<$0 + width], rest: nil, others: 0)
            }
        }
        guard let top = tensors["top_logits"], let rest = tensors["rest"] else { return [] }
        let (values, others) = (try top.floats(), try rest.floats())
        let width = top.shape.last ?? 1
        return others.indices.map { row in
            distribution(
                values[row * width..<(row + 1) * width], rest: others[row], others: classCount - width)
        }
    }

    /// The largest probability and the entropy; `rest` is the log-sum-exp of so many other logits.
    private static func distribution(
        _ logits: ArraySlice<Float>, rest: Float?, others: Int
    ) -> (largest: Double, entropy: Double) {
        let top = logits.reduce(-Float.infinity, max)
        let highest = Double(max(top, rest ?? -.infinity))
        let weights = logits.map { exp(Double($0) - highest) }
        let remaining = rest.map { exp(Double($0) - highest) } ?? 0
        let sum = weights.reduce(remaining, +)
        func term(_ probability: Double) -> Double { probability > 0 ? -probability * log(probability) : 0 }
        var entropy = weights.reduce(0) { $0 + term($1 / sum) }
        if others > 0 { entropy += Double(others) * term(remaining / sum / Double(others)) }
        return (exp(Double(top) - highest) / sum, entropy)
    }
}

/// How sure a teacher is of the images of a transfer set: a stand-in for the share that is on its domain.
///
/// Of each image the largest probability, averaged over the views it was asked about. A teacher can be sure of what it
/// has never seen, so the share compares transfer sets of one teacher; it is no count of images on the domain.
public struct TeacherConfidence: Codable, Hashable, Sendable {
    /// The number of images.
    public var images: Int
    /// The mean over the images.
    public var mean: Double
    /// The confidence from which an image counts as one that the teacher knows.
    public var threshold: Double
    /// The share of such images.
    public var share: Double

    /// Reads the artifact of a label stage; nil when the teacher has no classifier.
    public init?(labels folder: URL, threshold: Double = 0.5) throws {
        guard let certainty = try TeacherCertainty(labels: folder) else { return nil }
        let confidences = certainty.confidences
        images = confidences.count
        self.threshold = threshold
        mean = confidences.reduce(0, +) / Double(max(1, images))
        share = Double(confidences.count { $0 >= threshold }) / Double(max(1, images))
    }
}
