internal import Diagnostics
internal import Engine
internal import Foundation
internal import Tensors
internal import Training
internal import Vision

/// Asks an expert once about every pixel of images, and keeps what it says as maps.
///
/// Hard pseudo-labels of task-specific experts, as Salehi et al. 2023 train CLIP with them ("CLIP meets Model Zoo Experts").
struct PseudoLabel: Stage {
    static let name: StageName = "pseudo-label"
    static let revision = 4
    static let sharing = WorkSharing.parts
    static let summary = "Asks an expert about every pixel of images, and keeps classes, depths or normals."

    @Input("A model with an answer for every pixel: one of ours, or a TorchScript module with output: map.")
    var expert: Checkpoint
    @Input("The images; what is known of them is not read.", role: .training) var images: ImageCollection
    @Setting("Least probability with which a pixel's class is kept; the others count as unknown.", in: 0...1)
    var confidence = 0.0
    @Setting("Longest side of a map in pixels; a map is never larger than its image.", in: 8...2048)
    var mapSize = 256
    @Setting(
        "Share of a map's squares that say what another of its squares says: what a worse expert would be worth.",
        in: 0...1)
    var noise = 0.0
    @Setting("Decides which squares noise falls on.", in: 0...) var seed = 0
    @Setting("Images that pass through the expert at once.", in: 1...) var batchSize = 16
    @Setting("Arithmetic of the forward pass.") var precision: Recipe.Precision = .fp32

