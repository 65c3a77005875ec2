internal import Engine
internal import Foundation
internal import Synchronization
internal import Training
internal import Vision

/// Writes the shards of a set of maps, resumable at any shard.
///
/// A finished shard is a file in the output and its rows in the stage's state. Maps are packed on another thread while
/// the expert looks at the next images.
struct DenseLabelWriter {
    /// A shard's rows, and how many of its pixels have each class.
    private struct Shard: Codable {
        var rows: [DenseLabelRow]
        var classCounts: [Int]
    }

    private let context: StageContext
    private let records: [ImageRecord]
    /// The time that asking and writing took, since the stage was resumed.
    private(set) var seconds = 0.0
    /// The images that the expert was asked about, since the stage was resumed.
    private var asked = 0

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
        for number in context.parts(of: shardCount) {
            let range = number * Self.shardSize..<min(records.count, (number + 1) * Self.shardSize)
            if !FileManager.default.fileExists(
                atPath: DenseLabelSet.shard(number, in: context.output).path)
            {
                try write(number, of: range, asking: &answers, since: began)
                asked += range.count
            }
            try advance(to: range.upperBound, of: number, asked: asked, since: began)
        }
        seconds = Self.seconds(since: began)
    }

    /// The rows of all shards, and how many of their pixels have each class.
    func labelled() throws -> (rows: [DenseLabelRow], classCounts: [Int]) {
        var (rows, classCounts): ([DenseLabelRow], [Int]) = ([], [])
        for number in 0..<shardCount {
            let shard = try JSONFiles.read(Shard.self, from: rowsFile(number))
            rows += shard.rows
            if classCounts.count < shard.classCounts.count {
                classCounts += [Int](repeating: 0, count: shard.classCounts.count - classCounts.count)
            }
            for (label, pixels) in shard.classCounts.enumerated() { classCounts[label] += pixels }
        }
        return (rows, classCounts)
    }

    private func rowsFile(_ number: Int) -> URL { context.state.appending(path: "shard-\(number).json") }

    private func write(
        _ number: Int, of range: Range<Int>, asking answers: inout DenseAnswers,
        since began: ContinuousClock.Instant
    ) throws {
        let records = Array(records[range])
        let task = answers.task
        let packer = Packer(records, task)
        try answers.run(records) { places, found in
            packer.pack(places, found)
            try advance(
                to: range.lowerBound + places.upperBound, of: number, asked: asked + places.upperBound,
                since: began)
        }
        let (rows, maps, counts) = try packer.finish()
        // Rows come first: where the maps are, so are they.
        try JSONFiles.write(Shard(rows: rows, classCounts: counts), to: rowsFile(number))
        let writer = try TarWriter(DenseLabelSet.shard(number, in: context.output))
        for (row, data) in zip(rows, maps) {
            guard let data else { continue }
            try writer.add("\(row.key).\(DenseMap.suffix(task))", data)
        }
        try writer.finish()
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

/// Packs the maps of a shard on a thread of its own.
private final class Packer: Sendable {
    private struct State {
        var rows: [DenseLabelRow] = []
        var maps: [Data?] = []
        var counts: [Int] = []
        var problem: (any Error)?
    }

    private let queue = DispatchQueue(label: "retort-packer")
    private let records: [ImageRecord]
    private let task: DenseTask
    private let state = Mutex(State())

    init(_ records: [ImageRecord], _ task: DenseTask) {
        self.records = records
        self.task = task
    }

    /// Hands answers over; they are packed in the order in which they come.
    func pack(_ places: Range<Int>, _ answers: [DenseAnswers.Answer]) {
        queue.async { [self] in
            for (place, answer) in zip(places, answers) {
                let packed = Result { try pack(records[place], answer) }
                state.withLock { state in
                    switch packed {
                    case .success(let (row, map, counts)):
                        state.rows.append(row)
                        state.maps.append(map)
                        if state.counts.count < counts.count {
                            state.counts += [Int](repeating: 0, count: counts.count - state.counts.count)
                        }
                        for (label, pixels) in counts.enumerated() { state.counts[label] += pixels }
                    case .failure(let error): state.problem = state.problem ?? error
                    }
                }
            }
        }
    }

    private func pack(
        _ record: ImageRecord, _ answer: DenseAnswers.Answer
    ) throws -> (DenseLabelRow, Data?, [Int]) {
        var row = DenseLabelRow(record: record, key: DenseLabelRow.key(of: record))
        switch answer {
        case .failure(let reason):
            row.failure = reason
            return (row, nil, [])
        case .map(let map, let confidence):
            let data = try map.encoded()
            (row.width, row.height, row.bytes) = (map.width, map.height, data.count)
            (row.known, row.confidence) = (map.knownShare, confidence)
            var counts = [Int](repeating: 0, count: task == .segmentation ? 256 : 0)
            if task == .segmentation {
                for label in map.mask.pixels { counts[Int(label)] += 1 }
                counts[Int(Mask.unnamed)] = 0
            }
            return (row, data, counts)
        }
    }

    /// Waits for what was handed over.
    func finish() throws -> (rows: [DenseLabelRow], maps: [Data?], counts: [Int]) {
        queue.sync {}
        return try state.withLock { state in
            if let problem = state.problem { throw problem }
            return (state.rows, state.maps, state.counts)
        }
    }
}
