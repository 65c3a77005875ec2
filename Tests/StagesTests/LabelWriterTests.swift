import Engine
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vision
import World

@testable import Stages
@testable import Training

/// The shards of a set of labels: the same bytes however often the work was stopped, and the teacher's own answers.
@Suite struct LabelWriterTests {
    private static let (images, views) = (300, 2)
    private let source = WorldSource(
        domain: .objects, size: 32, seed: 3, splits: [WorldSplit("all", count: images)], label: .class)
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func records(_ count: Int = images) throws -> [ImageRecord] {
        try source.members().prefix(count).map {
            ImageRecord(id: $0.member, dataset: "world", member: $0.member, width: 32, height: 32)
        }
    }

    private func teacher(classCount: Int = 12) throws -> LoadedModel {
        try LoadedModel.initialize(
            ModelRegistry.defaults(for: "dwcnn_xs"), classes: (0..<classCount).map { "\($0)" },
            generator: Generator(seed: 1), device: .cpu)
    }

    private func view(_ record: ImageRecord, _ number: Int) -> ImageView {
        ImageView(record, .training, number: number, seed: 5)
    }

    /// Writes the labels of `node`, and stops with what `event` throws.
    private func write(
        _ node: String, _ form: LabelForm, images: Int = images, stop: StopRequest = StopRequest(),
        _ event: @escaping (StageEvent) throws -> Void = { _ in }
    ) throws -> LabelWriter {
        let context = try StageContext.temporary(in: folder, node: node, stop: stop, report: event)
        let records = try records(images)
        let inference = Inference(
            try teacher(), provider: ImageProvider(["world": source]), workers: 1)
        let known = KnownLabels(
            store: context.store, teacher: "", precision: .fp32, revision: 1, form: form, of: records)
        let writer = LabelWriter(
            context, asking: inference, knowing: known, form: form, about: records, views: Self.views,
            saveInterval: .zero,
            view: view)
        try writer.write()
        return writer
    }

    private func shards(_ node: String) throws -> [Data] {
        try (0..<2).map {
            try Data(contentsOf: LabelSet.shard($0, in: folder.appending("work-\(node)/output")))
        }
    }

    @Test(arguments: [PredictionForm.logits, .topK(3)])
    func `work that is killed or stopped anywhere goes on`(
        predictions: PredictionForm
    ) throws {
        struct Killed: Error {}
        let form = LabelForm(predictions: predictions, hasFeatures: true, classCount: 12)
        #expect(try write("calm", form).asked == Self.images * Self.views)
        let expected = try shards("calm")
        let moments = (0..<3).map { _ in Int.random(in: 1...6) }
        var kills = 0
        for moment in moments {
            var events = 0
            // At a kill nothing is saved but what was saved before.
            do {
                _ = try write("killed", form) { event in
                    guard case .progress = event else { return }
                    events += 1
                    if events == moment { throw Killed() }
                }
            } catch is Killed { kills += 1 }
            let stop = StopRequest()
            do {
                _ = try write("killed", form, stop: stop) { event in
                    if case .progress = event { stop.request(signal: SIGINT) }
                }
            } catch is StageInterrupted {}
        }
        #expect(kills > 0)
        let last = try write("killed", form)
        #expect(last.asked < Self.images * Self.views, "\(moments)")
        #expect(try shards("killed") == expected, "\(moments)")
    }

    @Test(arguments: [PredictionForm.logits, .topK(3)])
    func `replayed targets are those of the teacher online`(
        predictions: PredictionForm
    ) throws {
        let form = LabelForm(predictions: predictions, hasFeatures: true, classCount: 12)
        _ = try write("labels", form)
        let output = folder.appending("work-labels/output")
        let shards = try LabelShards(imagesPerShard: LabelSet.imagesPerShard) {
            LabelSet.shard($0, in: output)
        }
        // Online, a batch is of another size and in another order.
        let order = [259, 0, 17, 255, 256, 101]
        let views = try order.flatMap { index in
            let record = try records()[index]
            return (0..<Self.views).map { view(record, $0) }
        }
        var online: [Inference.Output] = []
        let inference = Inference(try teacher(), provider: ImageProvider(["world": source]), workers: 1)
        try inference.run(views) { online.append($0) }
        let output0 = try #require(online.first)
        let rows = order.flatMap { index in (0..<Self.views).map { index * Self.views + $0 } }
        let (replayed, asked) = (
            try shards.logits(rows: rows).tensor(0..<rows.count).softmax(1).floats(),
            try #require(output0.logits).softmax(1).floats()
        )
        let features = try shards.features(rows: rows).tensor(0..<rows.count).floats()
        #expect(Tolerance.float16.mismatch(features, try output0.features.floats()) == nil)
        for row in rows.indices {
            let expected = Array(asked[row * 12..<(row + 1) * 12])
            let found = Array(replayed[row * 12..<(row + 1) * 12])
            let kept = expected.indices.sorted { expected[$0] > expected[$1] }
                .prefix(predictions == .logits ? 12 : 3)
            for index in kept { #expect(abs(found[index] - expected[index]) < 1e-3) }
            let rest = 1 - kept.reduce(0) { $0 + expected[$1] }
            let distance = zip(found, expected).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
            #expect(distance <= max(rest, 0) + 1e-3)
        }
    }

    @Test func `a sparse form takes far less`() throws {
        _ = try write("all", LabelForm(predictions: .logits, hasFeatures: true, classCount: 12), images: 64)
        _ = try write("top", LabelForm(predictions: .topK(3), hasFeatures: false, classCount: 12), images: 64)
        let sizes = try ["all", "top"].map { try LabelSet.bytes(in: folder.appending("work-\($0)/output")) }
        // 48 + 192 bytes a view, and 3 · (4 + 1) + 4.
        #expect(sizes[0] / 128 - 240 < 8)
        #expect(sizes[1] / 128 - 19 < 8)
    }

    @Test func `answers that are no numbers are refused with the images they are for`() throws {
        let form = LabelForm(predictions: .logits, hasFeatures: false, classCount: 2)
        let output = Inference.Output(
            range: 0..<2, features: try .zeros([2, 4]), logits: try Tensor([0, 1, .nan, 2], shape: [2, 2]))
        let error = #expect(throws: (any Error).self) {
            try form.encode(output, of: records(2).map { view($0, 0) })
        }
        let text = "\(try #require(error))"
        #expect(text.contains("the teacher's logits are not finite numbers for 1 of 2 views"), "\(text)")
        #expect(text.contains(try records(2)[1].member), "\(text)")
    }
}
