import Diagnostics
import Foundation
import Models
import Stages
import Tensors
import TestSupport
import Testing
import Training
import Vision

@Suite struct FolderClassifierTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func model(_ classes: [String]) throws -> LoadedModel {
        try LoadedModel.initialize(
            ModelRegistry.defaults(for: "dwcnn_xs"), classes: classes, generator: Generator(seed: 1),
            device: .cpu)
    }

    private func write(_ shade: UInt8, _ name: String) throws {
        try folder.write("", to: name)
        let pixels = (0..<40 * 36 * 3).map { UInt8(truncatingIfNeeded: $0) &* 7 &+ shade }
        try ImageCodec.encodePNG(Image(width: 40, height: 36, pixels: pixels))
            .write(to: folder.appending(name))
    }

    @Test func `images are told in the order of their names, classes in that of their probability`() throws {
        try write(10, "b.png")
        try write(200, "a/z.png")
        try folder.write("nothing", to: "c.webp")
        let summary = try FolderClassifier(model(["x", "y", "z"]), top: 2, batchSize: 32, workers: 1)
            .classify(folder.url)
        #expect(summary.predictions.map(\.image) == ["a/z.png", "b.png"])
        #expect(summary.skipped.keys.sorted() == ["c.webp"])
        for prediction in summary.predictions {
            #expect(prediction.top.count == 2)
            #expect(prediction.top[0].confidence >= prediction.top[1].confidence)
            #expect(
                prediction.top[0].class == prediction.class && prediction.top[0].index == prediction.index)
            #expect(["x", "y", "z"][prediction.index] == prediction.class)
        }
    }

    @Test func `probabilities add up to one, and do not depend on the batch`() throws {
        for number in 0..<5 { try write(UInt8(40 * number), "\(number).png") }
        let model = try model(["x", "y", "z"])
        let all = try FolderClassifier(model, top: 9, batchSize: 32, workers: 2).classify(folder.url)
        let single = try FolderClassifier(model, top: 9, batchSize: 1, workers: 1).classify(folder.url)
        for (one, other) in zip(all.predictions, single.predictions) {
            #expect(abs(one.top.map(\.confidence).reduce(0, +) - 1) < 1e-5)
            #expect(abs(one.confidence - other.confidence) < 1e-5)
        }
    }

    @Test func `classes without names have numbers`() throws {
        try write(90, "a.png")
        var model = try model(["x", "y"])
        model.card.classes = []
        let summary = try FolderClassifier(model, top: 1, batchSize: 1, workers: 1).classify(folder.url)
        #expect(summary.predictions[0].class == "\(summary.predictions[0].index)")
    }

    @Test func `a model that tells pixels apart is refused`() throws {
        let configuration = try ModelRegistry.configure("dwcnn_xs", classCount: 2, options: ["head": "psp"])
        let model = try LoadedModel.initialize(
            configuration, classes: ["x", "y"], generator: Generator(seed: 1), device: .cpu)
        let problem = #expect(throws: Diagnostic.self) {
            try FolderClassifier(model, top: 1, batchSize: 1, workers: 1)
        }
        #expect(problem?.message == "the model tells pixels apart, not whole images")
    }

    @Test func `a model without classes is refused`() throws {
        let model = try model([])
        let problem = #expect(throws: Diagnostic.self) {
            try FolderClassifier(model, top: 1, batchSize: 1, workers: 1)
        }
        #expect(
            problem?.description == """
                error: the model has no classes to tell apart
                  hint: 'retort embed' makes vectors of images
                """)
    }
}
