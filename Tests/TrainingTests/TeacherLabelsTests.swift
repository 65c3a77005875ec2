import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing
import Vision

@testable import Training

/// What is kept of a teacher's answers, and how it comes back.
@Suite struct TeacherLabelsTests {
    private static let classCount = 50
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Logits of a teacher that is fairly sure.
    private func logits(_ rows: Int, _ classCount: Int = classCount) throws -> Tensor {
        try Tensor(Fixtures.noise("logits", [rows * classCount], scale: 6), shape: [rows, classCount])
    }

    /// Writes shards of `imagesPerShard` images with `views` views.
    private func write(
        _ form: PredictionForm, _ logits: Tensor, features: Tensor? = nil, imagesPerShard: Int = 4, views: Int
    ) throws {
        let rows = imagesPerShard * views
        for (number, start) in stride(from: 0, to: logits.shape[0], by: rows).enumerated() {
            let part = try logits.slice(dim: 0, from: start, to: start + rows)
            var tensors = try form.encode(part)
            tensors["features"] = try features?.slice(dim: 0, from: start, to: start + rows)
            try SafetensorsFile.write(
                tensors.map { name, tensor in
                    (
                        name: name,
                        tensor: try tensor.reshape(
                            [tensor.shape[0] / views, views] + tensor.shape.dropFirst())
                    )
                }, metadata: ["class_count": "\(logits.shape[1])"], to: shard(number))
        }
    }

    private func shard(_ number: Int) -> URL { folder.appending("labels-\(number).safetensors") }

    private func open(imagesPerShard: Int = 4, mappedBytes: Int = 1 << 20) throws -> LabelShards {
        let folder = folder.url
        return try LabelShards(imagesPerShard: imagesPerShard, mappedBytes: mappedBytes) {
            folder.appending(path: "labels-\($0).safetensors")
        }
    }

    /// Probabilities at a temperature, in fp64.
    private func softened(_ logits: [Float], _ temperature: Double) -> [Double] {
        let scaled = logits.map { Double($0) / temperature }
        let largest = scaled.max() ?? 0
        let total = scaled.reduce(0) { $0 + exp($1 - largest) }
        return scaled.map { exp($0 - largest) / total }
    }

    @Test func `all logits come back bit by bit, in any order`() throws {
        let logits = try logits(24)
        try write(.logits, logits, views: 3)
        let shards = try open()
        #expect(shards.form == .logits)
        #expect(shards.viewsPerImage == 3)
        #expect(shards.classCount == Self.classCount)
        #expect(shards.featureWidth == nil)
        let order = [23, 0, 11, 12, 5]
        let rows = try shards.logits(rows: order).tensor(0..<5)
        #expect(try rows.bytes() == logits.indexSelect(dim: 0, Tensor(order)).bytes())
        #expect(try shards.logits(rows: order).tensor(1..<3).shape == [2, Self.classCount])
    }

    @Test func `features come back as they were rounded`() throws {
        let features = try Tensor(Fixtures.noise("features", [24 * 7]), shape: [24, 7]).to(.float16)
        try write(.topK(10), logits(24), features: features, views: 3)
        let rows = try open().features(rows: [20, 1]).tensor(0..<2)
        #expect(try rows.bytes() == features.to(.float32).indexSelect(dim: 0, Tensor([20, 1])).bytes())
    }

