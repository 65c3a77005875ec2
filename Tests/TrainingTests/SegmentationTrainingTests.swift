import Diagnostics
import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Training
import Vision

/// Images of two colours each, at a border that moves, and masks that say which.
private struct Halves: ImageSource {
    let count: Int

    var classes: [String] { ["dark", "bright"] }
    func members() throws -> [SourceMember] { [] }
    func bytes(of member: String) throws -> Data? { nil }
    func contentFiles() throws -> [URL] { [] }

    private func mask(_ member: String) -> Mask {
        let index = Int(member) ?? 0
        let border = 4 + index % 9
        return Mask(
            width: 16, height: 16,
            pixels: (0..<256).map { pixel in
                // A corner that nobody named.
                if pixel < 3 { return Mask.unnamed }
                return (index % 2 == 0 ? pixel % 16 : pixel / 16) < border ? 0 : 1
            })
    }

    func image(_ member: String, atLeast shortSide: Int?) throws -> Image {
        let pixels = mask(member).pixels.enumerated().flatMap { place, number -> [UInt8] in
            let value = (number == 1 ? 190 : 40) + UInt8(place * 7 % 30)
            return [value, value / 2, 255 - value]
        }
        return Image(width: 16, height: 16, pixels: pixels)
    }

    func maskBytes(of member: String) throws -> Data? { try ImageCodec.encodePNG(mask(member)) }

    func records() throws -> [ImageRecord] {
        try (0..<count).map { index in
            ImageRecord(
                id: "\(index)", dataset: "halves", member: "\(index)",
                mask: try maskBytes(of: "\(index)").map { ContentID.of($0) }, width: 16, height: 16)
        }
    }
    var provider: ImageProvider { ImageProvider(["halves": self]) }
}

@Suite struct SegmentationTrainingTests {
    private let source = Halves(count: 32)

    private func model(_ head: String, seed: UInt64 = 1) throws -> LoadedModel {
        let configuration = try ModelRegistry.configure(
            "resnet_xs", imageSize: 16, classCount: 2, options: ["head": head, "head_rates": "1 2"])
        return try LoadedModel.initialize(
            configuration, classes: source.classes, generator: Generator(seed: seed), device: .cpu)
    }

    private func train(
        _ model: LoadedModel, steps: Int = 40, isProbe: Bool = false, folder: URL,
        _ hooks: TrainingHooks = .silent
    ) throws {
        var recipe = Recipe(steps: steps, batchSize: 8, learningRate: 5e-3, seed: 0)
        recipe.weightDecay = 0
        var training = try SupervisedTraining(
            model, train: source.records(), validation: Array(source.records().prefix(2)),
            provider: source.provider, views: .training(TrainingViews(scale: 0.5...1)), recipe: recipe)
        training.isProbe = isProbe
        training.dense = DenseObjective(.segmentation)
        try training.run(TrainingSession(folder: folder, generator: Generator(seed: 0), hooks: hooks))
    }

    @Test(arguments: SegmentationHead.allCases)
    func `every head learns two colours`(head: SegmentationHead) throws {
        let (model, folder) = (try model(head.rawValue), try TemporaryFolder())
        try train(model, folder: folder.url)
        let metrics = try SegmentationInference(model, provider: source.provider, workers: 2)
            .metrics(on: source.records())
        #expect(metrics.n == 32 && metrics.confusion.reduce(0) { $0 + $1.reduce(0, +) } == 32 * 253)
        #expect(metrics.pixelAccuracy > 0.9 && metrics.miou > 0.8, "\(metrics)")
    }

