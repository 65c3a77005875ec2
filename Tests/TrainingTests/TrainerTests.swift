import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Vision

@testable import Training

/// What the loop does besides stepping: parts of batches, early ends, layer-wise rates.
@Suite struct TrainerTests {
    private let source = ColouredSquares(count: 64)

    private func model(_ architecture: String = "vit_mini_patch4_32", seed: UInt64 = 1) throws -> LoadedModel
    {
        var configuration = try ModelRegistry.defaults(for: architecture, imageSize: 16)
        if architecture.hasPrefix("vit") {
            configuration.options.merge(["width": 24, "depth": 2, "heads": 2]) { $1 }
        }
        return try LoadedModel.initialize(
            configuration, classes: source.classes, generator: Generator(seed: seed), device: .cpu)
    }

    private func train(
        _ model: LoadedModel, _ recipe: Recipe, in folder: TemporaryFolder? = nil,
        validation: [ImageRecord] = [], hooks: TrainingHooks = .silent
    ) throws -> TrainingOutcome {
        let folder = try folder ?? TemporaryFolder()
        let training = SupervisedTraining(
            model, train: source.records, validation: validation, provider: source.provider, views: .training,
            recipe: recipe)
        return try training.run(
            TrainingSession(folder: folder.url, generator: Generator(seed: 0), hooks: hooks))
    }

    @Test(arguments: [1, 5, 8]) func `parts of a batch make the same update`(size: Int) throws {
        var recipe = Recipe(steps: 3, batchSize: 16, learningRate: 1e-3, seed: 0)
        recipe.optimizer = .sgd
        let (whole, parts) = try (model(), model())
        _ = try train(whole, recipe)
        recipe.microBatch = size
        _ = try train(parts, recipe)
        for (a, b) in zip(whole.parameters.named, parts.parameters.named) {
            let distance = zip(try a.tensor.floats(), try b.tensor.floats()).map { abs($0 - $1) }.max() ?? 0
            #expect(distance < 1e-6, "\(a.name) is \(distance) apart")
        }
    }

    @Test func `training that no longer improves stops with its best weights`() throws {
        var recipe = Recipe(steps: 400, batchSize: 16, learningRate: 3e-3, seed: 0)
        recipe.patience = 2
        let model = try model("dwcnn_xs")
        let outcome = try train(model, recipe, validation: source.records)
        #expect(outcome.end == .patience)
        #expect(outcome.steps < 400)
        #expect(try Inference(model, provider: source.provider, workers: 2).accuracy(on: source.records) == 1)
    }

    @Test func `its time up, training ends and says so`() throws {
        var recipe = Recipe(steps: 100_000, batchSize: 16, learningRate: 3e-3, seed: 0)
        recipe.maxSeconds = 0.2
        let folder = try TemporaryFolder()
        let outcome = try train(model("dwcnn_xs"), recipe, in: folder)
        #expect(outcome.end == .time)
        // A finished loop stays finished.
        #expect(try train(model("dwcnn_xs"), recipe, in: folder) == outcome)
    }

    @Test(arguments: [("dwcnn_xs", Recipe.Precision.fp32), ("vit_mini_patch4_32", .bf16)], [1, 11, 39])
    func `weights, best weights and average survive an interruption at any step`(
        model: (architecture: String, precision: Recipe.Precision), stop: Int
    ) throws {
        struct Stop: Error {}
        func run(_ loaded: LoadedModel, _ folder: TemporaryFolder, stopAt stop: Int?) throws {
            var recipe = Recipe(steps: 40, batchSize: 16, learningRate: 3e-3, seed: 0)
            recipe.patience = 100
            recipe.averageDecay = 0.9
            recipe.microBatch = 8
            recipe.precision = model.precision
            recipe.schedule = .warmupStableDecay
            var hooks = TrainingHooks.silent
            hooks.advance = { step, _, _, save in
                guard step == stop else { return }
                try save()
                throw Stop()
            }
            _ = try train(loaded, recipe, in: folder, validation: source.records, hooks: hooks)
        }
        let whole = try self.model(model.architecture)
        try run(whole, TemporaryFolder(), stopAt: nil)
        let folder = try TemporaryFolder()
        #expect(throws: Stop.self) { try run(self.model(model.architecture), folder, stopAt: stop) }
        let resumed = try self.model(model.architecture, seed: 99)
        try run(resumed, folder, stopAt: nil)
        for (a, b) in zip(whole.parameters.named, resumed.parameters.named) {
            #expect(try a.tensor.bytes() == b.tensor.bytes(), "\(a.name)")
        }
    }

    @Test func `layers are counted from the input`() {
        let depths = LayerDepths([
            "cls_token", "patch_embed.proj.weight", "blocks.0.norm1.weight", "blocks.0.mlp.fc1.weight",
            "blocks.1.norm1.weight", "norm.weight",
        ])
        #expect(depths.top == 3)
        #expect(depths.scale(of: "cls_token", decay: 0.5) == 0.125)
        #expect(depths.scale(of: "blocks.0.mlp.fc1.weight", decay: 0.5) == 0.25)
        #expect(depths.scale(of: "blocks.1.norm1.weight", decay: 0.5) == 0.5)
        #expect(depths.scale(of: "norm.weight", decay: 0.5) == 1)
    }

    @Test func `a shortcut belongs to its block`() {
        let depths = LayerDepths([
            "conv1.weight", "layer1.0.conv1.weight", "layer1.0.downsample.0.weight", "layer1.1.conv1.weight",
            "layer2.0.conv1.weight",
        ])
        #expect(depths.top == 4)
        #expect(depths.scale(of: "layer1.0.downsample.0.weight", decay: 0.5) == 0.125)
    }
}
