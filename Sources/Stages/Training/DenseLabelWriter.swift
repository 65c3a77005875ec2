internal import Engine
internal import Foundation
internal import Training
internal import Vision

/// Writes the shards of a set of maps, resumable at any shard.
///
/// A finished shard is a file in the output and its rows in the stage's state. Maps are packed and written on another
/// thread while the expert looks at the next images.
struct DenseLabelWriter {
    /// Images of one shard that the expert is asked about at once.
    private struct Batch {
        var shard: Int
        var places: Range<Int>
        var isLast: Bool
    }

    private let context: StageContext
    private let records: [ImageRecord]
    /// The time that asking and writing took, since the stage was resumed.
    private(set) var seconds = 0.0

    init(_ context: StageContext, about records: [ImageRecord]) {
        self.context = context
        self.records = records
    }

    private static let shardSize = DenseLabelSet.imagesPerShard
    private var shardCount: Int { (records.count + Self.shardSize - 1) / Self.shardSize }

    /// Writes those of this process's shards that are not there.
    mutating func write(asking answers: inout DenseAnswers) throws {
        try FileManager.default.createDirectory(
            at: DenseLabelSet.shard(0, in: context.output).deletingLastPathComponent(),
            withIntermediateDirectories: true)
        let began = ContinuousClock.now
        let missing = context.parts(of: shardCount).filter {
            !FileManager.default.fileExists(atPath: DenseLabelSet.shard($0, in: context.output).path)
        }
        let batches = missing.flatMap { self.batches(of: $0, answers.batchSize) }
        let packer = DenseLabelPacker(
            records, keys: DenseLabelRow.keys(of: records), answers.task, output: context.output,
            state: context.state)
        defer { packer.drain() }
        var asked = 0
        try answers.run(batches.map { records[$0.places] }) { number, found in
            let batch = batches[number]
            try packer.pack(found, at: batch.places, ofShard: batch.shard, isLast: batch.isLast)
            asked += batch.places.count
            try advance(to: batch.places.upperBound, of: batch.shard, asked: asked, since: began)
        }
        try packer.finish()
        seconds = Self.seconds(since: began)
    }

    /// The rows of all shards, and how many of their pixels have each class.
    func labelled() throws -> (rows: [DenseLabelRow], classCounts: [Int]) {
        try (0..<shardCount).reduce(into: ([], [])) { labelled, number in
            let shard = try DenseLabelPacker.shard(number, in: context.state)
            labelled.0 += shard.rows
            labelled.1.add(shard.classCounts)
        }
    }

    private func batches(of shard: Int, _ size: Int) -> [Batch] {
        let end = min(records.count, (shard + 1) * Self.shardSize)
        return stride(from: shard * Self.shardSize, to: end, by: size).map { first in
            Batch(shard: shard, places: first..<min(end, first + size), isLast: first + size >= end)
        }
    }

    /// Process 0 speaks for all: the others have done about as much of their shards.
    private func advance(
        to done: Int, of shard: Int, asked: Int, since began: ContinuousClock.Instant
    ) throws {
        let first = shard * Self.shardSize
        let done = min(records.count, first + (done - first) * (context.share?.size ?? 1))
        try context.advance(
            to: done, of: records.count,
            [
                "images": Double(done),
                "images_per_second": Double(asked) / max(Self.seconds(since: began), 1e-9),
            ])
    }

    private static func seconds(since instant: ContinuousClock.Instant) -> Double {
        let passed = (ContinuousClock.now - instant).components
        return Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
    }
}
