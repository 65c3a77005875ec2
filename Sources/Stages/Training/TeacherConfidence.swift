internal import Engine
public import Foundation
internal import Tensors
internal import Training

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
        let location = ArtifactLocation(
            directory: folder, node: folder.lastPathComponent, store: folder.deletingLastPathComponent())
        let answers = try LabelSet(location).answers()
        guard answers.shards.classCount > 0 else { return nil }
        var confidences: [Double] = []
        try answers.shards.forEachShard(of: LabelSet.shardCount(of: answers.count)) { tensors in
            confidences += try Self.confidences(tensors, views: answers.viewCount)
        }
        images = confidences.count
        self.threshold = threshold
        mean = confidences.reduce(0, +) / Double(max(1, images))
        share = Double(confidences.count { $0 >= threshold }) / Double(max(1, images))
    }

    /// The confidence about each image of a shard, whichever form its predictions have.
    private static func confidences(_ tensors: [String: Tensor], views: Int) throws -> [Double] {
        let rows: [Double]
        if let logits = tensors["logits"] {
            let values = try logits.floats()
            let width = logits.shape.last ?? 1
            rows = stride(from: 0, to: values.count, by: width).map { largest(values[$0..<$0 + width]) }
        } else if let top = tensors["top_logits"], let rest = tensors["rest"] {
            let (values, others) = (try top.floats(), try rest.floats())
            let width = top.shape.last ?? 1
            // The rest is the log-sum-exp of all other logits: as one logit it gives the same sum.
            rows = others.indices.map { row in
                largest(values[row * width..<(row + 1) * width] + [others[row]], among: width)
            }
        } else {
            rows = []
        }
        return stride(from: 0, to: rows.count, by: views).map { first in
            rows[first..<first + views].reduce(0, +) / Double(views)
        }
    }

    /// The largest probability, of the first so many.
    private static func largest(_ logits: some Collection<Float>, among count: Int? = nil) -> Double {
        let highest = Double(logits.max() ?? 0)
        let sum = logits.reduce(0) { $0 + exp(Double($1) - highest) }
        let first = Double(logits.prefix(count ?? logits.count).max() ?? 0)
        return exp(first - highest) / sum
    }
}
