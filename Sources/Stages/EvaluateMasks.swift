internal import Diagnostics
internal import Engine
internal import Foundation
internal import Training
internal import Vision

/// Measures how well one or several models name the pixels of images with masks.
struct EvaluateMasks: Stage {
    static let name: StageName = "evaluate-masks"
    static let revision = 2
    static let summary =
        "Measures how well models name the pixels of images with masks: intersection over union."

    /// The tables hold node names, so a renamed node is measured anew.
    static let recordsNames = true

    @Input("The models to measure; the seeds of one stage form a group.") var models: [Checkpoint]
    @Input("Images with masks that took part in nothing else.", role: .evaluation) var images: ImageSet

    func run(in context: StageContext) throws -> SegmentationEvaluation {
        let device = try context.prepareDevice()
        let records = try images.records(with: .segmentation, for: "evaluation")
        let provider = try context.provider(for: "images")
        var measured: [SegmentationFigures.Model] = []
        for checkpoint in models {
            let node = checkpoint.location.node
            try requireSameClasses(checkpoint.card.classes, images.classes, "'\(node)' and the images")
            let model = try LoadedModel.load(checkpoint.location.directory, device: device)
            let inference = try SegmentationInference(
                model, provider: provider, workers: context.execution.workers)
            let metrics = try inference.metrics(on: records)
            measured.append(.init(node: node, group: Evaluate.group(of: node), metrics: metrics))
            try context.advance(
                to: measured.count, of: models.count,
                ["miou": metrics.miou, "pixel_accuracy": metrics.pixelAccuracy])
        }
        let figures = SegmentationFigures(models: measured, classes: images.classes)
        try JSONFiles.write(
            figures, to: context.output.appending(path: SegmentationEvaluation.metricsFile))
        context.count("images", records.count)
        context.fact("miou", figures.miou)
        return try SegmentationEvaluation(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }
}
