internal import Diagnostics
internal import Engine
internal import Foundation
internal import Models
internal import Search
internal import Tensors
internal import Training
internal import Vision

/// Turns every image into a unit vector, shard by shard.
///
/// With both towers of a CLIP the vectors lie in the space that images and texts share, else they are the network's
/// pooled features.
struct Embed: Stage {
    static let name: StageName = "embed"
    static let revision = 3
    static let sharing = WorkSharing.parts
    static let summary = "Turns every image into a unit vector, shard by shard."

    /// How numbers are stored.
    enum Storage: String, CaseIterable, SettingValue { case fp16, fp32 }

    @Input("The checkpoint whose features are taken; of a CLIP's two towers, what is compared with texts.")
    var model: Checkpoint
    @Input("The images, of one or several data sets.", isOptional: true) var images: [ImageCollection]
    @Input(
        "Further images, of which squares are embedded beside the whole: what is sought may be small in them.",
        isOptional: true)
    var cropped: [ImageCollection]
    @Setting(
        "The sides of those squares, as shares of an image's shorter side; they overlap by half or more, and cover it.",
        in: 0.1...1)
    var crops = [0.5]
    @Setting("Images in each shard, the unit of resuming.", in: 1...) var shardSize = 4096
    @Setting("Images in each forward pass.", in: 1...) var batchSize = 64
    @Setting("How numbers are stored.") var storage: Storage = .fp16
    @Setting("Arithmetic of the forward pass.") var precision: Recipe.Precision = .fp32

    func validate() throws {
        if !$images.isGiven, !$cropped.isGiven {
            throw Diagnostic("there are no images to embed", hint: "images: [pool, target]")
        }
        if $cropped.isGiven, crops.isEmpty {
            throw Diagnostic("crops is empty", hint: "crops: [0.5], or read the images by images:")
        }
    }

    func run(in context: StageContext) throws -> EmbeddingSet {
        let device = try context.prepareDevice()
        let encoder = try EmbeddingEncoder(model.location.directory, device: device)
        let rows =
            try images.flatMap { try $0.splitRecords() }
            + cropped.flatMap { try $0.splitRecords() }.flatMap { split, record in
                ([record] + record.parts(scales: crops)).map { (split, $0) }
            }
        guard !rows.isEmpty else { throw Diagnostic("there are no images to embed", exitCode: .badData) }
        var inference = Inference(
            encoder.model, provider: try context.provider(for: "images", "cropped"),
            workers: context.execution.workers)
        inference.batchSize = batchSize
        inference.precision = precision
        let shards = (rows.count + shardSize - 1) / shardSize
        let lineEncoder = JSONFiles.encoder()
        for shard in context.parts(of: shards) {
            let range = shard * shardSize..<min(rows.count, (shard + 1) * shardSize)
            // The vectors are written last, and whole or not at all: a shard that has them is done.
            let file = context.output.appending(path: EmbeddingLayout.shard(shard))
            if !FileManager.default.fileExists(atPath: file.path) {
                let vectors = try embed(
                    rows[range].map { ImageView($0.record, encoder.model.evaluationViews) }, by: encoder,
                    with: inference, context)
                let lines = try rows[range].map {
                    String(
                        decoding: try lineEncoder.encode(
                            EmbeddingSet.Row(split: $0.split, record: $0.record)),
                        as: UTF8.self)
                }
                try EmbeddingShards.write(
                    shard: shard, VectorTable(vectors, dimension: encoder.dimension),
                    metadata: lines,
                    as: storage == .fp16 ? .float16 : .float32, to: context.output)
            }
            // Process 0 speaks for all: the others are about as far.
            let done = min(shards, shard + (context.share?.size ?? 1))
            try context.advance(
                to: done, of: shards, images: min(rows.count, done * shardSize),
                throughput: inference.throughput())
        }
        let rates = try context.gather(inference.throughput().rates)
        try EmbeddingShards.write(ids: rows.map(\.record.id), to: context.output)
        try JSONFiles.write(
            EmbeddingDescription(
                dimension: encoder.dimension, count: rows.count,
                model: encoder.model.card.configuration.architecture, space: encoder.space,
                hasCrops: cropped.isEmpty ? nil : true),
            to: context.output.appending(path: EmbeddingLayout.description))
        try Datasets(of: context.locations(of: "images") + context.locations(of: "cropped"))
            .write(to: context.output)
        context.count("images", rows.count)
        try context.note(rates, of: encoder.model)
        context.count("dimension", encoder.dimension)
        return try EmbeddingSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    /// Vectors of views, row by row.
    private func embed(
        _ views: [ImageView], by encoder: EmbeddingEncoder, with inference: Inference, _ context: StageContext
    ) throws -> [Float] {
        var values: [Float] = []
        try inference.run(views) { output in
            values += try encoder.vectors(ofFeatures: output.features)
            try context.check()
        }
        return values
    }
}

extension ImageRecord {
    /// The squares of an image as images of their own, which know neither label nor caption of the whole.
    func parts(scales: [Double]) -> [ImageRecord] {
        ImageCrop.grid(width: width, height: height, scales: scales).map { crop in
            ImageRecord(
                id: id + crop.suffix, dataset: dataset, member: member + crop.suffix, width: crop.width,
                height: crop.height)
        }
    }
}
