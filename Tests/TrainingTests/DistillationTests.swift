import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing
import Vision

@testable import Training

/// Distillation from stored answers, and the probes beside it.
@Suite struct DistillationTests {
    private let source = ColouredSquares(count: 48)
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func model(seed: UInt64) throws -> LoadedModel {
        try LoadedModel.initialize(
            ModelRegistry.defaults(for: "dwcnn_xs", imageSize: 16), classes: source.classes,
            generator: Generator(seed: seed), device: .cpu)
    }

    /// A teacher's stored answers, two views of each image.
    private func labels(_ teacher: LoadedModel) throws -> TeacherLabels {
        let views = 2
        let rows = source.records.map { record in
            LabelledImages.Row(
                record: record,
                views: (0..<views).map { ImageView(record, .training, number: $0, seed: 7).parameters })
        }
        let encoder = JSONEncoder()
        let text = try rows.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        let file = try folder.write(text.joined(separator: "\n"), to: "views.jsonl")
        var (logits, features): ([Tensor], [Tensor]) = ([], [])
        try Inference(teacher, provider: source.provider, workers: 1).run(
            rows.flatMap { row in row.views.map { ImageView(row.record, $0) } }
        ) { output in
            logits.append(try #require(output.logits))
            features.append(try output.features.to(.float16))
        }
        let shard = folder.appending("labels.safetensors")
        try SafetensorsFile.write(
            [("logits", logits), ("features", features)].map { name, parts in
                let all = try Tensor.cat(parts)
                return (name: name, tensor: try all.reshape(source.count, views, all.shape[1]))
            }, to: shard)
        return TeacherLabels(
            images: try LabelledImages(file),
            shards: try LabelShards(imagesPerShard: source.count) { _ in shard })
    }

    /// What a run left: the student's bytes, and the values it recorded.
    private struct Outcome {
        var weights: [[UInt8]] = []
        var metrics: [String: [Double]] = [:]
    }

    private func distil(
        _ labels: TeacherLabels, probes: StudentProbes?,
        objective: DistillationTraining.Objective = .taskOriented, stopAt stop: Int? = nil,
        in work: TemporaryFolder? = nil, seed: UInt64 = 2
    ) throws -> Outcome {
        struct Stop: Error {}
        var outcome = Outcome()
        let student = try model(seed: seed)
        var recipe = Recipe(steps: 24, batchSize: 16, learningRate: 3e-3, seed: 0)
        recipe.averageDecay = 0.9
        var training = DistillationTraining(
            student: student, teacher: .labels(labels), provider: source.provider, objective: objective,
            temperature: objective == .taskOriented ? 1 : 0.07, recipe: recipe)
        training.validation = source.records
        training.probes = probes
        var hooks = TrainingHooks.silent
        hooks.metric = { outcome.metrics[$1, default: []].append($2) }
        hooks.advance = { step, _, _, save in
            guard step == stop else { return }
            try save()
            throw Stop()
        }
        let work = try work ?? TemporaryFolder()
        do {
            try training.run(
                TrainingSession(folder: work.url, generator: Generator(seed: 0), hooks: hooks))
        } catch is Stop {}
        outcome.weights = try student.parameters.named.map { try $0.tensor.bytes() }
        return outcome
    }

    @Test(arguments: DistillationTraining.Objective.allCases)
    func `a student is the same with probes and without, and after an interruption`(
        objective: DistillationTraining.Objective
    ) throws {
        let teacher = try model(seed: 1)
        let labels = try labels(teacher)
        var logits: [Tensor] = []
        try Inference(teacher, provider: source.provider, workers: 1).run(
            source.records.map { ImageView($0, .evaluation) }
        ) { logits.append(try #require($0.logits)) }
        let answers = try Tensor.cat(logits)
        let probes = { StudentProbes(images: source.records, teacherLogits: answers) }

        let bare = try distil(labels, probes: nil, objective: objective)
        let probed = try distil(labels, probes: probes(), objective: objective)
        #expect(probed.weights == bare.weights)
        let work = try TemporaryFolder()
        _ = try distil(labels, probes: probes(), objective: objective, stopAt: 10, in: work)
        let resumed = try distil(labels, probes: probes(), objective: objective, in: work, seed: 99)
        #expect(resumed.weights == bare.weights)

        #expect(probed.metrics["val_top1"] == bare.metrics["val_top1"])
        let isOriented = objective == .taskOriented
        for name in ["val_top1", "teacher_agreement", "teacher_kl"] {
            #expect((probed.metrics[name] != nil) == isOriented, "\(name)")
        }
        for name in ["knn_accuracy", "linear_accuracy"] {
            // The first and the last validation always have them.
            #expect((probed.metrics[name]?.count ?? 0) >= 2, "\(name)")
            #expect(try #require(probed.metrics[name]?.last) > 0.9, "\(name): colours are easy")
        }
    }

    @Test func `a student that is its teacher agrees with it`() throws {
        let teacher = try model(seed: 1)
        let inference = Inference(teacher, provider: source.provider, workers: 1)
        var logits: [Tensor] = []
        try inference.run(source.records.map { ImageView($0, .evaluation) }) {
            logits.append(try #require($0.logits))
        }
        let answers = try Tensor.cat(logits)
        func values(_ logits: Tensor) throws -> [String: Double] {
            let probes = StudentProbes(images: source.records, teacherLogits: logits)
            return Dictionary(
                uniqueKeysWithValues: try probes.values(of: inference, predicts: true, isLast: true))
        }
        let own = try values(answers)
        #expect(own["teacher_agreement"] == 1)
        #expect(abs(try #require(own["teacher_kl"])) < 1e-6)
        #expect(try own["val_top1"] == inference.accuracy(on: source.records))
        let other = try values(answers * -1000.0)
        #expect(other["teacher_agreement"] == 0)
        #expect(try #require(other["teacher_kl"]) > 0.1)
        #expect(other["knn_accuracy"] == own["knn_accuracy"])
    }

    @Test func `the first step that is not finite is named with its own images`() throws {
        var logged: [String] = []
        var hooks = TrainingHooks.silent
        hooks.log = { logged.append($0) }
        let recipe = Recipe(steps: 40, batchSize: 16, learningRate: 1e-3, seed: 0)
        for quantity in [NonFiniteStep.Quantity.loss, .gradient] {
            let loaded = try model(seed: 1)
            let work = try TemporaryFolder()
            let trainer = try Trainer(
                loaded, recipe: recipe,
                session: TrainingSession(folder: work.url, generator: Generator(seed: 0), hooks: hooks))
            let sampler = EpochSampler(count: source.count, batchSize: 16, seed: 0)
            let (records, size, provider) = (source.records, loaded.viewSize, source.provider)
            let error = #expect(throws: NonFiniteStep.self) {
                try trainer.train(
                    loader: { steps in
                        BatchLoader(provider, batches: steps, sizes: [size]) { step in
                            sampler.batch(step).map { ImageView(records[$0.index], .evaluation) }
                        }
                    },
                    objective: { part in
                        let images = try loaded.images(part.batch, size: size)
                        let sum = try loaded.network.head(
                            loaded.network.features(images, mode: .training)
                        ).sum()
                        guard part.step == 13 else { return try sum * 0.0 }
                        // The slope of the root at zero is infinite, its value is not.
                        return quantity == .loss ? try sum * Double.nan : try (sum * 0.0).abs().sqrt()
                    })
            }
            let problem = try #require(error)
            #expect(problem.step == 14)
            #expect(problem.quantity == quantity)
            let batch = sampler.batch(13).map { "\($0.index)" }
            #expect(problem.images.map(\.id) == batch)
            #expect("\(problem)".contains("the \(quantity.rawValue) is not finite at step 14"))
            let record = try #require(logged.last)
            for id in batch { #expect(record.contains("squares/\(id) \(id)")) }
        }
    }

    @Test func `no checkpoint is made of weights that a bad step went into`() throws {
        let watch = FiniteWatch()
        let one = try Tensor(scalar: 1)
        watch.add(.init(loss: one, gradientNorm: one), step: 1, images: [])
        #expect(try watch.check() == 1)
        #expect(try watch.check() == 1)
        watch.add(.init(loss: one, gradientNorm: try Tensor(scalar: .infinity)), step: 2, images: [])
        watch.add(.init(loss: one, gradientNorm: one), step: 3, images: [])
        let error = #expect(throws: NonFiniteStep.self) { try watch.check() }
        #expect(try #require(error).step == 2)
    }
}
