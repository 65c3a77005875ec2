internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Safetensors
internal import Tensors
internal import Training
internal import Vision

/// Asks a teacher once about every image, in several views, and keeps the answers for any number of students.
///
/// The idea of dataset reinforcement (Faghri et al. 2023): views are drawn from stored parameters, so that a
/// student sees exactly what the teacher saw.
struct Label: Stage {
    static let name: StageName = "label"
    static let revision = 1
    static let summary = "Asks a teacher once about every image, in several views, and keeps the answers."

    @Input("The teacher.") var teacher: Checkpoint
    @Input("The images; their labels are not read.", role: .training) var images: ImageCollection
    @Setting("Views of each image.", in: 1...1000) var views = 4
    let drawing = ViewSettings()
    @Setting("Arithmetic of the forward pass.") var precision: Recipe.Precision = .fp32
    @Setting("Decides the views.", in: 0...) var seed = 0

    func validate() throws { try drawing.validate() }

    func run(in context: StageContext) throws -> LabelSet {
        let device = try context.prepareDevice()
        let model = try LoadedModel.load(teacher.location.directory, device: device)
        let policy = drawing.policy
        let records = try images.records()
        let rows = records.map { record in
            LabelSet.Row(
                record: record,
                views: (0..<views).map {
                    ImageView(record, policy, number: $0, seed: UInt64(seed)).parameters
                })
        }
        var inference = Inference(
            model, provider: try context.provider(for: "images"), workers: context.execution.workers)
        inference.precision = precision
        let known = KnownLabels(
            store: context.store, teacher: try ArtifactRecord.read(at: teacher.location.directory).digest,
            precision: precision, revision: Self.revision)
        var reused = 0
        let shards = (rows.count + LabelSet.imagesPerShard - 1) / LabelSet.imagesPerShard
        for shard in 0..<shards {
            let file = LabelSet.shard(shard, in: context.output)
            if !FileManager.default.fileExists(atPath: file.path) {
                let range =
                    shard * LabelSet.imagesPerShard..<min(rows.count, (shard + 1) * LabelSet.imagesPerShard)
                reused += try write(Array(rows[range]), asking: inference, knowing: known, to: file)
            }
            let done = min(rows.count, (shard + 1) * LabelSet.imagesPerShard)
            try context.advance(
                to: shard + 1, of: shards, images: done, throughput: inference.throughput())
        }
        try JSONFiles.writeLines(rows, to: context.output.appending(path: LabelSet.viewsFile))
        try writeClasses(model.card.classes, to: context.output)
        try Datasets(of: context.locations(of: "images")).write(to: context.output)
        context.count("images", rows.count)
        context.count("labelled_views", rows.count * views)
        // Of a resumed stage, since it was resumed.
        context.count("reused_views", reused)
        try context.note(inference.throughput(), of: model)
        context.fact("bytes_per_image", try LabelSet.bytes(in: context.output) / max(1, rows.count))
        return try LabelSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    /// Writes a shard; returns how many answers were known already.
    private func write(
        _ rows: [LabelSet.Row], asking inference: Inference, knowing known: KnownLabels, to file: URL
    ) throws -> Int {
        let wanted = rows.flatMap { row in row.views.map { ImageView(row.record, $0) } }
        let old = wanted.filter(known.contains)
        var answers: TeacherAnswers
        // What has gone from the store since is asked anew.
        if !old.isEmpty, let found = try? known.answers(to: old) {
            answers = found
            let new = wanted.filter { !known.contains($0) }
            if !new.isEmpty {
                var (nextOld, nextNew) = (0, old.count)
                let positions = wanted.map { view in
                    defer { if known.contains(view) { nextOld += 1 } else { nextNew += 1 } }
                    return known.contains(view) ? nextOld : nextNew
                }
                answers = try .merged(found, .ask(inference, about: new), positions: positions)
            }
        } else {
            answers = try .ask(inference, about: wanted)
        }
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try SafetensorsFile.write(
            [("logits", answers.logits), ("features", answers.features)].map { name, tensor in
                (name: name, tensor: try tensor.reshape(rows.count, views, tensor.shape[1]))
            }, to: file)
        return old.count
    }
}
