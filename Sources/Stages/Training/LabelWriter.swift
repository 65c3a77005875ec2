internal import Engine
internal import Foundation
internal import Layers
internal import Safetensors
internal import Tensors
internal import Training
internal import Vision

/// Writes the shards of a set of labels, asking a teacher about what is not known, and resumable at any batch.
///
/// A finished shard is a file in the output. What was asked of the shard in work is saved in the stage's state now
/// and then, with the places it belongs to, and not asked again.
final class LabelWriter {
    private let context: StageContext
    private let inference: Inference
    private let known: KnownLabels
    private let form: LabelForm
    private let records: [ImageRecord]
    private let views: Int
    private let view: (ImageRecord, Int) -> ImageView
    private let clock = ContinuousClock()
    private var nextSave: ContinuousClock.Instant

    /// The views that the teacher was asked about, since the stage was resumed.
    private(set) var asked = 0
    /// The images that the teacher was asked about, since the stage was resumed.
    private(set) var askedImages = 0
    /// The views that were known already.
    private(set) var reused = 0

    /// The shortest time between two saves of the shard in work.
    private let saveInterval: Duration
    /// The largest share of the time that may go into saves.
    private static let saveShare = 0.02

    /// - Parameter view: what the teacher sees of an image the how-manieth time.
    init(
        _ context: StageContext, asking inference: Inference, knowing known: KnownLabels, form: LabelForm,
        about records: [ImageRecord], views: Int, saveInterval: Duration = .seconds(1),
        view: @escaping (ImageRecord, Int) -> ImageView
    ) {
        self.context = context
        self.inference = inference
        self.known = known
        self.form = form
        self.records = records
        self.views = views
        self.view = view
        self.saveInterval = saveInterval
        nextSave = clock.now + saveInterval
    }

    private var total: Int { records.count * views }

    /// Writes every shard that is not there.
    func write() throws {
        try FileManager.default.createDirectory(
            at: LabelSet.shard(0, in: context.output).deletingLastPathComponent(),
            withIntermediateDirectories: true)
        for number in context.parts(of: LabelSet.shardCount(of: records.count)) {
            let first = number * LabelSet.imagesPerShard
            let images = records[first..<min(records.count, first + LabelSet.imagesPerShard)]
            let file = LabelSet.shard(number, in: context.output)
            if !FileManager.default.fileExists(atPath: file.path) {
                let wanted = images.flatMap { image in (0..<views).map { view(image, $0) } }
                try write(try answers(about: wanted, shard: number), images.count, to: file)
            }
            try advance(to: images.endIndex * views, of: number)
        }
    }

    private func write(_ answers: LabelAnswers, _ images: Int, to file: URL) throws {
        try SafetensorsFile.write(
            answers.tensors.map { name, tensor in
                (name: name, tensor: try tensor.reshape([images, views] + tensor.shape.dropFirst()))
            }, metadata: [LabelShards.classCountKey: "\(form.classCount)"], to: file)
    }

    // MARK: - One shard

    /// Answers to a shard's views: the known ones, those of an interrupted session, and the teacher's.
    private func answers(about wanted: [ImageView], shard: Int) throws -> LabelAnswers {
        var saved = try SavedAnswers.read(from: context.state, shard: shard)
        let done = Set(saved.places)
        let open = wanted.indices.filter { !done.contains($0) }
        var found = open.compactMap { place in known.find(wanted[place]).map { (place, $0) } }
        var old = LabelAnswers(tensors: [:])
        do {
            old = try known.answers(found.map(\.1))
        } catch {
            // What has gone from the store since is asked anew.
            context.log("labels that were known cannot be read any more, and are asked anew: \(error)")
            found = []
        }
        let isKnown = Set(found.map(\.0))
        let new = open.filter { !isKnown.contains($0) }
        let start = shard * LabelSet.imagesPerShard * views + wanted.count - new.count
        reused += found.count
        askedImages += Set(new.map { $0 / views }).count
        try inference.run(new.map { wanted[$0] }) { output in
            let places = new[output.range]
            let answers = try form.encode(output, of: places.map { wanted[$0] })
            saved.add(answers, at: Array(places))
            asked += places.count
            if clock.now > nextSave { try save(saved, shard) }
            try advance(to: start + output.range.upperBound, of: shard) { try self.save(saved, shard) }
        }
        let places = found.map(\.0) + saved.places
        var order = [Int](repeating: 0, count: wanted.count)
        for (row, place) in places.enumerated() { order[place] = row }
        return try LabelAnswers.joined([old].filter { $0.count > 0 } + saved.parts).ordered(order)
    }

    private func save(_ answers: SavedAnswers, _ shard: Int) throws {
        let took = try clock.measure {
            try answers.write(to: context.state, shard: shard, rank: context.share?.rank)
        }
        nextSave = clock.now + max(saveInterval, took / Self.saveShare)
    }

    /// Process 0 speaks for all: the others have done about as much of their shards.
    private func advance(to done: Int, of shard: Int, saving: (() throws -> Void)? = nil) throws {
        let perShard = LabelSet.imagesPerShard * views
        let processes = context.share?.size ?? 1
        let done = min(total, shard * perShard + (done - shard * perShard) * processes)
        let throughput = try inference.throughput()
        try context.advance(
            to: done, of: total,
            [
                "asked_views": Double(asked), "reused_views": Double(reused),
                "images_per_second": throughput.imagesPerSecond, "data_wait": throughput.dataWait,
                "tflops": throughput.teraflops,
            ], saving: saving)
    }
}

/// What a teacher was asked of a shard that is not finished: answers, and the places they belong to.
private struct SavedAnswers {
    var parts: [LabelAnswers] = []
    var places: [Int] = []

    private static let (prefix, suffix) = ("asked", ".safetensors")
    private static let (shardKey, placesName) = ("shard", "places")

    mutating func add(_ answers: LabelAnswers, at places: [Int]) {
        parts.append(answers)
        self.places += places
    }

    /// Replaces what this process had saved before; each one has a file of its own.
    func write(to folder: URL, shard: Int, rank: Int?) throws {
        var tensors = try LabelAnswers.joined(parts).tensors.map { (name: $0, tensor: $1) }
        tensors.append((name: Self.placesName, tensor: try Tensor(places)))
        try SafetensorsFile.write(
            tensors, metadata: [Self.shardKey: "\(shard)"],
            to: folder.appending(path: Self.prefix + (rank.map { "-\($0)" } ?? "") + Self.suffix))
    }

    /// What is saved of a shard; nothing where another one was in work.
    static func read(from folder: URL, shard: Int) throws -> SavedAnswers {
        // There may have been more or fewer processes, and another one may have had the shard.
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        where name.hasPrefix(prefix) && name.hasSuffix(suffix) {
            let saved = try SafetensorsFile(folder.appending(path: name))
            guard saved.metadata[shardKey] == "\(shard)" else { continue }
            var tensors = try saved.state()
            guard let places = try tensors.removeValue(forKey: placesName)?.ints() else { continue }
            return SavedAnswers(parts: [LabelAnswers(tensors: tensors)], places: places)
        }
        return SavedAnswers()
    }
}
