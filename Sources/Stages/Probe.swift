internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// Measures what the frozen features of encoders tell about a task, by a small head that learns it.
///
/// The encoders stay as they are, so a figure is about their features: for classes of images a linear map and the
/// nearest neighbours, for pixels a linear map at every place or a pyramid (Zhao et al. 2017). Every encoder gets the same
/// images, updates and views.
struct Probe: Stage {
    static let name: StageName = "probe"
    static let revision = 3
    static let summary = "Trains a small head on the frozen features of encoders, and measures it."

    /// The tables hold node names, so a renamed node is measured anew.
    static let recordsNames = true

    /// What learns for pixels.
    enum Head: String, CaseIterable, SettingValue {
        case linear, psp

        var dense: SegmentationHead { self == .linear ? .linearDense : .psp }
    }

    @Input("The encoders; the seeds of one stage form a group.") var models: [Checkpoint]
    @Input("Images with labels, masks or other maps, for the heads to learn from.", role: .training)
    var train: ImageSet
    @Input("Images of the same kind that took part in nothing else.", role: .evaluation)
    var images: ImageSet
    @Setting("The stage every other one is compared with, seed by seed.") var baseline: String?
    @Setting("What is asked of every pixel; by default what masks say, or nothing where there are labels.")
    var task: DenseTask?
    @Setting("The head for pixels; one for whole images is linear.") var head: Head = .linear
    @Setting("How normals are compared.") var normalLoss: Loss.NormalDistance = .cosine
    @Setting("The side of the images in pixels; by default each encoder's own.", in: 8...1024)
    var imageSize: Int?
    @Setting("Neighbours that vote on an image's class.", in: 1...1000) var neighbours = 20
    @Setting("Passes over the images.", in: 1...) var epochs = 20
    @Setting("Optimizer updates, in place of epochs.", in: 1...) var steps: Int?
    @Setting("Images in each update.", in: 1...) var batchSize = 64
    @Setting("Peak learning rate.", in: 0...10) var learningRate = 1e-2

    let optimization = OptimizationSettings()
    let views = ViewSettings()

    func validate() throws { try views.validate() }

    func run(in context: StageContext) throws -> TaskEvaluation {
        let device = try context.prepareDevice()
        try context.check(baseline: baseline, among: models)
        let task = try task ?? train.mainTask()
        let learned = try records(train, task, for: "the probe")
        let tested = try records(images, task, for: "evaluation")
        let both = Set(learned.map(\.id)).intersection(tested.map(\.id)).count
        guard both == 0 else {
            throw Diagnostic(
                "\(both) of the \(tested.count) images of '\(images.location.node)' are among those that the heads learn from",
                at: context.sourceLocation(of: "images"),
                hint: "measure on images that train: does not have", exitCode: .badData)
        }
        if task?.outputNames == nil {
            try requireSameClasses(train.classes, images.classes, "train and images")
        }
        let provider = try context.provider(for: "train", "images")
        let count = steps ?? Recipe.steps(epochs: epochs, count: learned.count, batchSize: batchSize)
        let recipe = optimization.recipe(steps: count, batchSize: batchSize, learningRate: learningRate)
        var measured: [TaskEvaluationFigures.Model] = []
        var floor = TaskFigures([:])
        for (number, checkpoint) in models.enumerated() {
            let file = context.state.appending(path: "probe-\(number).json")
            let result: DenseResult
            if FileManager.default.fileExists(atPath: file.path) {
                result = try JSONFiles.read(DenseResult.self, from: file)
            } else {
                context.begin("a probe of \(checkpoint.location.node)")
                let generator = try Generator(seed: UInt64(optimization.seed))
                let model = try load(checkpoint, task, generator, device)
                var training = SupervisedTraining(
                    model, train: learned, provider: provider, views: views.policy, recipe: recipe)
                training.isProbe = true
                training.dense = task.map { DenseObjective($0, normalDistance: normalLoss) }
                training.workers = context.execution.workers
                try training.run(
                    context.trainingSession(
                        generator, part: number, of: models.count, steps: recipe.steps))
                result = try measure(model, task, learned, tested, provider, context)
                try JSONFiles.write(result, to: file)
            }
            floor = result.floor
            let node = checkpoint.location.node
            measured.append(.init(node, result.figures, perClass: result.perClass))
        }
        context.count("trained_on", learned.count)
        context.count("steps", count)
        return try context.evaluation(
            TaskEvaluationFigures(
                task: task?.rawValue ?? "classification", n: tested.count, models: measured, floor: floor,
                baseline: baseline))
    }

    private func records(
        _ images: ImageSet, _ task: DenseTask?, for purpose: String
    ) throws -> [ImageRecord] {
        try task.map { try images.records(with: $0, for: purpose) } ?? images.labelledRecords(for: purpose)
    }

    /// An encoder with a fresh head, whatever head it had.
    private func load(
        _ checkpoint: Checkpoint, _ task: DenseTask?, _ generator: Generator, _ device: Device
    ) throws -> LoadedModel {
        let head = task == nil ? ClassificationHead.linear.option : head.dense.option
        var model = try LoadedModel.load(
            checkpoint.location.directory, device: device, classes: task?.outputNames ?? train.classes,
            imageSize: imageSize, options: head, generator: generator, freshHead: true)
        model.card.task = task == .segmentation ? nil : task
        try model.requireTrainable(isProbe: true)
        return model
    }

    private func measure(
        _ model: LoadedModel, _ task: DenseTask?, _ learned: [ImageRecord], _ tested: [ImageRecord],
        _ provider: ImageProvider, _ context: StageContext
    ) throws -> DenseResult {
        let workers = context.execution.workers
        if let task {
            let inference = try DenseInference(
                model, targets: RecordedTargets(provider, task), provider: provider, workers: workers)
            return try inference.measure(on: tested)
        }
        let inference = Inference(model, provider: provider, workers: workers)
        func features(_ records: [ImageRecord]) throws -> Tensor {
            var parts: [Tensor] = []
            try inference.run(records.map { ImageView($0, model.evaluationViews) }) {
                parts.append(try $0.features.to(Device.cpu))
            }
            return try Tensor.cat(parts)
        }
        let labels = tested.map { $0.label ?? 0 }
        let votes = try FeatureProbes.nearestNeighbours(
            features(tested), among: features(learned), labels: learned.map { $0.label ?? 0 },
            classCount: train.classes.count, neighbours: neighbours)
        let right = zip(votes, labels).count { $0 == $1 }
        let majority = AccuracyFloor(labels: labels, classCount: train.classes.count).majority
        return DenseResult(
            figures: TaskFigures([
                .top1: try inference.accuracy(on: tested),
                .knnTop1: Double(right) / Double(max(1, labels.count)),
            ]), floor: TaskFigures([.top1: majority, .knnTop1: majority]))
    }
}