    @Test func `two processes average over the pixels that are named in both`() throws {
        @Sendable func bytes(_ group: ProcessGroup?) throws -> [[Float]] {
            let (model, folder) = (try model("linear-dense"), try TemporaryFolder())
            var recipe = Recipe(steps: 3, batchSize: 6, learningRate: 0.01, seed: 0)
            recipe.optimizer = .sgd
            var training = try SupervisedTraining(
                model, train: source.records(), provider: source.provider,
                views: .training(TrainingViews(scale: 0.1...1)), recipe: recipe)
            training.dense = DenseObjective(.segmentation)
            var session = try TrainingSession(folder: folder.url, generator: Generator(seed: 0))
            session.parallel = group.map(DataParallel.init)
            try training.run(session)
            return try model.parameters.named.map { try $0.tensor.to(.float32).floats() }
        }
        let one = try bytes(nil)
        for (values, expected) in zip(try inProcessGroup(of: 2) { try bytes($0) }[0], one) {
            #expect(Tolerance.float32Features.mismatchByLargest(values, expected) == nil)
        }
    }

    @Test func `a probe moves nothing but the head`() throws {
        let (model, folder) = (try model("linear-dense"), try TemporaryFolder())
        let before = model.parameters.state()
        let bytes = try before.mapValues { try $0.bytes() }
        try train(model, steps: 4, isProbe: true, folder: folder.url)
        for entry in model.parameters.named where entry.kind == .parameter {
            #expect(
                try (entry.tensor.bytes() != bytes[entry.name]) == model.isHead(entry.name), "\(entry.name)")
        }
    }

    @Test func `an interrupted training ends with the same bytes as an undisturbed one`() throws {
        struct Stop: Error {}
        let (whole, first, resumed) = try (model("psp"), model("psp"), model("psp", seed: 9))
        let (undisturbed, folder) = (try TemporaryFolder(), try TemporaryFolder())
        try train(whole, steps: 8, folder: undisturbed.url)
        var hooks = TrainingHooks.silent
        hooks.advance = { step, _, _, save in
            guard step == 3 else { return }
            try save()
            throw Stop()
        }
        #expect(throws: Stop.self) { try train(first, steps: 8, folder: folder.url, hooks) }
        try train(resumed, steps: 8, folder: folder.url)
        for (a, b) in zip(whole.parameters.named, resumed.parameters.named) {
            #expect(try a.tensor.bytes() == b.tensor.bytes(), "\(a.name)")
        }
    }

    @Test func `a model of whole images has no pixels to name`() throws {
        #expect {
            try train(model("linear"), folder: TemporaryFolder().url)
        } throws: {
            "\($0)".hasPrefix("error: the model has one class for a whole image, and none for its pixels")
        }
    }

    @Test func `figures are those counted pixel by pixel`() throws {
        struct File: Decodable {
            struct Figures: Decodable {
                let classes: [String]
                let confusion: [[Int]]
                let per_class: [String: Double]
                let miou, pixel_accuracy: Double
            }
            let figures: Figures
        }
        let expected = try JSONDecoder().decode(
            File.self, from: Data(contentsOf: Fixtures.url("masks/masks.json"))
        ).figures
        let metrics = SegmentationMetrics(
            images: 3, confusion: expected.confusion, classes: expected.classes)
        #expect(metrics.perClass.keys.sorted() == ["a", "b", "c"], "the last class stands nowhere")
        #expect(metrics.perClass == expected.per_class)
        #expect(
            Tolerance.float64.mismatch(
                [metrics.miou, metrics.pixelAccuracy], [expected.miou, expected.pixel_accuracy]) == nil)
    }

    @Test func `pixels that nobody named do not count`() throws {
        let logits = try Fixtures.tensor("logits", 1, 3, 2, 2)
        try logits.requiresGrad(true)
        let loss = try Loss.pixelCrossEntropy(logits, Tensor([2, -100, 0, -100], shape: [1, 2, 2]))
        try loss.backward()
        let rows = try logits.detach().permute(0, 2, 3, 1).reshape(4, 3).indexSelect(dim: 0, Tensor([0, 2]))
        #expect(
            try Tolerance.float32.mismatch(
                [loss.item()], [rows.crossEntropy(Tensor([2, 0])).item()]) == nil)
        let gradient = try #require(try logits.grad)
        #expect(try gradient.slice(dim: 3, from: 1).abs().sum().item() == 0)
        let nothing = try Loss.pixelCrossEntropy(logits, .full([1, 2, 2], -100).to(.int64))
        #expect(try nothing.item() == 0)
    }
}
