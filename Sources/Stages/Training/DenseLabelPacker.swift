internal import Engine
internal import Foundation
internal import Synchronization
internal import Training
internal import Vision

/// Packs maps and writes their shards on a thread of its own, in the order in which they come.
final class DenseLabelPacker: Sendable {
    /// A shard's rows, and how many of its pixels have each class.
    struct Shard: Codable {
        var rows: [DenseLabelRow] = []
        var classCounts: [Int] = []
    }

    /// The shard in work; only the queue touches it.
    private struct State {
        var shard = Shard()
        var maps: [Data?] = []
    }

    private let queue = DispatchQueue(label: "retort-packer")
    /// Shards that are begun and not yet written: answers must not pile up where packing is slower than the expert.
    private let room = DispatchSemaphore(value: 0)
    private let (records, keys): ([ImageRecord], [String])
    private let task: DenseTask
    private let (output, folder): (URL, URL)
    private let state = Mutex(State())
    /// Apart from the state, which is held while maps are packed: whoever hands answers over does not wait for that.
    private let problem = Mutex<(any Error)?>(nil)

    /// - Parameters:
    ///   - keys: the names under which the images' maps are stored.
    ///   - output: the folder of the set of labels.
    ///   - folder: where the rows of shards are kept until the last is written.
    init(_ records: [ImageRecord], keys: [String], _ task: DenseTask, output: URL, state folder: URL) {
        (self.records, self.keys) = (records, keys)
        self.task = task
        (self.output, self.folder) = (output, folder)
        // Not its first value, below which it must not be when it goes: a stage may stop within a shard.
        for _ in 0..<2 { room.signal() }
    }

    /// What is known of a shard that is written.
    static func shard(_ number: Int, in folder: URL) throws -> Shard {
        try JSONFiles.read(Shard.self, from: rowsFile(number, in: folder))
    }

    private static func rowsFile(_ number: Int, in folder: URL) -> URL {
        folder.appending(path: "shard-\(number).json")
    }

    /// Hands answers over, the last of which ends the shard; throws what went wrong with earlier ones.
    func pack(
        _ answers: [DenseAnswers.Answer], at places: Range<Int>, ofShard number: Int, isLast: Bool
    ) throws {
        try check()
        if places.lowerBound == number * DenseLabelSet.imagesPerShard { room.wait() }
        queue.async { [self] in
            defer { if isLast { room.signal() } }
            guard problem.withLock({ $0 == nil }) else { return }
            do {
                try state.withLock { state in
                    for (place, answer) in zip(places, answers) { try add(answer, at: place, to: &state) }
                    if isLast { try write(number, &state) }
                }
            } catch {
                problem.withLock { $0 = error }
            }
        }
    }

    private func add(_ answer: DenseAnswers.Answer, at place: Int, to state: inout State) throws {
        var row = DenseLabelRow(record: records[place], key: keys[place])
        switch answer {
        case .failure(let reason):
            row.failure = reason
            state.maps.append(nil)
        case .map(let map, let confidence):
            let data = try map.encoded()
            (row.width, row.height, row.bytes) = (map.width, map.height, data.count)
            (row.known, row.confidence) = (map.knownShare, confidence)
            if task == .segmentation {
                var counts = [Int](repeating: 0, count: 256)
                for label in map.mask.pixels { counts[Int(label)] += 1 }
                counts[Int(Mask.unnamed)] = 0
                state.shard.classCounts.add(counts)
            }
            state.maps.append(data)
        }
        state.shard.rows.append(row)
    }

    private func write(_ number: Int, _ state: inout State) throws {
        // Rows come first: where the maps are, so are they.
        try JSONFiles.write(state.shard, to: Self.rowsFile(number, in: folder))
        let writer = try TarWriter(DenseLabelSet.shard(number, in: output))
        for (row, map) in zip(state.shard.rows, state.maps) {
            if let map { try writer.add("\(row.key).\(DenseMap.suffix(task))", map) }
        }
        try writer.finish()
        (state.shard, state.maps) = (Shard(), [])
    }

    private func check() throws {
        if let problem = problem.withLock({ $0 }) { throw problem }
    }

    /// Waits until what was handed over is written.
    func drain() { queue.sync {} }

    /// Does so, and throws what went wrong.
    func finish() throws {
        drain()
        try check()
    }
}

extension [Int] {
    /// Adds numbers place by place; of two lists the shorter goes on with zeros.
    mutating func add(_ others: [Int]) {
        if count < others.count { self += [Int](repeating: 0, count: others.count - count) }
        for (place, other) in others.enumerated() { self[place] += other }
    }
}
