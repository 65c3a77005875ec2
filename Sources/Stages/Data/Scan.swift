internal import Diagnostics
internal import Engine
internal import Foundation
internal import Synchronization
internal import Vision

/// Reads every image of a source once: its identity, its size, its perceptual hashes, and whether it can be decoded at
/// all.
///
/// A corrupt image is put aside with its reason; more than `maxBad` of them stop the stage. Images are decoded by
/// several threads in blocks, and every finished block is kept, so that an interrupted scan goes on where it was.
struct Scan {
    /// An image that could not be decoded.
    struct Quarantined: Codable, Equatable {
        var member: String
        var reason: String
        var split: String
    }

    private struct Block: Codable {
        var records: [Row]
        var quarantined: [Quarantined]
    }

    private struct Row: Codable {
        var split: String
        var record: ImageRecord
        /// As `PerceptualHash.fingerprint` makes them.
        var hashes: [UInt64]
    }

    private static let blockSize = 2048

    let source: any ImageSource
    let description: SourceDescription
    let maxBad: Int

    func run(in context: StageContext) throws -> ImageSet {
        let members = try source.members()
        guard !members.isEmpty else {
            throw Diagnostic(
                "data set '\(context.node)' has no images", at: context.sourceLocation(of: "kind"),
                hint: "images are .jpg, .jpeg, .png or .webp files", exitCode: .badData)
        }
        var rows: [Row] = []
        var bad: [Quarantined] = []
        let blocks = (members.count + Self.blockSize - 1) / Self.blockSize
        for block in 0..<blocks {
            let file = context.state.appending(path: "block-\(block).json")
            let done: Block
            if FileManager.default.fileExists(atPath: file.path) {
                done = try JSONFiles.read(Block.self, from: file)
            } else {
                let range = block * Self.blockSize..<min(members.count, (block + 1) * Self.blockSize)
                done = try examine(
                    Array(members[range]), dataset: context.node, workers: context.execution.workers)
                try JSONFiles.write(done, to: file)
            }
            rows += done.records
            bad += done.quarantined
            try stopIfTooMany(bad, context)
            try context.advance(
                to: block + 1, of: blocks, ["images": Double(rows.count), "bad": Double(bad.count)])
        }
        return try write(rows, bad, to: context)
    }

    /// Examines a block on several threads; what is no fault of an image's own is thrown.
    private func examine(_ members: [SourceMember], dataset: String, workers: Int) throws -> Block {
        let results = Mutex([Result<Row, any Error>?](repeating: nil, count: members.count))
        DispatchQueue.concurrentPerform(iterations: max(1, workers)) { worker in
            for index in stride(from: worker, to: members.count, by: max(1, workers)) {
                let result = Result { try examine(members[index], dataset: dataset) }
                results.withLock { $0[index] = result }
            }
        }
        var block = Block(records: [], quarantined: [])
        for (member, result) in zip(members, results.withLock { $0 }) {
            do {
                if let row = try result?.get() { block.records.append(row) }
            } catch let error as ImageError {
                block.quarantined.append(
                    Quarantined(member: member.member, reason: "\(error)", split: member.split))
            }
        }
        return block
    }

    private func examine(_ member: SourceMember, dataset: String) throws -> Row {
        let bytes = try source.bytes(of: member.member)
        let image = try bytes.map { try ImageCodec.decode($0) } ?? source.image(member.member, atLeast: nil)
        let mask = try source.maskBytes(of: member.member)
        try mask.map { try Mask(png: $0) }?.check(
            width: image.width, height: image.height, classCount: source.classes.count)
        var maps: [String: String] = [:]
        for task in DenseTask.allCases where task != .segmentation {
            maps[task.rawValue] = try source.map(of: member.member, task).map { ContentID.of($0) }
        }
        let record = ImageRecord(
            id: bytes.map { ContentID.of($0) } ?? ContentID.of(image), dataset: dataset,
            member: member.member,
            label: member.label, mask: mask.map { ContentID.of($0) }, maps: maps.isEmpty ? nil : maps,
            captions: member.captions, width: image.width, height: image.height)
        return Row(
            split: member.split, record: record, hashes: PerceptualHash.fingerprint(of: image))
    }

    private func stopIfTooMany(_ bad: [Quarantined], _ context: StageContext) throws {
        guard bad.count > maxBad else { return }
        let listed = bad.prefix(5).map { "\($0.member) (\($0.reason))" }.joined(separator: ", ")
        throw Diagnostic(
            "\(bad.count) images of '\(context.node)' cannot be decoded, more than max_bad = \(maxBad): \(listed)",
            at: context.sourceLocation(of: "max_bad") ?? context.sourceLocation(of: "kind"),
            hint: "mend or remove them, or raise max_bad to go on without them", exitCode: .badData)
    }

    private func write(_ rows: [Row], _ bad: [Quarantined], to context: StageContext) throws -> ImageSet {
        let bySplit = Dictionary(grouping: rows, by: \.split)
        for (split, rows) in bySplit {
            try JSONFiles.writeLines(
                rows.map(\.record), to: context.output.appending(path: "splits/\(split).jsonl"))
            context.count(split, rows.count)
        }
        try PerceptualPrints.write(rows.map { ($0.record.id, $0.hashes) }, to: context.output)
        try writeClasses(source.classes, to: context.output)
        try JSONFiles.writeLines(bad, to: context.output.appending(path: "quarantine.jsonl"))
        try JSONFiles.write(description, to: context.output.appending(path: SourceDescription.file))
        context.count("images", rows.count)
        context.count("quarantined", bad.count)
        if !bad.isEmpty {
            context.warn(
                "\(bad.count) images of '\(context.node)' cannot be decoded and are left out",
                hint: "quarantine.jsonl of the data set lists them with reasons")
        }
        return try ImageSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }
}
