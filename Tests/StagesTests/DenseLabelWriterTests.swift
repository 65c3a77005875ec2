import Engine
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vision

@testable import Stages
@testable import Training

/// Scripts that look at single pixels, so that what they say of an image is known.
@Suite struct DenseLabelWriterTests {
    /// Images of few colours; every seventh cannot be read, and the third is white.
    private struct Colours: ImageSource {
        static let count = 300

        var classes: [String] { [] }
        func members() throws -> [SourceMember] { [] }
        func bytes(of member: String) throws -> Data? { nil }
        func contentFiles() throws -> [URL] { [] }

        static func pixels(_ index: Int) -> [UInt8] {
            (0..<64).flatMap { place -> [UInt8] in
                if index == 3 { return [255, 255, 255] }
                var pixel: [UInt8] = [0, 0, 0]
                let channel = (place / 2 + index) % 4
                if channel < 3 { pixel[channel] = UInt8(100 + index % 100) }
                return pixel
            }
        }

        func image(_ member: String, atLeast shortSide: Int?) throws -> Image {
            let index = Int(member.dropFirst("shard.tar#dir/".count).prefix { $0 != "." }) ?? 0
            if index % 7 == 5 { throw ImageError.unreadable(reason: "the disk is gone") }
            return Image(width: 8, height: 8, pixels: Self.pixels(index))
        }

        var records: [ImageRecord] {
            (0..<Self.count).map {
                ImageRecord(
                    id: "id-\($0)", dataset: "colours", member: "shard.tar#dir/\($0).small.png", width: 8,
                    height: 8)
            }
        }
    }

    private let folder: TemporaryFolder
    private let source = Colours()

    init() throws { folder = try TemporaryFolder() }

    private func answers(_ task: DenseTask, part: String = "", confidence: Double = 0) throws -> DenseAnswers
    {
        let script = ScriptFile(Fixtures.url("experts/\(task.rawValue).pt"))
        var model = try script.model(
            .init(
                output: .map, imageSize: 8, preprocessing: Preprocessing(mean: [0, 0, 0], std: [1, 1, 1]),
                task: task, part: part))
        if task == .segmentation { model.card.classes = ["dark", "red", "green", "blue"] }
        var answers = try DenseAnswers(model, provider: ImageProvider(["colours": source]), workers: 2)
        answers.confidence = confidence
        answers.batchSize = 16
        return answers
    }

    /// Writes the maps of `node`, and stops with what `event` throws.
    private func write(
        _ node: String, _ answers: DenseAnswers,
        _ event: @escaping (StageEvent) throws -> Void = { _ in }
    ) throws -> (rows: [DenseLabelRow], asked: Int) {
        let context = try StageContext.temporary(in: folder, node: node, report: event)
        var (writer, answers) = (DenseLabelWriter(context, about: source.records), answers)
        try writer.write(asking: &answers)
        return (try writer.labelled().rows, answers.images)
    }

    private func targets(
        _ node: String, _ task: DenseTask, _ rows: [DenseLabelRow]
    ) throws -> StoredTargets {
        let output = folder.appending("work-\(node)/output")
        return try StoredTargets(
            task, rows: rows, shards: (0..<2).map { try TarArchive(DenseLabelSet.shard($0, in: output)) },
            imagesPerShard: DenseLabelSet.imagesPerShard, node: node, cacheBytes: 0)
    }

    @Test func `classes are those of the pixels, and an image that fails fails alone`() throws {
        let (rows, asked) = try write("seg", answers(.segmentation, part: "out"))
        #expect(asked == Colours.count && rows.count == Colours.count)
        let targets = try targets("seg", .segmentation, rows)
        for (index, (row, record)) in zip(rows, source.records).enumerated() {
            #expect(row.record == record && row.key == "colours/shard/dir/\(index)")
            let map = try targets.map(of: record)
            guard index % 7 != 5 else {
                #expect(row.failure == "cannot be read: the disk is gone" && map == nil, "\(row)")
                continue
            }
            let pixels = Colours.pixels(index)
            // White is red, by the order of the classes.
            let expected = (0..<64).map { place -> Float in
                let channels: [Float] = [1, 2, 3]
                return channels.first { pixels[3 * place + Int($0) - 1] > 0 } ?? 0
            }
            #expect(try #require(map).values == expected, "\(index)")
            #expect(row.width == 8 && row.height == 8 && row.known == 1 && row.bytes > 60)
        }
        #expect(targets.count == rows.count { $0.failure == nil })
    }

