internal import Foundation
internal import Layers
public import Tensors
public import Vision

/// How a student is getting on, measured on labelled images now and then while it learns.
///
/// Probes look at the student in evaluation mode and draw no random numbers, so it ends with the same bytes with or
/// without them. One pass over the images serves them all; a nearest-neighbour and a linear probe of the features
/// look at no more than ``FeatureProbes/limit`` images, and are left out while the probes have taken more than a
/// twentieth of the time.
public final class StudentProbes {
    /// The labelled images.
    public let images: [ImageRecord]
    /// The teacher's logits `[n, K]` for the same images, seen whole; nil where it was not asked.
    public let teacherLogits: Tensor?

    /// The largest share of the time that may go into what the accuracy itself does not need.
    private static let share = 0.05
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private var spent = Duration.zero

    /// Prepares probes.
    public init(images: [ImageRecord], teacherLogits: Tensor? = nil) {
        self.images = images
        self.teacherLogits = teacherLogits
        began = clock.now
    }

    /// The share of the time since the start that went into the probes, besides the accuracy.
    public var timeShare: Double { spent.seconds / max((clock.now - began).seconds, 1e-9) }

    /// Measures a student.
    ///
    /// - Parameter predicts: whether its classifier is trained; its features are looked at in any case.
    func values(of inference: Inference, predicts: Bool, isLast: Bool) throws -> [(String, Double)] {
        let wantsFeatures = isLast || timeShare <= Self.share
        guard predicts || wantsFeatures else { return [] }
        let chosen = Self.evenly(FeatureProbes.limit, of: images.count)
        // Without a trained classifier only the features' images are needed.
        let seen = predicts ? Array(images.indices) : chosen
        var (features, logits): ([Tensor], [Tensor]) = ([], [])
        let pass = try clock.measure {
            try inference.run(seen.map { ImageView(images[$0], .evaluation) }) { output in
                features.append(try output.features.to(Device.cpu))
                if predicts, let values = output.logits { logits.append(try values.to(Device.cpu)) }
            }
        }
        if !predicts { spent += pass }
        var values: [(String, Double)] = []
        if predicts {
            let student = try Tensor.cat(logits)
            let answers = try student.argmax(1).ints()
            let right = zip(answers, images).count { $0 == $1.label }
            values.append(("val_top1", Double(right) / Double(images.count)))
            if let teacherLogits { values += try Self.agreement(teacherLogits, student, answers) }
        }
        guard wantsFeatures else { return values }
        spent += try clock.measure {
            let rows = try predicts ? Tensor(chosen) : Tensor.arange(0, chosen.count)
            let table = try Tensor.cat(features).indexSelect(dim: 0, rows)
            let labels = chosen.map { images[$0].label ?? 0 }
            let classCount = (labels.max() ?? 0) + 1
            values.append(
                (
                    "knn_accuracy",
                    try FeatureProbes.nearestNeighbours(table, labels: labels, classCount: classCount)
                ))
            values.append(
                ("linear_accuracy", try FeatureProbes.linear(table, labels: labels, classCount: classCount)))
        }
        return values
    }

    /// How often teacher and student name the same class, and the mean KL(teacher ‖ student) in nats.
    private static func agreement(
        _ teacher: Tensor, _ student: Tensor, _ answers: [Int]
    ) throws -> [(String, Double)] {
        let same = zip(try teacher.argmax(1).ints(), answers).count { $0 == $1 }
        let distance = try Loss.distillation(teacher: teacher, student: student).item()
        return [("teacher_agreement", Double(same) / Double(answers.count)), ("teacher_kl", distance)]
    }

    /// So many of `count` places, evenly spread.
    private static func evenly(_ limit: Int, of count: Int) -> [Int] {
        let taken = min(limit, count)
        return (0..<taken).map { $0 * count / taken }
    }
}
