import Layers
import Models
import Tensors
import TestSupport
import Testing
import Vision

@testable import Training

/// Distillation place by place.
@Suite struct DenseDistillationTests {
    private let source = ColouredSquares(count: 32)

    private func model(_ head: String, classes: Int = 3, seed: UInt64) throws -> LoadedModel {
        let configuration = try ModelRegistry.configure(
            "resnet_xs", imageSize: 16, classCount: classes, options: ["head": head])
        return try LoadedModel.initialize(
            configuration, classes: (0..<classes).map { "\($0)" }, generator: Generator(seed: seed),
            device: .cpu)
    }

    private func distil(
        _ teacher: LoadedModel, _ student: LoadedModel, _ objective: DistillationTraining.Objective,
        steps: Int = 60
    ) throws -> [Double] {
        var recipe = Recipe(steps: steps, batchSize: 8, learningRate: 5e-3, seed: 0)
        recipe.weightDecay = 0
        let training = DenseDistillationTraining(
            student: student, teacher: teacher, images: source.records, views: .training,
            provider: source.provider, objective: objective,
            temperature: objective == .taskOriented ? 1 : 0.07, recipe: recipe)
        let (folder, losses) = (try TemporaryFolder(), Losses())
        var hooks = TrainingHooks.silent
        hooks.metric = { _, name, value in if name == "loss" { losses.values.append(value) } }
        try training.run(TrainingSession(folder: folder.url, generator: Generator(seed: 0), hooks: hooks))
        return losses.values
    }

    private final class Losses { var values: [Double] = [] }

    @Test func `places are compared on the finer grid, as rows of logits are`() throws {
        let (teacher, student) = (
            try Fixtures.tensor("teacher", 2, 5, 4, 4), try Fixtures.tensor("student", 2, 5, 2, 2)
        )
        let found = try DenseDistillationTraining.predictions(teacher, student, temperature: 2).item()
        let rows = { (map: Tensor) in try map.permute(0, 2, 3, 1).reshape(32, 5) }
        let expected = try Loss.distillation(
            teacher: rows(teacher), student: rows(student.upsampleBilinear(height: 4, width: 4)),
            temperature: 2)
        #expect(try Tolerance.float32.mismatch([found], [expected.item()]) == nil)
        #expect(
            try abs(DenseDistillationTraining.predictions(teacher, teacher, temperature: 1).item()) < 1e-6)
    }

    @Test func `a student learns what a teacher says of every place`() throws {
        let (teacher, student) = (try model("psp", seed: 1), try model("linear-dense", seed: 2))
        // Fresh heads say almost the same of every place: made sharp, there is something to learn.
        for entry in teacher.parameters.named where entry.name.hasPrefix("decode_head.classifier") {
            try withoutGradients { _ = try entry.tensor.mul_(60) }
        }
        let before = try teacher.parameters.named.map { try $0.tensor.bytes() }
        let losses = try distil(teacher, student, .taskOriented)
        let (first, last) = (try #require(losses.first), try #require(losses.last))
        #expect(last < first / 2, "\(losses)")
        #expect(try teacher.parameters.named.map { try $0.tensor.bytes() } == before)
    }

    @Test func `patch features are learned without classes`() throws {
        let (teacher, student) = (try model("linear", seed: 1), try model("linear-dense", seed: 2))
        let losses = try distil(teacher, student, .taskAgnostic)
        #expect(try #require(losses.last) < #require(losses.first), "\(losses)")
    }

    @Test func `who answers for whole images is told so`() throws {
        #expect(throws: (any Error).self) {
            try distil(model("linear", seed: 1), model("linear-dense", seed: 2), .taskOriented)
        }
        #expect(throws: (any Error).self) {
            try distil(model("psp", seed: 1), model("linear", seed: 2), .taskOriented)
        }
    }
}
