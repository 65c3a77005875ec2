public import Layers
public import Tensors

/// One update of a model's weights after another, by a recipe: rate, passes, clipping, optimizer, average.
public final class WeightUpdate {
    private let recipe: Recipe
    private let device: Device
    private let parallel: DataParallel?
    /// What stochastic layers draw from.
    private let generator: Generator
    let optimizer: any Optimizer
    let average: MovingAverage?

    /// Prepares the updates of what can be trained of a model, and of `extra` parameters beside it.
    public init(
        _ model: LoadedModel, also extra: Parameters? = nil, recipe: Recipe, parallel: DataParallel? = nil
    ) throws {
        self.recipe = recipe
        self.parallel = parallel
        device = model.device
        generator = model.parameters.generator
        let layers = LayerDepths(
            model.parameters.named.filter { $0.kind == .parameter && !model.isHead($0.name) }.map(\.name))
        let groups =
            model.parameters.groups(weightDecay: recipe.weightDecay) {
                model.isHead($0)
                    ? recipe.headLearningRateScale : layers.scale(of: $0, decay: recipe.layerDecay)
            } + (extra?.groups(weightDecay: recipe.weightDecay) ?? [])
        optimizer =
            switch recipe.optimizer {
            case .adamw: try AdamW(groups, learningRate: recipe.learningRate)
            case .sgd: try SGD(groups, learningRate: recipe.learningRate, momentum: 0.9, nesterov: true)
            }
        average = try recipe.averageDecay.map { try MovingAverage(of: model.parameters, decay: $0) }
    }

    /// What an update came to: tensors without dimensions, on the device, so that nothing waits for them.
    public struct Outcome {
        /// The loss of the batch.
        public let loss: Tensor
        /// The joint norm of all gradients, before any clipping.
        public let gradientNorm: Tensor
    }

    /// Makes the update of a step, counted from zero.
    ///
    /// - Parameters:
    ///   - count: the images of the batch; with a micro-batch they pass through the network part by part.
    ///   - objective: the loss of the images at these places, averaged over them.
    public func callAsFunction(
        step: Int, images count: Int, objective: (_ places: Range<Int>) throws -> Tensor
    ) throws -> Outcome {
        try make(step: step, BatchPlan(images: count, microBatch: recipe.microBatch)) {
            try objective($0.own)
        }
    }

    /// Makes the update of a step from this process's part of every pass, and what other processes add to it.
    func make(
        step: Int, _ plan: BatchPlan, objective: (BatchPlan.Pass) throws -> Tensor
    ) throws -> Outcome {
        let schedule = Schedule(
            recipe.schedule, steps: recipe.steps, warmUp: Int(recipe.warmup * Double(recipe.steps)),
            floor: 0.01)
        optimizer.learningRate = recipe.learningRate * schedule.factor(at: step)
        try optimizer.zeroGrad()
        var total: Tensor?
        for pass in plan.passes {
            var loss = try recipe.precision.run(on: device) {
                try parallel?.forward(pass, drawing: generator) { try objective(pass) } ?? objective(pass)
            }
            if pass.own.count < plan.count { loss = try loss * (Double(pass.own.count) / Double(plan.count)) }
            try loss.backward()
            let value = try loss.detach()
            total = try total.map { try $0 + value } ?? value
        }
        if let parallel, let sum = try total?.clone() {
            try parallel.group.sumGradients(of: optimizer.parameters, and: sum)
            total = sum
        }
        let norm = try clipGradNorm(optimizer.parameters, maxNorm: recipe.gradientClip ?? .infinity)
        try optimizer.step()
        try average?.update()
        guard let total else { preconditionFailure("Retort bug: a batch without images") }
        return Outcome(loss: total, gradientNorm: norm)
    }
}
