import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Vision

@testable import Training

/// Training in several processes against training in one, for the same batches.
///
/// The processes are threads here.
@Suite(.serialized) struct DataParallelTests {
    private static let source = ColouredSquares(count: 40)

    /// What a training left, in one process.
    private struct Outcome: Sendable {
        var losses: [Double] = []
        var weights: [String: [Double]] = [:]
        var bytes: [[UInt8]] = []
        var end: TrainingEnd?
    }

    private static func model(_ architecture: String, _ options: [String: ModelOption] = [:]) throws
        -> LoadedModel
    {
        var configuration = try ModelRegistry.defaults(for: architecture, imageSize: 16)
        if architecture.hasPrefix("vit") {
            configuration.options.merge(["width": 24, "depth": 2, "heads": 2, "drop_path": 0.3]) { $1 }
        }
        configuration.options.merge(options) { $1 }
        return try LoadedModel.initialize(
            configuration, classes: source.classes, generator: Generator(seed: 1), device: .cpu)
    }

    private static func recipe(_ change: (inout Recipe) -> Void = { _ in }) -> Recipe {
        var recipe = Recipe(steps: 8, batchSize: 10, learningRate: 0.05, seed: 0)
        recipe.optimizer = .sgd
        change(&recipe)
        return recipe
    }

    private static func train(
        _ model: LoadedModel, _ recipe: Recipe, in group: ProcessGroup?, folder: URL? = nil,
        stopAt stop: Int? = nil,
        run: (TrainingSession) throws -> TrainingOutcome
    ) throws -> Outcome {
        let own = try TemporaryFolder()
        var outcome = Outcome()
        var hooks = TrainingHooks.silent
        hooks.metric = { _, name, value in if name == "loss" { outcome.losses.append(value) } }
        hooks.advance = { step, _, _, save in
            guard step == stop else { return }
            try save()
            throw Stop()
        }
        // What the network draws is what the loop saves.
        var session = TrainingSession(
            folder: folder ?? own.url, generator: model.parameters.generator, hooks: hooks)
        session.parallel = group.map(DataParallel.init)
        do {
            outcome.end = try run(session).end
        } catch is Stop {
            return outcome
        }
        for entry in model.parameters.named {
            outcome.weights[entry.name] = try entry.tensor.to(.float64).doubles()
            outcome.bytes.append(try entry.tensor.bytes())
        }
        return outcome
    }

    private struct Stop: Error {}

    private static func classify(
        _ architecture: String, _ recipe: Recipe, in group: ProcessGroup?, folder: URL? = nil,
        stopAt stop: Int? = nil
    ) throws -> Outcome {
        let model = try model(architecture)
        return try train(model, recipe, in: group, folder: folder, stopAt: stop) { session in
            try SupervisedTraining(
                model, train: source.records, validation: Array(source.records.prefix(4)),
                provider: source.provider, views: .training, recipe: recipe
            ).run(session)
        }
    }

