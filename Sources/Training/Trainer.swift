internal import Diagnostics
public import Foundation
public import Layers
public import Tensors
public import Vision

/// The training loop: one optimizer update for each batch, resumable at any step.
///
/// An interrupted run that goes on from its last checkpoint ends with the same bytes as an undisturbed one, on
/// the CPU with the same number of threads: the batch of a step is a function of the step, and the checkpoint
/// holds weights, moving averages, optimizer state and the random generator.
public final class Trainer {
    private let parameters: Parameters
    private let recipe: Recipe
    private let generator: Generator
    private let state: TrainingState
    private let hooks: TrainingHooks
    private let optimizer: ParameterOptimizer
    private var average: ExponentialMovingAverage?

    /// How often the loop writes a checkpoint of its own accord.
    public var checkpointInterval: Duration = .seconds(30)
    /// How often the loop records its loss.
    public var logInterval = 10

    /// Creates a trainer for the trainable parameters of a model; `folder` keeps its checkpoints.
    ///
    /// - Parameter isHead: whether a parameter, by name, belongs to the head, which learns at its own rate.
    public init(
        _ parameters: Parameters, recipe: Recipe, generator: Generator, folder: URL, hooks: TrainingHooks,
        isHead: (String) -> Bool = { _ in false }
    ) throws {
        self.parameters = parameters
        self.recipe = recipe
        self.generator = generator
        self.hooks = hooks
        state = TrainingState(folder: folder)
        optimizer = try ParameterOptimizer(parameters, recipe: recipe, isHead: isHead)
        average = try recipe.averageDecay.map { try ExponentialMovingAverage(parameters, decay: $0) }
    }

    /// Trains to the end, from the last checkpoint if there is one.
    ///
    /// - Parameters:
    ///   - loader: gives the batches of a range of steps, in order.
    ///   - validate: called at the end of every epoch-like interval; its values are recorded.
    ///   - objective: the scalar loss of a batch.
    public func train(
        loader: (Range<Int>) throws -> BatchLoader, validateEvery interval: Int = .max,
        validate: () throws -> [(String, Double)] = { [] }, objective: (Batch) throws -> Tensor
    ) throws {
        let start = try restore()
        hooks.rewind(start)
        guard start < recipe.steps else { return try useAverage() }
        let loader = try loader(start..<recipe.steps)
        defer { loader.cancel() }
        let clock = ContinuousClock()
        let began = clock.now
        var lastCheckpoint = began
        var loss = 0.0
        for step in start..<recipe.steps {
            guard let batch = try loader.next() else {
                preconditionFailure("Retort bug: the loader ended before the training")
            }
            let value = try update(batch, step: step, objective: objective)
            let done = step + 1
            if done % logInterval == 0 || done == recipe.steps {
                loss = Double(try value.item())
                guard loss.isFinite else { throw NonFiniteLoss(step: done, images: batch.views.map(\.record.id)) }
                hooks.metric(done, "loss", loss)
            }
            if done % interval == 0 || done == recipe.steps {
                for (name, value) in try validate() { hooks.metric(done, name, value) }
            }
            if clock.now - lastCheckpoint > checkpointInterval, done < recipe.steps {
                try save(step: done)
                lastCheckpoint = clock.now
            }
            let elapsed = (clock.now - began).seconds
            let rate = Double((done - start) * recipe.batchSize) / max(elapsed, 1e-9)
            let waited = loader.waited.seconds / max(elapsed, 1e-9)
            try hooks.advance(
                done, recipe.steps, ["loss": loss, "images_per_second": rate, "data_wait": waited]
            ) { try save(step: done) }
        }
        try save(step: recipe.steps)
        try useAverage()
    }

    private func update(_ batch: Batch, step: Int, objective: (Batch) throws -> Tensor) throws -> Tensor {
        let schedule = Schedule.cosine(steps: recipe.steps, warmup: recipe.warmup)
        let loss =
            switch recipe.precision {
            case .fp32: try objective(batch)
            case .bf16: try autocast(.bfloat16) { try objective(batch) }
            }
        try loss.backward()
        try optimizer.step(scale: schedule.factor(at: step), clip: recipe.gradientClip)
        try average?.update(parameters)
        return try loss.detach()
    }

    /// The weights that training ends with are the averaged ones, where an average was kept.
    private func useAverage() throws { try average?.copy(to: parameters) }

    private func save(step: Int) throws {
        var tensors = parameters.all.map { (name: "model." + $0.name, tensor: $0.tensor) }
        tensors += optimizer.state.map { (name: "optimizer." + $0.name, tensor: $0.tensor) }
        tensors += average?.state.map { (name: "average." + $0.name, tensor: $0.tensor) } ?? []
        tensors.append((name: "generator", tensor: try Tensor(bytes: generator.state())))
        try state.write(tensors, step: step)
    }

    /// Returns the step to go on from.
    private func restore() throws -> Int {
        guard let saved = try state.read() else { return 0 }
        try parameters.restore(saved.tensors(below: "model."))
        try optimizer.restore(saved.tensors(below: "optimizer."))
        try average?.restore(saved.tensors(below: "average."))
        if let bytes = saved.tensors["generator"] { try generator.restore(bytes.bytes()) }
        return saved.step
    }
}

/// A loss that is not a number any more: the images of the batch, so that the cause can be found.
public struct NonFiniteLoss: Error, CustomStringConvertible {
    /// The step, from one.
    public let step: Int
    /// The ids of the batch's images.
    public let images: [String]

    /// What happened, with the first images of the batch.
    public var description: String {
        "the loss is not finite at step \(step); lower learning_rate, or look at the batch's images "
            + images.prefix(4).joined(separator: ", ")
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
