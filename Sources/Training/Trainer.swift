internal import Diagnostics
internal import Foundation
public import Layers
public import Tensors
public import Vision

/// The training loop: one optimizer update for each batch, resumable at any step.
///
/// An interrupted run that goes on from its last checkpoint ends with the same bytes as an undisturbed one, on
/// the CPU with the same number of threads: the batch of a step is a function of the step, and the checkpoint
/// holds weights, moving averages, best weights, optimizer state and the random generator. A limit in seconds is
/// the exception, by its nature.
public final class Trainer {
    /// Images of a step, and where in its batch they stand.
    public struct Part {
        /// The step, from zero.
        public let step: Int
        /// The images.
        public let batch: Batch
        /// Their places in the step's batch.
        public let places: Range<Int>
        /// Their places among the step's images that this process loads; another one may have the rest.
        public let rows: Range<Int>
        /// The pass through the network that they belong to.
        public let pass: BatchPlan.Pass
    }

    private let parameters: [(prefix: String, parameters: Parameters)]
    private let recipe: Recipe
    private let session: TrainingSession
    private let state: TrainingState
    private let update: WeightUpdate
    private let best: BestWeights?
    private let watch = FiniteWatch()
    private let cost: Double
    private var progress = TrainingState.Progress()

    /// The shortest time between two checkpoints that the loop writes of its own accord.
    public var checkpointInterval: Duration = .seconds(1)
    /// The largest share of the time that may go into writing checkpoints: large models write fewer.
    public var checkpointShare = 0.02
    /// How often the loop records its loss and its speed.
    public var logInterval = 10
    /// Operations for an image besides those of the model's own training, such as an online teacher's.
    public var otherOperations = 0.0

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
        state = TrainingState(folder: session.folder)
        update = try WeightUpdate(model, also: extra, recipe: recipe, parallel: session.parallel)
        best = try recipe.patience.map { _ in try BestWeights(of: model.parameters) }
        // The backward pass has two products for each one of the forward pass.
        cost = try 3 * ForwardCost(of: model).operations
    }

    /// Trains to the end, from the last checkpoint if there is one.
    ///
    /// - Parameters:
    ///   - loader: gives the batches of a range of steps, in order.
    ///   - validate: called at the end of every epoch-like interval, and told whether it is the last time; its
    ///     values are recorded, and the first of them, the higher the better, is what early stopping looks at.
    ///   - objective: the scalar loss of a batch or of a part of it, averaged over its images.
    /// - Returns: why and after how many steps it ended.
    /// - Throws: `NonFiniteStep` soon after a step whose loss or gradient is not finite.
    @discardableResult
    public func train(
        loader: (Range<Int>) throws -> BatchLoader, validateEvery interval: Int = .max,
        validate: (_ isLast: Bool) throws -> [(String, Double)] = { _ in [] },
        objective: (Part) throws -> Tensor
    ) throws -> TrainingOutcome {
        try restore()
        let plan = try session.plan(recipe)
        let start = progress.step
        session.hooks.rewind(start)
        if let end = progress.end { return try finish(end) }
        let loader = try loader(start..<recipe.steps)
        defer {
            loader.cancel()
            Torch.releaseMemory()
        }
        let clock = ContinuousClock()
        let began = clock.now
        let before = progress.seconds
        var nextCheckpoint = began + checkpointInterval
        // Known from the first record on.
        var loss: Double?
        while progress.step < recipe.steps, progress.end == nil {
            guard let batch = try loader.next() else {
                preconditionFailure("Retort bug: the loader ended before the training")
            }
            let step = progress.step
            let outcome = try update.make(step: step, plan) { pass in
                try objective(
                    Part(
                        step: step, batch: batch.part(pass.rows), places: pass.own, rows: pass.rows,
                        pass: pass))
            }
            progress.step += 1
            watch.add(outcome, step: progress.step, images: batch.views)
            let done = progress.step
            let elapsed = (clock.now - began).seconds
            progress.seconds = before + elapsed
            let speed = Throughput(
                images: (done - start) * recipe.batchSize, seconds: elapsed, waited: loader.waited.seconds,
                operations: cost + otherOperations)
            if done == recipe.steps { progress.end = .steps }
            if let limit = recipe.maxSeconds, done < recipe.steps, try isTrue(progress.seconds >= limit) {
                progress.end = .time
            }
            if done % logInterval == 0 || progress.end != nil {
                let last = try lastLoss()
                loss = last
                session.hooks.metric(done, "loss", last)
                session.hooks.metric(done, "images_per_second", speed.imagesPerSecond)
                session.hooks.metric(done, "data_wait", speed.dataWait)
                session.hooks.metric(done, "tflops", speed.teraflops)
            }
            if done % interval == 0 || progress.end != nil {
                let isLast = progress.end != nil
                try judge(
                    try agreed {
                        try update.average?.withAverages { try validate(isLast) } ?? validate(isLast)
                    })
            }
            if clock.now > nextCheckpoint, progress.end == nil, session.isLeader {
                let took = try clock.measure { try save() }
                nextCheckpoint = clock.now + max(checkpointInterval, took / checkpointShare)
            }
            let pace: KeyValuePairs = [
                "images_per_second": speed.imagesPerSecond, "data_wait": speed.dataWait,
                "tflops": speed.teraflops,
            ]
            try session.hooks.advance(
                done, recipe.steps,
                loss.map { KeyValuePairs(dictionaryLiteral: ("loss", $0), pace[0], pace[1], pace[2]) } ?? pace
            ) { try save() }
        }
        try save()
        return try finish(progress.end ?? .steps)
    }

    /// Process 0's answer to a question whose answers may differ.
    private func isTrue(_ answer: Bool) throws -> Bool {
        try session.parallel.map { try $0.agree([answer ? 1 : 0])[0] == 1 } ?? answer
    }

    /// What process 0 measures; the others learn the first value, which decides whether training goes on.
    private func agreed(_ measure: () throws -> [(String, Double)]) throws -> [(String, Double)] {
        guard let parallel = session.parallel else { return try measure() }
        let values = parallel.isLeader ? try measure() : []
        guard recipe.patience != nil else { return values }
        let first = try parallel.agree([values.isEmpty ? 0 : 1, values.first?.1 ?? 0])
        return parallel.isLeader || first[0] == 0 ? values : [("", first[1])]
    }

    /// Records a validation, and ends the loop when it has not improved for long.
    private func judge(_ values: [(String, Double)]) throws {
        for (name, value) in values { session.hooks.metric(progress.step, name, value) }
        guard let best, let patience = recipe.patience, let value = values.first?.1 else { return }
        if value > progress.best ?? -.infinity {
            progress.best = value
            progress.validationsSinceBest = 0
            try update.average?.withAverages { try best.take() } ?? best.take()
        } else {
            progress.validationsSinceBest += 1
            if progress.validationsSinceBest >= patience, progress.end == nil { progress.end = .patience }
        }
    }

    /// The model ends with the best weights where validation chose them, else with the averaged ones, if any.
    private func finish(_ end: TrainingEnd) throws -> TrainingOutcome {
        if let best, progress.best != nil {
            try parameters[0].parameters.restore(best.state)
        } else if let average = update.average {
            try parameters[0].parameters.restore(average.state())
        }
        return TrainingOutcome(end: end, steps: progress.step)
    }

    // MARK: - Checkpoints

    /// The loss of the last step, once it is known that every step so far was finite.
    private func lastLoss() throws -> Double {
        do {
            return try watch.check()
        } catch let problem as NonFiniteStep {
            session.hooks.log(problem.record)
            throw problem
        }
    }

    private func save() throws {
        guard session.isLeader else { return }
        // Weights that a step without a number went into are nothing to go on from.
        _ = try lastLoss()
        var tensors = parameters.flatMap { prefix, parameters in
            parameters.named.map { (name: prefix + $0.name, tensor: $0.tensor) }
        }
        tensors += update.optimizer.state.map { (name: "optimizer." + $0.name, tensor: $0.tensor) }
        for (prefix, state) in [("average.", update.average?.state()), ("best.", best?.state)] {
            tensors += (state ?? [:]).sorted { $0.key < $1.key }.map {
                (name: prefix + $0.key, tensor: $0.value)
            }
        }
        tensors.append((name: "generator", tensor: try Tensor(bytes: session.generator.state())))
        progress.updates = update.average?.updates ?? 0
        try state.write(tensors, progress)
    }

    private func restore() throws {
        try restoreState()
        guard let parallel = session.parallel else { return }
        // Nobody writes the next checkpoint while another one still reads this one.
        try parallel.group.barrier()
        let step = try parallel.agree([Double(progress.step)])[0]
        guard Int(step) == progress.step else {
            throw Diagnostic(
                "process \(parallel.group.rank) finds the checkpoint of step \(progress.step), process 0 that of "
                    + "step \(Int(step))",
                hint: "all processes need the same store: on several machines, a network file system",
                exitCode: .io)
        }
    }

    private func restoreState() throws {
        guard let saved = try state.read() else { return }
        progress = saved.progress
        for (prefix, parameters) in parameters { try parameters.restore(saved.tensors(below: prefix)) }
        try update.optimizer.restore(saved.tensors(below: "optimizer."))
        try update.average?.restore(saved.tensors(below: "average."), updates: progress.updates)
        try best?.restore(saved.tensors(below: "best."))
        if let bytes = saved.tensors["generator"] { try session.generator.restore(bytes.bytes()) }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
