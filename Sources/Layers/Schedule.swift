import Foundation

/// How the learning rate changes over a run, as a factor on the highest one.
public struct Schedule: Hashable, Codable, Sendable {
    /// What happens after the warm-up.
    public enum Shape: String, Codable, CaseIterable, Hashable, Sendable {
        /// The highest rate to the end.
        case constant
        /// Half a cosine down to the floor.
        case cosine
        /// The highest rate for most of the run, then a straight line down to the floor over the last fifth.
        ///
        /// Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations".
        case warmupStableDecay = "warmup-stable-decay"
    }

    /// What happens after the warm-up.
    public var shape: Shape
    /// The number of steps of the run.
    public var steps: Int
    /// The steps in which the rate rises linearly to its highest; the first step has a share of it already.
    public var warmUp: Int
    /// The share of the highest rate at which the run ends.
    public var floor: Double

    /// Creates a schedule for a run of `steps` steps.
    public init(_ shape: Shape, steps: Int, warmUp: Int = 0, floor: Double = 0) {
        self.shape = shape
        self.steps = steps
        self.warmUp = min(warmUp, steps)
        self.floor = floor
    }

    /// The factor for a step, counted from zero; steps beyond the run keep the last factor.
    public func factor(at step: Int) -> Double {
        if step < warmUp { return Double(step + 1) / Double(warmUp) }
        switch shape {
        case .constant:
            return 1
        case .cosine:
            // The first step after the warm-up has the full rate, and the last of the run the floor.
            let span = max(1, steps - warmUp - 1)
            let progress = Double(min(step - warmUp, span)) / Double(span)
            return floor + (1 - floor) * (1 + cos(.pi * progress)) / 2
        case .warmupStableDecay:
            let decay = max(1, steps / 5)
            let progress = Double(max(0, min(step + 1, steps) - (steps - decay))) / Double(decay)
            return 1 - (1 - floor) * progress
        }
    }
}
