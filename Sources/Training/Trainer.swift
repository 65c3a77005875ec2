internal import Foundation
public import Layers
public import Tensors
public import Vision

/// The training loop: one optimizer update for each batch, resumable at any step.
///
/// An interrupted run that goes on from its last checkpoint ends with the same bytes as an undisturbed one, on
/// the CPU with the same number of threads: the batch of a step is a function of the step, and the checkpoint
/// holds weights, moving averages, optimizer state and the random generator.
public final class Trainer {
    private let parameters: [(prefix: String, parameters: Parameters)]
    private let recipe: Recipe
    private let session: TrainingSession
    private let device: Device
    private let state: TrainingState
    private let optimizer: any Optimizer
    private let average: MovingAverage?

    /// How often the loop writes a checkpoint of its own accord.
    public var checkpointInterval: Duration = .seconds(20)
    /// How often the loop records its loss.
    public var logInterval = 10

    /// Creates a trainer for what can be trained of a model.
    ///
    /// - Parameter extra: parameters that are trained along with the model but are no part of it, such as a
    ///   projection between two feature spaces.
    public init(
        _ model: LoadedModel, also extra: Parameters? = nil, recipe: Recipe, session: TrainingSession
    ) throws {
        parameters = [("model.", model.parameters)] + (extra.map { [("extra.", $0)] } ?? [])
        self.recipe = recipe
        self.session = session
        device = model.device
        state = TrainingState(folder: session.folder)
        let groups =
            model.parameters.groups(weightDecay: recipe.weightDecay) {
                model.isHead($0) ? recipe.headLearningRateScale : 1
            } + (extra?.groups(weightDecay: recipe.weightDecay) ?? [])
        optimizer =
            switch recipe.optimizer {
            case .adamw: try AdamW(groups, learningRate: recipe.learningRate)
            case .sgd: try SGD(groups, learningRate: recipe.learningRate, momentum: 0.9, nesterov: true)
            }
        average = try recipe.averageDecay.map { try MovingAverage(of: model.parameters, decay: $0) }
    }

    /// Trains to the end, from the last checkpoint if there is one.
    ///
    /// - Parameters:
    ///   - loader: gives the batches of a range of steps, in order.
    ///   - validate: called at the end of every epoch-like interval; its values are recorded.
    ///   - objective: the scalar loss of a batch.
    public func train(
        loader: (Range<Int>) throws -> BatchLoader, validateEvery interval: Int = .max,
        validate: () throws -> [(String, Double)] = { [] }, objective: (Batch, Int) throws -> Tensor
    ) throws {
        let start = try restore()
        session.hooks.rewind(start)
        guard start < recipe.steps else { return try keepAverage() }
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
                guard loss.isFinite else {
                    throw NonFiniteLoss(step: done, images: batch.views.map(\.record.id))
                }
                session.hooks.metric(done, "loss", loss)
            }
            if done % interval == 0 || done == recipe.steps {
                for (name, value) in try average?.withAverages(validate) ?? validate() {
                    session.hooks.metric(done, name, value)
                }
            }
            if clock.now - lastCheckpoint > checkpointInterval, done < recipe.steps {
                try save(step: done)
                lastCheckpoint = clock.now
            }
            let elapsed = (clock.now - began).seconds
            let rate = Double((done - start) * recipe.batchSize) / max(elapsed, 1e-9)
            let waited = loader.waited.seconds / max(elapsed, 1e-9)
            try session.hooks.advance(
                done, recipe.steps, ["loss": loss, "images_per_second": rate, "data_wait": waited]
            ) { try save(step: done) }
        }
        try save(step: recipe.steps)
        try keepAverage()
    }

    private func update(_ batch: Batch, step: Int, objective: (Batch, Int) throws -> Tensor) throws -> Tensor
    {
        let schedule = Schedule(
            .cosine, steps: recipe.steps, warmUp: Int(recipe.warmup * Double(recipe.steps)), floor: 0.01)
        optimizer.learningRate = recipe.learningRate * schedule.factor(at: step)
        try optimizer.zeroGrad()
        let loss = try recipe.precision.run(on: device) { try objective(batch, step) }
        try loss.backward()
        if let limit = recipe.gradientClip { try clipGradNorm(optimizer.parameters, maxNorm: limit) }
        try optimizer.step()
        try average?.update()
        return try loss.detach()
    }

    /// The weights that training ends with are the averaged ones, where an average was kept.
    private func keepAverage() throws {
        guard let average else { return }
        try parameters[0].parameters.restore(average.state())
    }

    private func save(step: Int) throws {
        var tensors = parameters.flatMap { prefix, parameters in
            parameters.named.map { (name: prefix + $0.name, tensor: $0.tensor) }
        }
        tensors += optimizer.state.map { (name: "optimizer." + $0.name, tensor: $0.tensor) }
        if let average {
            tensors += average.state().sorted { $0.key < $1.key }.map {
                (name: "average." + $0.key, tensor: $0.value)
            }
        }
        tensors.append((name: "generator", tensor: try Tensor(bytes: session.generator.state())))
        try state.write(tensors, step: step, updates: average?.updates ?? 0)
    }

    /// Returns the step to go on from.
    private func restore() throws -> Int {
        guard let saved = try state.read() else { return 0 }
        for (prefix, parameters) in parameters { try parameters.restore(saved.tensors(below: prefix)) }
        try optimizer.restore(saved.tensors(below: "optimizer."))
        try average?.restore(saved.tensors(below: "average."), updates: saved.updates)
        if let bytes = saved.tensors["generator"] { try session.generator.restore(bytes.bytes()) }
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
