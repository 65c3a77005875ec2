public import Foundation
public import Tensors

/// The surroundings of one training run: where it keeps its checkpoints, its random numbers, whom it reports to.
public struct TrainingSession {
    /// The folder of the loop's checkpoints.
    public var folder: URL
    /// Source of all noise during training; its state is part of every checkpoint.
    public var generator: Generator
    /// Whom the loop reports to.
    public var hooks: TrainingHooks

    /// Creates a session.
    public init(folder: URL, generator: Generator, hooks: TrainingHooks = .silent) {
        self.folder = folder
        self.generator = generator
        self.hooks = hooks
    }
}
