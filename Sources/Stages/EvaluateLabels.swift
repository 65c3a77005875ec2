internal import Diagnostics
internal import Engine
internal import Foundation
internal import Training
internal import Vision

/// Measures what experts have said of images against what is known of the same images: with the noise, the threshold and the
/// size with which it is stored.
///
/// Images are found by their content, so that a data set with maps may stand beside one that was labelled without.
struct EvaluateLabels: Stage {
    static let name: StageName = "evaluate-labels"
    static let revision = 1
    static let summary = "Compares stored answers of experts with what is known of the same images."

    /// The tables hold node names, so a renamed node is measured anew.
    static let recordsNames = true

    @Input("The answers, all to one question.") var labels: [DenseLabelSet]
    @Input("Images with maps of that kind; those of which not every one has an answer are left out.")
    var images: ImageSet

    func run(in context: StageContext) throws -> TaskEvaluation {
        let task = labels[0].summary.task
        if let other = labels.first(where: { $0.summary.task != task }) {
            throw Diagnostic(
                "'\(labels[0].node)' answers for \(task.rawValue), and '\(other.node)' for \(other.summary.taskName)",
                at: context.sourceLocation(of: "labels"), hint: "measure each question in a stage of its own")
        }
        let truth = RecordedTargets(try context.provider(for: "images"), task, cacheBytes: 0)
        let records = try images.records(with: task, for: "evaluation")
        let classes = task == .segmentation ? images.classes : []
        if task == .segmentation {
            for set in labels {
                try requireSameClasses(set.classes(), classes, "'\(set.node)' and the images")
            }
        }
        let answers = try labels.map { try $0.targets(cacheBytes: 0) }
        var comparisons = labels.map { _ in DenseComparison(task, classes: classes) }
        var count = 0
        for (place, record) in records.enumerated() {
            // All are measured on the same images: those that every one of them has a map of.
            let maps = try answers.compactMap { try $0.map(of: record) }
            if maps.count == answers.count, let known = try truth.map(of: record) {
                for (number, map) in maps.enumerated() { comparisons[number].add(map, truth: known) }
                count += 1
            }
            if place % 64 == 63 { try context.advance(to: place + 1, of: records.count) }
        }
        guard count > 0 else {
            throw Diagnostic(
                "\(labels.map { "'\($0.node)'" }.joined(separator: ", ")): none of the \(records.count) images has a map of each",
                at: context.sourceLocation(of: "images"),
                hint: "name a data set with the same images as were labelled, and with maps",
                exitCode: .badData)
        }
        let results = comparisons.map(\.result)
        return try context.evaluation(
            TaskEvaluationFigures(
                task: task.rawValue, n: count,
                models: zip(labels, results).map { .init($0.node, $1.figures, perClass: $1.perClass) },
                floor: results[0].floor, baseline: nil))
    }
}