    /// That every process has the same bytes, and that they are near those of one process.
    private static func compare(
        _ all: [Outcome], _ one: Outcome, _ tolerance: Tolerance = .float32, _ comment: Comment = ""
    ) {
        for other in all.dropFirst() { #expect(other.bytes == all[0].bytes, comment) }
        #expect(tolerance.mismatchByLargest(all[0].losses, one.losses) == nil, comment)
        for (name, expected) in one.weights {
            let values = all[0].weights[name] ?? []
            #expect(tolerance.mismatchByLargest(values, expected) == nil, "\(name) \(comment)")
        }
    }

    @Test(arguments: [2, 3]) func `a transformer learns the same as in one process`(size: Int) throws {
        let recipe = Self.recipe { $0.steps = 30 }
        let one = try Self.classify("vit_mini_patch4_32", recipe, in: nil)
        let all = try inProcessGroup(of: size) {
            try Self.classify("vit_mini_patch4_32", recipe, in: $0)
        }
        #expect(one.losses.count == 3)
        Self.compare(all, one)
    }

    @Test func `micro-batches are shared, too`() throws {
        let recipe = Self.recipe { $0.microBatch = 5 }
        let one = try Self.classify("vit_mini_patch4_32", recipe, in: nil)
        Self.compare(
            try inProcessGroup(of: 2) { try Self.classify("vit_mini_patch4_32", recipe, in: $0) }, one)
    }

    @Test func `batch normalisation sees the images of all processes`() throws {
        let recipe = Self.recipe {
            $0.steps = 4
            $0.averageDecay = 0.9
        }
        let one = try Self.classify("dwcnn_xs", recipe, in: nil)
        Self.compare(
            try inProcessGroup(of: 2) { try Self.classify("dwcnn_xs", recipe, in: $0) }, one, .float32Network)
    }

    @Test func `features are compared with those of all processes`() throws {
        @Sendable func distil(_ group: ProcessGroup?) throws -> Outcome {
            let recipe = Self.recipe()
            let student = try Self.model("vit_mini_patch4_32")
            let teacher = try Self.model("resnet_xs")
            return try Self.train(student, recipe, in: group) { session in
                try DistillationTraining(
                    student: student,
                    teacher: .online(teacher, images: Self.source.records, views: .training),
                    provider: Self.source.provider, objective: .taskAgnostic, temperature: 0.07,
                    recipe: recipe
                ).run(session)
            }
        }
        Self.compare(try inProcessGroup(of: 3) { try distil($0) }, try distil(nil))
    }

    @Test(arguments: [DistillationTraining.Objective.taskOriented, .taskAgnostic])
    func `places of maps are compared with those of all processes`(
        _ objective: DistillationTraining.Objective
    ) throws {
        @Sendable func distil(_ group: ProcessGroup?) throws -> Outcome {
            let recipe = Self.recipe { $0.microBatch = 5 }
            let student = try Self.model("resnet_xs", ["head": "linear-dense"])
            let teacher = try Self.model("resnet_xs", ["head": "psp"])
            return try Self.train(student, recipe, in: group) { session in
                try DenseDistillationTraining(
                    student: student, teacher: teacher, images: Self.source.records, views: .training,
                    provider: Self.source.provider, objective: objective,
                    temperature: objective == .taskOriented ? 1 : 0.07, recipe: recipe
                ).run(session)
            }
        }
        Self.compare(try inProcessGroup(of: 3) { try distil($0) }, try distil(nil), .float32Network)
    }

    @Test(arguments: [3, 300]) func `places of all processes are those of one`(limit: Int) {
        let one = PlaceSample(
            of: [10, 4, 2, 3], in: BatchPlan(images: 10).passes[0], atMost: limit)
        var own: [Int] = []
        for rank in 0..<3 {
            let pass = BatchPlan(images: 10, rank: rank, size: 3).passes[0]
            let sample = PlaceSample(of: [pass.own.count, 4, 2, 3], in: pass, atMost: limit)
            #expect(sample.count == one.count)
            #expect(sample.first == own.count)
            own += sample.own.map { $0 + pass.own.lowerBound * 6 }
        }
        #expect(own == one.own)
        #expect(own.count == min(limit, 60))
    }

    @Test func `a training that stopped goes on to the same bytes`() throws {
        let recipe = Self.recipe()
        let undisturbed = try inProcessGroup(of: 2) {
            try Self.classify("vit_mini_patch4_32", recipe, in: $0)
        }
        let folder = try TemporaryFolder()
        let url = folder.url
        _ = try inProcessGroup(of: 2) {
            try Self.classify("vit_mini_patch4_32", recipe, in: $0, folder: url, stopAt: 3)
        }
        let resumed = try inProcessGroup(of: 2) {
            try Self.classify("vit_mini_patch4_32", recipe, in: $0, folder: url)
        }
        #expect(resumed[0].bytes == undisturbed[0].bytes)
        #expect(resumed[1].bytes == undisturbed[0].bytes)
    }

    @Test func `process 0 decides when training ends`() throws {
        let recipe = Self.recipe {
            $0.steps = 40
            $0.patience = 1
            $0.learningRate = 1e-9
        }
        let all = try inProcessGroup(of: 2) { try Self.classify("vit_mini_patch4_32", recipe, in: $0) }
        #expect(all.map(\.end) == [.patience, .patience])
    }

    @Test func `a batch that is too small is refused`() throws {
        let recipe = Self.recipe { $0.microBatch = 9 }
        let error = #expect(throws: (any Error).self) {
            _ = try inProcessGroup(of: 2) { try Self.classify("vit_mini_patch4_32", recipe, in: $0) }
        }
        #expect(
            error.map { "\($0)" }
                == """
                error: 1 images cannot be shared by 2 processes
                  hint: let micro_batch divide batch_size, and be at least the number of processes
                """)
    }

    @Test func `plans cover a batch without gaps`() {
        for size in 1...4 {
            let plans = (0..<size).map { BatchPlan(images: 10, microBatch: 4, rank: $0, size: size) }
            for pass in 0..<3 {
                let own = plans.flatMap { Array($0.passes[pass].own) }
                #expect(own == Array(plans[0].passes[pass].whole))
            }
            let batch = Array(0..<10)
            #expect(Set(plans.flatMap { $0.own(batch) }) == Set(batch))
            for plan in plans {
                for pass in plan.passes { #expect(Array(plan.own(batch)[pass.rows]) == Array(pass.own)) }
            }
        }
    }
}
