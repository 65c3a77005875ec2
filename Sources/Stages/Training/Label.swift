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

    private static let imagesPerShard = 256

    @Input("The teacher.") var teacher: Checkpoint
    @Input("The images; their labels are not read.", role: .training) var images: ImageCollection
    @Setting("Views of each image.", in: 1...1000) var views = 4
    @Setting("Smallest and largest share of an image that a view covers.", in: 0...1) var cropScale = [
        0.35, 1.0,
    ]
    @Setting("Whether half of the views are mirrored.") var flip = true
    @Setting("How far brightness, contrast and saturation stray.", in: 0...1) var jitter = 0.0
    @Setting("Arithmetic of the forward pass.") var precision: Recipe.Precision = .fp32
    @Setting("Decides the views.", in: 0...) var seed = 0

    func validate() throws { try requireCropScale(cropScale) }

    func run(in context: StageContext) throws -> LabelSet {
        let device = try context.prepareDevice()
        let model = try LoadedModel.load(teacher.location.directory, device: device)
        guard model.hasHead else {
            throw Diagnostic(
                "the teacher has no classifier, so it has no predictions to match", hint: "fine-tune it first"
            )
        }
        let policy = ViewPolicy.training(cropScale: cropScale, flip: flip, jitter: jitter)
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
        let shards = (rows.count + Self.imagesPerShard - 1) / Self.imagesPerShard
        for shard in 0..<shards {
            let file = LabelSet.shard(shard, in: context.output)
            if !FileManager.default.fileExists(atPath: file.path) {
                let range = shard * Self.imagesPerShard..<min(rows.count, (shard + 1) * Self.imagesPerShard)
                try answer(Array(rows[range]), with: inference, to: file)
            }
            let done = min(rows.count, (shard + 1) * Self.imagesPerShard)
            try context.advance(to: shard + 1, of: shards, ["images": Double(done)])
        }
        try JSONFiles.writeLines(rows, to: context.output.appending(path: LabelSet.viewsFile))
        try writeClasses(model.card.classes, to: context.output)
        try Datasets(of: context.locations(of: "images")).write(to: context.output)
        context.count("images", rows.count)
        context.count("labelled_views", rows.count * views)
        return try LabelSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    private func answer(_ rows: [LabelSet.Row], with inference: Inference, to file: URL) throws {
        let wanted = rows.flatMap { row in row.views.map { ImageView(row.record, $0) } }
        var logits: [Tensor] = []
        var features: [Tensor] = []
        try inference.run(wanted) { output in
            if let values = output.logits { logits.append(try values.to(Device.cpu)) }
            features.append(try output.features.to(.float16).to(Device.cpu))
        }
        func shaped(_ parts: [Tensor]) throws -> Tensor {
            try Tensor.cat(parts).reshape(rows.count, views, -1)
        }
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try SafetensorsFile.write(
            [(name: "logits", tensor: try shaped(logits)), (name: "features", tensor: try shaped(features))],
            to: file)
    }
}
