internal import Foundation
public import Tensors

/// How much of a teacher's predictions is kept.
///
/// The sparse form is that of dataset reinforcement (Faghri et al. 2023): the largest few classes, and the mass of
/// the others spread evenly over them. It keeps logits, not probabilities, and the log-sum-exp of the others, so
/// that predictions can be softened afterwards. What this leaves exact:
///
/// - At temperature 1 the probability of every kept class, and that of all others together. No class is off by
///   more than the others' mass, and the total variation distance is at most that mass.
/// - At any other temperature the ratios between kept classes. The share of all others is an upper bound at
///   temperatures above 1 and a lower bound below, because even spreading is the extreme case (Jensen).
public enum PredictionForm: Hashable, Sendable {
    /// All logits.
    case logits
    /// The largest logits, and the log-sum-exp of the rest.
    case topK(Int)

    /// The names of the stored tensors.
    static let (allLogits, topLogits, topClasses, rest) = (
        "logits", "top_logits", "top_classes", "rest"
    )

    /// The smallest form that keeps `k` classes of so many: all of them, where there are no more.
    public init(keeping k: Int, of classCount: Int) { self = classCount > k ? .topK(k) : .logits }

    /// What is stored of fp32 logits `[n, K]`: tensors by name, each with `n` rows.
    public func encode(_ logits: Tensor) throws -> [String: Tensor] {
        guard case .topK(let k) = self else { return [Self.allLogits: logits] }
        let (sorted, order) = try logits.sort(1, descending: true)
        let classes = try order.slice(dim: 1, from: 0, to: k)
        return [
            Self.topLogits: try sorted.slice(dim: 1, from: 0, to: k).contiguous(),
            Self.topClasses: try classes.to(logits.shape[1] <= 256 ? .uint8 : .int32).contiguous(),
            Self.rest: try sorted.slice(dim: 1, from: k).logSumExp(dims: [1]),
        ]
    }

    /// The probability mass outside the kept classes, at temperature 1, of every row of stored tensors.
    public static func restMass(of tensors: [String: Tensor]) throws -> Tensor? {
        guard let top = tensors[topLogits], let rest = tensors[rest] else { return nil }
        let kept = try top.logSumExp(dims: [-1])
        // p / (1 + p) of the odds, which does not cancel.
        let odds = try (rest - kept).exp()
        return try odds / (odds + 1.0)
    }

    /// The logits of rows of the sparse form: the kept ones, and for every other class an equal share of the rest.
    static func densify(top: [Float], classes: [Int], rest: [Float], classCount: Int) -> [Float] {
        let k = top.count / max(1, rest.count)
        let others = log(Float(classCount - k))
        return [Float](unsafeUninitializedCapacity: rest.count * classCount) { buffer, count in
            for row in rest.indices {
                let start = row * classCount
                buffer[start..<start + classCount].update(repeating: rest[row] - others)
                for place in row * k..<(row + 1) * k { buffer[start + classes[place]] = top[place] }
            }
            count = rest.count * classCount
        }
    }
}
