internal import Tensors
internal import Vision

/// Watches for steps whose loss or gradient is not finite, without waiting for the device at every step.
///
/// Losses and norms stay on the device until they are asked for, a few steps at a time; the images of those steps are
/// kept as long, so that the first bad step is named with its own.
final class FiniteWatch {
    private var pending: [(step: Int, outcome: WeightUpdate.Outcome, images: [ImageView])] = []
    private var last = 0.0

    /// Notes a step, counted from one.
    func add(_ outcome: WeightUpdate.Outcome, step: Int, images: [ImageView]) {
        pending.append((step, outcome, images))
    }

    /// The loss of the last step.
    ///
    /// - Throws: `NonFiniteStep` for the first of the steps since the last check that is not finite.
    func check() throws -> Double {
        guard !pending.isEmpty else { return last }
        defer { pending = [] }
        let losses = try Tensor.stack(pending.map(\.outcome.loss)).doubles()
        let norms = try Tensor.stack(pending.map(\.outcome.gradientNorm)).doubles()
        for (entry, (loss, norm)) in zip(pending, zip(losses, norms))
        where !loss.isFinite || !norm.isFinite {
            throw NonFiniteStep(
                step: entry.step, quantity: loss.isFinite ? .gradient : .loss,
                images: entry.images.map(\.record))
        }
        last = losses.last ?? last
        return last
    }
}
