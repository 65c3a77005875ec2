internal import Foundation
internal import Layers
public import Vision

/// What experts said of the pixels of images, learned beside captions through a head that is thrown away.
///
/// Salehi et al. 2023, "CLIP meets Model Zoo Experts: Pseudo-Supervision for Visual Enhancement", section 3: `L = λ_clip ·
/// L_clip + Σ λ_t · L_t` over the tasks that experts were asked about.
public struct DenseTerm {
    /// How λ goes on while training does.
    public enum Schedule: String, CaseIterable, Hashable, Sendable {
        /// As it is.
        case constant
        /// Evenly down to zero.
        case linear
        /// Along half a cosine down to zero.
        case cosine

        /// What λ is multiplied by at a step.
        public func factor(at step: Int, of steps: Int) -> Double {
            let part = Double(step) / Double(max(1, steps))
            return switch self {
            case .constant: 1
            case .linear: 1 - part
            case .cosine: (1 + cos(.pi * part)) / 2
            }
        }
    }

    /// The loss.
    public var objective: DenseObjective
    /// Where maps come from.
    public var targets: any DenseTargets
    /// The numbers that the head makes of every pixel.
    public var outputs: Int
    /// λ of this task.
    public var weight: Double

    /// Creates a term; `classCount` matters to segmentation alone.
    public init(
        _ objective: DenseObjective, targets: any DenseTargets, classCount: Int, weight: Double
    ) {
        self.objective = objective
        self.targets = targets
        outputs = objective.outputCount(classCount: classCount)
        self.weight = weight
    }

    /// What the loss of a head that knows nothing is, by which losses are divided so that one λ serves all tasks: equal
    /// probabilities, one depth everywhere, normals in any direction.
    var unit: Double {
        switch objective.task {
        case .segmentation: max(log(Double(outputs)), 1e-3)
        case .depth: 1
        case .normals: objective.normalDistance == .cosine ? 1 : 2
        }
    }

    var name: String { objective.task.rawValue }
}
