import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Training
import Vision

/// Plain coloured images: whoever cannot learn these learns nothing.
struct ColouredSquares: ImageSource {
    static let colours: [[UInt8]] = [[200, 30, 30], [30, 200, 30], [30, 30, 200], [200, 200, 30]]
    let count: Int

    var classes: [String] { ["red", "green", "blue", "yellow"] }
    func members() throws -> [SourceMember] {
        (0..<count).map { SourceMember(split: "all", member: "\($0)", label: $0 % 4) }
    }
    func bytes(of member: String) throws -> Data? { nil }
    func contentFiles() throws -> [URL] { [] }
    func image(_ member: String, atLeast shortSide: Int?) throws -> Image {
        let index = Int(member) ?? 0
        let colour = Self.colours[index % 4]
        let pixels = (0..<16 * 16).flatMap { pixel in
            colour.map { $0 &+ UInt8((pixel * 7 + index * 13) % 25) }
        }
        return Image(width: 16, height: 16, pixels: pixels)
    }
    var records: [ImageRecord] {
        (0..<count).map {
            ImageRecord(
                id: "\($0)", dataset: "squares", member: "\($0)", label: $0 % 4, width: 16, height: 16)
        }
    }
    var provider: ImageProvider { ImageProvider(["squares": self]) }
}

@Suite struct SupervisedTrainingTests {
    private let source = ColouredSquares(count: 64)

    private func model(seed: UInt64 = 1) throws -> LoadedModel {
        let configuration = try ModelRegistry.defaults(for: "dwcnn_xs", imageSize: 16)
        return try LoadedModel.initialize(
            configuration, classes: source.classes, generator: Generator(seed: seed), device: .cpu)
    }

    private func train(_ model: LoadedModel, isProbe: Bool = false, steps: Int = 60) throws -> Double {
        let folder = try TemporaryFolder()
        var recipe = Recipe(steps: steps, batchSize: 16, learningRate: 3e-3, seed: 0)
        recipe.weightDecay = 0
        var training = SupervisedTraining(
            model, train: source.records, provider: source.provider,
            views: .training(TrainingViews(scale: 0.5...1)),
            recipe: recipe)
        training.isProbe = isProbe
        try training.run(TrainingSession(folder: folder.url, generator: Generator(seed: 0)))
        return try Inference(model, provider: source.provider, workers: 2).accuracy(on: source.records)
    }

    @Test func `a classifier learns four colours`() throws {
        #expect(try train(model()) == 1)
    }

    @Test func `a probe learns them too, and moves nothing but the head`() throws {
        let model = try model()
        let stem = try #require(model.parameters.named.first { $0.kind == .parameter })
        let before = try stem.tensor.floats()
        #expect(try train(model, isProbe: true, steps: 60) > 0.9)
        #expect(try stem.tensor.floats() == before)
    }

    @Test func `an interrupted training ends with the same bytes as an undisturbed one`() throws {
        struct Stop: Error {}
        func run(_ model: LoadedModel, folder: URL, stopAt stop: Int?) throws {
            var recipe = Recipe(steps: 12, batchSize: 16, learningRate: 3e-3, seed: 0)
            recipe.averageDecay = 0.9
            let training = SupervisedTraining(
                model, train: source.records, provider: source.provider, views: .training, recipe: recipe)
            var hooks = TrainingHooks.silent
            hooks.advance = { step, _, _, save in
                guard step == stop else { return }
                try save()
                throw Stop()
            }
            try training.run(TrainingSession(folder: folder, generator: Generator(seed: 0), hooks: hooks))
        }
        let whole = try model()
        let undisturbed = try TemporaryFolder()
        try run(whole, folder: undisturbed.url, stopAt: nil)
        let folder = try TemporaryFolder()
        #expect(throws: Stop.self) { try run(model(), folder: folder.url, stopAt: 5) }
        let resumed = try model(seed: 99)
        try run(resumed, folder: folder.url, stopAt: nil)
        for (a, b) in zip(whole.parameters.named, resumed.parameters.named) {
            #expect(try a.tensor.bytes() == b.tensor.bytes(), "\(a.name)")
        }
    }
}