    @Test func `pixels that the expert is not sure of are unknown`() throws {
        let all = try write("all", answers(.segmentation, part: "out")).rows
        // Four logits: 2.5 and zeros, or up to 7.8 beside 2.5.
        let (sure, _) = try write("sure", answers(.segmentation, part: "out", confidence: 0.9))
        let targets = try targets("sure", .segmentation, sure)
        let map = try #require(try targets.map(of: source.records[80]))
        let pixels = Colours.pixels(80)
        for place in 0..<64 {
            let isDark = pixels[3 * place..<3 * place + 3].allSatisfy { $0 == 0 }
            #expect(map.values[place].isNaN == isDark)
        }
        #expect(sure[80].known == 0.75 && all[80].known == 1)
        #expect(sure[80].confidence == all[80].confidence)
    }

    @Test func `depths are interpolated, and one that is not finite is a failure`() throws {
        let (rows, _) = try write("depth", answers(.depth))
        #expect(rows[3].failure == "the expert's answer is not finite")
        #expect(rows[4].failure == nil && rows[4].bytes == 128 + 128)
        let map = try #require(try targets("depth", .depth, rows).map(of: source.records[4]))
        #expect(map.width == 8 && map.values.allSatisfy { 0...1 ~= $0 })
    }

    @Test func `normals are directions`() throws {
        let (rows, _) = try write("normals", answers(.normals, part: "1"))
        let map = try #require(try targets("normals", .normals, rows).map(of: source.records[1]))
        let pixels = Colours.pixels(1).map { 2 * Float($0) / 255 - 1 }
        for place in 0..<64 {
            let (said, shown) = (map.values[3 * place..<3 * place + 3], pixels[3 * place..<3 * place + 3])
            let length = shown.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(zip(said, shown).reduce(0) { $0 + $1.0 * $1.1 / length } > 0.9998)
        }
        #expect(rows[1].bytes == 128 + 128)
    }

    @Test func `every image has a key of its own, and keys have no dots`() {
        func record(_ member: String) -> ImageRecord {
            ImageRecord(id: member, dataset: "d", member: member, width: 8, height: 8)
        }
        let members = [
            "a/photo.1.png", "a/photo.2.png", "a/photo_1.png", "a/photo_1.jpg", "a.b/c",
            "s.tar#x/7.small.png",
            "s.tar#x/7.jpg", "s.tar#8.png", "train/9",
        ]
        #expect(
            DenseLabelRow.keys(of: members.map(record)) == [
                "d/a/photo_1", "d/a/photo_2", "d/a/photo_1_2", "d/a/photo_1_3", "d/a.b/c", "d/s/x/7",
                "d/s/x/7_2", "d/s/8", "d/train/9",
            ])
    }

    @Test(arguments: DenseTask.allCases)
    func `work that is killed goes on at its shard and ends with the same bytes`(task: DenseTask) throws {
        struct Killed: Error {}
        let part = [DenseTask.segmentation: "out", .normals: "1"][task] ?? ""
        let calm = try write("calm", answers(task, part: part))
        // Killed in the second shard: the first is not asked about again.
        var events = 0
        #expect(throws: Killed.self) {
            try write("killed", answers(task, part: part)) { event in
                guard case .progress = event else { return }
                events += 1
                if events == 18 { throw Killed() }
            }
        }
        let (rows, asked) = try write("killed", answers(task, part: part))
        #expect(rows == calm.rows && asked == Colours.count - DenseLabelSet.imagesPerShard)
        for shard in 0..<2 {
            let bytes = try ["calm", "killed"].map {
                try Data(contentsOf: DenseLabelSet.shard(shard, in: folder.appending("work-\($0)/output")))
            }
            #expect(bytes[0] == bytes[1])
        }
    }

    @Test func `a part that a script does not return is said to be missing`() throws {
        let hint = "\n  hint: set output_part to the one with the map: its key, or its number"
        let classes = "the script returned a dictionary of 'aux': [2, 3, 8, 8], 'out': [2, 4, 8, 8]"
        for (task, part, text) in [
            (DenseTask.segmentation, "logits", "\(classes), without 'logits'\(hint)"),
            (
                .normals, "2",
                "the script returned a tuple of 0: [2, 8, 8], 1: [2, 3, 8, 8], without '2'\(hint)"
            ),
            (.segmentation, "", "\(classes), not one tensor\(hint)"),
            (.depth, "0", "normals"),
        ] {
            let isOther = text == "normals"
            do {
                _ = try answers(task, part: part)
                #expect(isOther, "a single result needs no part")
            } catch {
                #expect("\(error)".contains(text), "\(error)")
            }
        }
        let script = ScriptFile(Fixtures.url("experts/depth.pt"))
        #expect {
            try script.model(
                .init(output: .map, imageSize: 8, preprocessing: .imageNet, task: .normals))
        } throws: {
            "\($0)".contains("the script returns maps of 1 numbers a pixel, and normals has 3")
        }
    }
}
