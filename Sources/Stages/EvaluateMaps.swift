internal import Diagnostics
internal import Engine
internal import Foundation
internal import Training
internal import Vision

/// Measures models that answer for every pixel on images with maps: experts before they label anything.
struct EvaluateMaps: Stage {
    static let name: StageName = "evaluate-maps"
    static let revision = 3
    static let summary = "Measures models that estimate depths, normals or classes on images with such maps."

    /// The tables hold node names, so a renamed node is measured anew.
    static let recordsNames = true

    @Input("The models to measure, all of one task; the seeds of one stage form a group.")
    var models: [Checkpoint]
    @Input("Images with maps that took part in nothing else.", role: .evaluation) var images: ImageSet
    @Setting("The stage every other one is compared with, seed by seed.") var baseline: String?

    func run(in context: StageContext) throws -> TaskEvaluation {
        let device = try context.prepareDevice()
        try context.check(baseline: baseline, among: models)
        let provider = try context.provider(for: "images")
        var measured: [TaskEvaluationFigures.Model] = []
        var (floor, asked): (TaskFigures?, (DenseTask, RecordedTargets, [ImageRecord])?)
        for checkpoint in models {
            let node = checkpoint.location.node
            let model = try LoadedModel.load(checkpoint.location.directory, device: device)
            let own = try model.dense().task
            let (task, targets, records) =
                try asked ?? (
                    own, RecordedTargets(provider, own), images.records(with: own, for: "evaluation")
                )
            asked = (task, targets, records)
            if task == .segmentation {
                try requireSameClasses(checkpoint.card.classes, images.classes, "'\(node)' and the images")
            }
            let inference = try DenseInference(
                model, targets: targets, provider: provider, workers: context.execution.workers)
            let result = try inference.measure(on: records)
            floor = floor ?? result.floor
            measured.append(.init(node, result.figures, perClass: result.perClass))
            let metric = result.figures.metrics[0]
            try context.advance(
                to: measured.count, of: models.count, [metric.rawValue: result.figures[metric] ?? 0])
        }
        guard let asked, let floor else {
            throw Diagnostic(
                "there is no model to measure", at: context.sourceLocation(of: "models"))
        }
        return try context.evaluation(
            TaskEvaluationFigures(
                task: asked.0.rawValue, n: asked.2.count, models: measured, floor: floor, baseline: baseline))
    }
}