    @Test(arguments: [50, 300]) func `kept classes keep their probability, and the others their sum`(
        classCount: Int
    ) throws {
        let logits = try logits(24, classCount)
        try write(.topK(10), logits, views: 3)
        let shards = try open()
        #expect(shards.form == .topK(10))
        let (stored, own) = (
            try shards.logits(rows: Array(0..<24)).tensor(0..<24).floats(), try logits.floats()
        )
        let masses = try #require(try PredictionForm.restMass(of: PredictionForm.topK(10).encode(logits)))
            .doubles()
        for row in 0..<24 {
            let expected = softened(Array(own[row * classCount..<(row + 1) * classCount]), 1)
            let found = softened(Array(stored[row * classCount..<(row + 1) * classCount]), 1)
            let order = expected.indices.sorted { expected[$0] > expected[$1] }
            for index in order.prefix(10) { #expect(abs(found[index] - expected[index]) < 1e-6) }
            let rest = order.dropFirst(10).reduce(0) { $0 + expected[$1] }
            #expect(abs(masses[row] - rest) < 1e-6)
            // Half of the absolute differences: the total variation distance.
            let distance = zip(found, expected).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
            #expect(distance <= rest + 1e-6)
            #expect(order.dropFirst(10).allSatisfy { abs(found[$0] - rest / Double(classCount - 10)) < 1e-6 })
        }
    }

    @Test(arguments: [0.5, 1, 2, 4]) func `softened targets have their ratios, and a bounded share`(
        temperature: Double
    ) throws {
        let logits = try logits(8)
        try write(.topK(10), logits, views: 1)
        let stored = try open().logits(rows: Array(0..<8)).tensor(0..<8).floats()
        let own = try logits.floats()
        for row in 0..<8 {
            let range = row * Self.classCount..<(row + 1) * Self.classCount
            let (expected, found) = (
                softened(Array(own[range]), temperature), softened(Array(stored[range]), temperature)
            )
            let kept = expected.indices.sorted { expected[$0] > expected[$1] }.prefix(10)
            let ratio = found[kept[0]] / expected[kept[0]]
            for index in kept { #expect(abs(found[index] / expected[index] - ratio) < 1e-5) }
            // Even spreading is the largest share of the others above temperature 1, and the smallest below.
            #expect(temperature == 1 ? abs(ratio - 1) < 1e-6 : temperature > 1 ? ratio < 1 : ratio > 1)
        }
    }

    @Test func `no more classes than are kept, and all are`() throws {
        #expect(PredictionForm(keeping: 10, of: 10) == .logits)
        #expect(PredictionForm(keeping: 10, of: 11) == .topK(10))
    }

    @Test func `reading touches a bounded part of files of any size`() throws {
        // On a disk: what is mapped of a file in memory counts otherwise.
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "retort-labels-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // 64 files of 64 MB that take no room, 4 GB in all: rows of 1 KB.
        let (files, images) = (64, 1 << 16)
        let header =
            #"{"logits":{"dtype":"F32","shape":[\#(images),1,256],"data_offsets":[0,\#(images << 10)]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        for number in 0..<files {
            let url = folder.appending(path: "\(number)")
            let start = withUnsafeBytes(of: UInt64(padded.utf8.count).littleEndian) { Data($0) }
            try (start + Data(padded.utf8)).write(to: url)
            try #require(truncate(url.path, off_t(8 + padded.utf8.count + images << 10)) == 0)
        }
        func shards(_ limit: Int) throws -> LabelShards {
            try LabelShards(imagesPerShard: images, mappedBytes: limit) { folder.appending(path: "\($0)") }
        }
        let limit = 128 << 20
        let bounded = try residentBytes(shards(limit), files: files, images: images, limit)
        #expect(bounded < limit + 32 << 20, "\(bounded >> 20) MB")
        // What the bound is good for: without it, all that was ever read stays.
        let unbounded = try residentBytes(shards(.max), files: files, images: images, .max)
        #expect(unbounded > 2 * limit, "\(unbounded >> 20) MB")
    }

    /// The most that mapped files take in memory while rows from all over them are read.
    private func residentBytes(_ shards: LabelShards, files: Int, images: Int, _ limit: Int) throws -> Int {
        let before = try residentFileBytes()
        var largest = 0
        for batch in 0..<128 {
            // Rows of every file, 512 KB apart.
            let rows = (0..<files).map { $0 * images + (batch * 512 + $0 * 16) % images }
            let answers = try shards.logits(rows: rows)
            #expect(answers.bytes.count == files << 10)
            #expect(shards.mappedBytes <= limit)
            largest = max(largest, try residentFileBytes() - before)
        }
        return largest
    }

    /// How much of mapped files is in memory, by the system's own count.
    private func residentFileBytes() throws -> Int {
        let status = try String(contentsOf: URL(filePath: "/proc/self/status"), encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
            << 10
    }

    @Test func `images are read line by line, and damage is named`() throws {
        let rows = (0..<3).map { index in
            LabelledImages.Row(
                record: ImageRecord(
                    id: "\(index)", dataset: "d", member: "m\(index)", width: 9, height: 9),
                views: [ViewParameters(top: index, left: 0, height: 5, width: 5)])
        }
        let encoder = JSONEncoder()
        var text = try rows.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        let file = try folder.write(text.joined(separator: "\n") + "\n", to: "views.jsonl")
        let images = try LabelledImages(file)
        #expect(images.count == 3)
        #expect(try images.row(2).views[0].top == 2)
        #expect(try images.row(2).record.member == "m2")
        #expect(try images.id(1) == "1")
        text[1] = "{}"
        let damaged = try LabelledImages(folder.write(text.joined(separator: "\n"), to: "damaged.jsonl"))
        #expect(damaged.count == 3)
        #expect(try damaged.row(2).record.id == "2")
        let error = #expect(throws: (any Error).self) { try damaged.row(1) }
        #expect("\(try #require(error))".contains("damaged.jsonl: line 2"))
    }

    @Test func `every image is seen once in an epoch, and a batch is the same whenever it is asked for`() {
        let sampler = EpochSampler(count: 10, batchSize: 7, seed: 3)
        let items = (0..<10).flatMap { sampler.batch($0) }
        for epoch in 0..<7 {
            #expect(Set(items[epoch * 10..<(epoch + 1) * 10].map(\.index)).count == 10)
            #expect(items[epoch * 10..<(epoch + 1) * 10].allSatisfy { $0.epoch == epoch })
        }
        #expect(EpochSampler(count: 10, batchSize: 7, seed: 3).batch(6) == Array(items[42..<49]))
        // A batch that is larger than the set runs over several epochs.
        #expect(
            EpochSampler(count: 3, batchSize: 8, seed: 0).batch(1).map(\.epoch) == [2, 3, 3, 3, 4, 4, 4, 5])
    }
}
