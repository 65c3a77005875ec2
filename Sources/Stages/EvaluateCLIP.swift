internal import Diagnostics
internal import Engine
internal import Foundation
internal import Training
internal import Vision

/// Measures what CLIPs know without having been trained for it: classes by their names, and captions.
struct EvaluateCLIP: Stage {
    static let name: StageName = "evaluate-clip"
    static let revision = 3
    static let summary =
        "Measures CLIPs without training: classes of images by their names, and captions and images of each other."

    /// The tables hold node names, so a renamed node is measured anew.
    static let recordsNames = true

    @Input("The CLIPs to measure; the seeds of one stage form a group.") var models: [Checkpoint]
    @Input("Labelled images that took part in nothing else, for zero-shot classification.", role: .evaluation)
    var images: ImageSet?
    @Input("Images with captions that took part in nothing else, for retrieval.", role: .evaluation)
    var pairs: ImageSet?
    @Setting("Sentences about a class, with {} for its name; their embeddings are averaged.")
    var templates = ZeroShotClassifier.templates
    @Setting("The stage every other one is compared with, seed by seed.") var baseline: String?
    @Setting(
        "The difference in zero-shot accuracy, in points, within which an arm counts as equivalent.",
        in: 0.01...100)
    var margin = 1.0

    func validate() throws {
        if !$images.isGiven, !$pairs.isGiven {
            throw Diagnostic(
                "there is nothing to measure on",
                hint: "set images: to labelled images, pairs: to images with captions, or both")
        }
        if templates.isEmpty {
            throw Diagnostic("templates is empty", hint: "templates: ['a photo of a {}.']")
        }
        try templates.forEach(ZeroShotClassifier.check)
    }

    func run(in context: StageContext) throws -> CLIPEvaluation {
        let device = try context.prepareDevice()
        try context.check(baseline: baseline, among: models)
        let records = try images?.labelledRecords(for: "zero-shot classification") ?? []
        let captioned = try pairs?.records() ?? []
        let provider = try context.provider(for: "images", "pairs")
        var measured: [CLIPFigures.Model] = []
        for checkpoint in models {
            let clip = try LoadedCLIP.load(
                checkpoint.location.directory, node: checkpoint.location.node, device: device)
            let workers = context.execution.workers
            let node = checkpoint.location.node
            var figures = CLIPFigures.Model(node: node, group: Evaluate.group(of: node))
            if let images {
                let probabilities = try ZeroShotClassifier(
                    clip, classes: images.classes, templates: templates
                )
                .probabilities(of: records, provider: provider, workers: workers)
                figures.zeroShot = ClassificationMetrics(
                    probabilities: probabilities, labels: records.map { $0.label ?? 0 },
                    classes: images.classes)
            }
            if pairs != nil {
                figures.retrieval = try RetrievalMetrics(
                    of: clip, on: captioned, provider: provider, workers: workers)
            }
            measured.append(figures)
            try context.advance(
                to: measured.count, of: models.count,
                [
                    "zero_shot_top1": figures.zeroShot?.top1 ?? 0,
                    "image_to_text_r1": figures.retrieval?.imageToText.r1 ?? 0,
                ])
        }
        let floor = images.map {
            AccuracyFloor(labels: records.map { $0.label ?? 0 }, classCount: $0.classes.count)
        }
        let figures = CLIPFigures(
            models: measured, classes: images?.classes, templates: images == nil ? nil : templates,
            floor: floor, baseline: baseline, margin: margin / 100)
        try JSONFiles.write(figures, to: context.output.appending(path: CLIPEvaluation.metricsFile))
        context.count("images", records.count)
        context.count("pairs", captioned.count)
        if let top1 = figures.zeroShotTop1 { context.fact("zero_shot_top1", top1) }
        if let versus = figures.zeroShotGroups?.first?.versus {
            context.fact("zero_shot_difference", versus.difference)
            if let p = versus.tost?.pValue { context.fact("zero_shot_tost_p", p) }
        }
        return try CLIPEvaluation(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }
}
