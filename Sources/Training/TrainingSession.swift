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
    /// The processes that train together; nil where this one is alone.
    public var parallel: DataParallel?

    /// Creates a session.
    public init(folder: URL, generator: Generator, hooks: TrainingHooks = .silent) {
        self.folder = folder
        self.generator = generator
        self.hooks = hooks
    }

    /// Whether this process validates, decides and saves.
    var isLeader: Bool { parallel?.isLeader ?? true }

    /// Which images of every batch this process handles.
    func plan(_ recipe: Recipe) throws -> BatchPlan {
        try parallel?.plan(images: recipe.batchSize, microBatch: recipe.microBatch)
            ?? BatchPlan(images: recipe.batchSize, microBatch: recipe.microBatch)
    }
}