    func run(in context: StageContext) throws -> DenseLabelSet {
        let device = try context.prepareDevice()
        let model = try LoadedModel.load(expert.location.directory, device: device)
        let records = try images.unlabelled(in: context)
        var answers = try DenseAnswers(
            model, provider: try context.provider(for: "images"), workers: context.execution.workers)
        answers.batchSize = batchSize
        answers.longestSide = mapSize
        answers.confidence = confidence
        answers.precision = precision
        (answers.noise, answers.seed) = (noise, UInt64(seed))
        let classes = answers.task == .segmentation ? model.card.classes : []
        guard classes.count <= Int(Mask.unnamed) else {
            throw Diagnostic(
                "the expert knows \(classes.count) classes, and a map has room for 255",
                hint: "label with an expert of fewer classes", exitCode: .badData)
        }
        if answers.task == .segmentation, classes.count < 2 {
            throw Diagnostic(
                "'\(expert.location.node)' has one output for each pixel, which tells no classes apart",
                at: context.sourceLocation(of: "expert"),
                hint: "a script must return a number for each class [N, C, H, W], before argmax",
                exitCode: .badData)
        }
        if answers.task != .segmentation, confidence > 0 {
            context.warn(
                "confidence counts for classes alone: every pixel's \(answers.task.rawValue) is kept")
        }
        var writer = DenseLabelWriter(context, about: records)
        try writer.write(asking: &answers)
        let effort = try context.gather(Effort(answers, writer.seconds).values)
        let (rows, classCounts) = try writer.labelled()
        try JSONFiles.writeLines(rows, to: context.output.appending(path: DenseLabelSet.imagesFile))
        try writeClasses(classes, to: context.output)
        try Datasets(of: context.locations(of: "images")).write(to: context.output)
        let summary = try summary(rows, answers.task, classCounts, classes)
        try JSONFiles.write(summary, to: context.output.appending(path: DenseLabelSet.labelsFile))
        try note(summary, rows, Effort(effort), of: model, in: context)
        guard summary.failures < summary.images else {
            throw Diagnostic(
                "'\(expert.location.node)' answered about none of \(rows.count) images, first because "
                    + (rows.first?.failure ?? ""),
                at: context.sourceLocation(of: "expert"), exitCode: .badData)
        }
        try check(summary.yield, in: context)
        return try DenseLabelSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    /// Warns of labels that say next to nothing, and refuses those that say nothing.
    private func check(_ yield: DenseLabelSummary.Yield, in context: StageContext) throws {
        let hint =
            "its probabilities are below confidence: \(confidence); look at what it returns, or lower that"
        guard yield.pixels > 0 else {
            throw Diagnostic(
                "'\(expert.location.node)' is sure of no pixel", at: context.sourceLocation(of: "confidence"),
                hint: hint, exitCode: .badData)
        }
        if yield.pixels < 0.05 {
            context.warn("'\(expert.location.node)' is sure of less than 5 % of the pixels", hint: hint)
        }
    }

    private func summary(
        _ rows: [DenseLabelRow], _ task: DenseTask, _ counts: [Int], _ classes: [String]
    ) throws -> DenseLabelSummary {
        let labelled = rows.filter { $0.failure == nil }
        let pixels = labelled.reduce(0.0) { $0 + Double($1.width * $1.height) }
        let known = labelled.reduce(0.0) { $0 + Double($1.width * $1.height) * $1.known }
        let total = Double(max(1, counts.reduce(0, +)))
        let shares = zip(classes, counts).map { ($0, Double($1) / total) }.filter { $0.1 > 0 }
        let folder = expert.location.directory
        return DenseLabelSummary(
            expert: expert.location.node, lineage: expert.card.lineage,
            digest: try ArtifactRecord.read(at: folder).digest,
            licences: try Licences.ofAncestors(of: folder),
            task: task, images: rows.count, failures: rows.count - labelled.count,
            bytesPerImage: Double(labelled.reduce(0) { $0 + $1.bytes }) / Double(max(1, labelled.count)),
            confidence: confidence, noise: noise,
            yield: .init(
                images: Double(labelled.count) / Double(max(1, rows.count)), pixels: known / max(1, pixels),
                classes: task == .segmentation
                    ? Dictionary(shares, uniquingKeysWith: { $0 + $1 }) : nil))
    }

    private func note(
        _ summary: DenseLabelSummary, _ rows: [DenseLabelRow], _ effort: Effort, of model: LoadedModel,
        in context: StageContext
    ) throws {
        context.count("images", rows.count)
        context.count("failures", summary.failures)
        // Of a resumed stage, since it was resumed.
        context.count("asked_images", Int(effort.images))
        context.count("flops_per_image", try Int(ForwardCost(of: model).operations))
        context.fact("task", summary.task.rawValue)
        context.fact("bytes_per_image", summary.bytesPerImage)
        context.fact("yield_images", summary.yield.images)
        context.fact("yield_pixels", summary.yield.pixels)
        if effort.images > 0 {
            context.fact("images_per_second", effort.imagesPerSecond)
            // What would be left if nothing but the expert's own passes took time.
            context.fact("expert_images_per_second", effort.expertImagesPerSecond)
            context.fact("expert_share_of_time", effort.expertSeconds / max(effort.seconds, 1e-9))
            context.fact("data_wait", effort.waited / max(effort.seconds, 1e-9))
        }
        let percent = { (share: Double) in "\((share * 1000).rounded() / 10) %" }
        let headline =
            "\(summary.task.rawValue) of \(rows.count) images, \(Int(summary.bytesPerImage)) bytes an image, "
            + "\(percent(summary.yield.images)) of the images and \(percent(summary.yield.pixels)) of their pixels"
        context.fact("headline", headline)
        context.log(headline)
        guard summary.failures > 0 else { return }
        let first = rows.first { $0.failure != nil }
        context.warn(
            "\(summary.failures) of \(rows.count) images have no labels, first "
                + "\(first?.record.member ?? ""): \(first?.failure ?? "")",
            hint: "\(DenseLabelSet.imagesFile) of the labels lists them with reasons")
    }
}

/// What asking took: of one process, or summed over several.
private struct Effort {
    var images, seconds, expertSeconds, waited: Double
    /// Processes that work at the same time are as fast as all of them together.
    var imagesPerSecond, expertImagesPerSecond: Double

    init(_ answers: DenseAnswers, _ seconds: Double) {
        images = Double(answers.images)
        self.seconds = seconds
        expertSeconds = answers.seconds
        waited = answers.waited
        imagesPerSecond = images / max(seconds, 1e-9)
        expertImagesPerSecond = images / max(expertSeconds, 1e-9)
    }

    init(_ sums: [Double]) {
        (images, seconds, expertSeconds, waited) = (sums[0], sums[1], sums[2], sums[3])
        (imagesPerSecond, expertImagesPerSecond) = (sums[4], sums[5])
    }

    var values: [Double] {
        [images, seconds, expertSeconds, waited, imagesPerSecond, expertImagesPerSecond]
    }
}
