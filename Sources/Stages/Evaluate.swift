internal import Engine
internal import Foundation
internal import Tensors
internal import Training
internal import Vision

/// Measures one or several models on labelled images, with floor, ceiling, and intervals over seeds.
struct Evaluate: Stage {
    static let name: StageName = "evaluate"
    static let revision = 3
    static let summary = "Measures models on labelled images, with floor, ceiling and intervals over seeds."

    /// The tables hold node names, so a renamed node is measured anew.
    static let recordsNames = true

    @Input("The models to measure; the seeds of one stage form a group.") var models: [Checkpoint]
    @Input("Labelled images that took part in nothing else.", role: .evaluation) var images: ImageSet
    @Input("A larger model whose accuracy on the same images is the ceiling.") var ceiling: Checkpoint?
    @Setting("The stage every other one is compared with, seed by seed.") var baseline: String?

    func run(in context: StageContext) throws -> Evaluation {
        let device = try context.prepareDevice()
        try context.check(baseline: baseline, among: models)
        let records = try images.labelledRecords(for: "evaluation")
        let labels = records.map { $0.label ?? 0 }
        let provider = try context.provider(for: "images")
        var measured: [EvaluationFigures.Model] = []
        var predictions: [PredictionRow] = []
        let total = models.count + (ceiling == nil ? 0 : 1)
        for checkpoint in models {
            let probabilities = try probabilities(checkpoint, records, provider, device, context)
            let metrics = ClassificationMetrics(
                probabilities: probabilities, labels: labels, classes: images.classes)
            let node = checkpoint.location.node
            measured.append(.init(node: node, group: Self.group(of: node), metrics: metrics))
            for (record, row) in zip(records, probabilities) {
                let prediction = ClassificationMetrics.argmax(row)
                predictions.append(
                    PredictionRow(
                        id: record.id, source: "\(record.dataset)/\(record.member)", label: record.label ?? 0,
                        prediction: prediction, confidence: Double(row[prediction]),
                        model: node))
            }
            try context.advance(to: measured.count, of: total, ["top1": metrics.top1])
        }
        let figures = EvaluationFigures(
            models: measured, classes: images.classes,
            floor: AccuracyFloor(labels: labels, classCount: images.classes.count),
            ceiling: try ceiling.map { checkpoint in
                let probabilities = try probabilities(checkpoint, records, provider, device, context)
                let metrics = ClassificationMetrics(
                    probabilities: probabilities, labels: labels, classes: images.classes)
                return .init(name: checkpoint.location.node, top1: metrics.top1)
            }, baseline: baseline)
        try context.advance(to: total, of: total, ["top1": figures.top1])
        try JSONFiles.write(figures, to: context.output.appending(path: Evaluation.metricsFile))
        try JSONFiles.writeLines(predictions, to: context.output.appending(path: Evaluation.predictionsFile))
        try Datasets(of: context.locations(of: "images")).write(to: context.output)
        context.count("images", records.count)
        context.fact("top1", figures.top1)
        return try Evaluation(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    private func probabilities(
        _ checkpoint: Checkpoint, _ records: [ImageRecord], _ provider: ImageProvider, _ device: Device,
        _ context: StageContext
    ) throws -> [[Float]] {
        try requireSameClasses(
            checkpoint.card.classes, images.classes, "'\(checkpoint.location.node)' and the images")
        let model = try LoadedModel.load(checkpoint.location.directory, device: device)
        return try Inference(model, provider: provider, workers: context.execution.workers).probabilities(
            of: records)
    }

    /// A node's name without its seed: the seeds of one stage are one group, its other variants are not.
    static func group(of node: String) -> String { Graph.Node.family(of: node) }
}
