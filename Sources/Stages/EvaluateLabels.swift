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
    @Input("Images with maps of that kind; those that the expert was not asked about are left out.")
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
        var measured: [TaskEvaluationFigures.Model] = []
        var (floor, count) = (TaskFigures([:]), 0)
        for (number, set) in labels.enumerated() {
            if task == .segmentation {
                try requireSameClasses(set.classes(), classes, "'\(set.node)' and the images")
            }
            let answers = try set.targets(cacheBytes: 0)
            var comparison = DenseComparison(task, classes: classes)
            count = 0
            for (place, record) in records.enumerated() {
                guard let answer = try answers.map(of: record), let map = try truth.map(of: record) else {
                    continue
                }
                comparison.add(answer, truth: map)
                count += 1
                guard place % 64 == 63 else { continue }
                try context.advance(
                    to: number * records.count + place + 1, of: labels.count * records.count)
            }
            guard count > 0 else {
                throw Diagnostic(
                    "'\(set.node)' says nothing about any of the \(records.count) images",
                    at: context.sourceLocation(of: "images"),
                    hint: "name a data set with the same images as were labelled, and with maps",
                    exitCode: .badData)
            }
            let result = comparison.result
            measured.append(.init(set.node, result.figures, perClass: result.perClass))
            floor = result.floor
        }
        return try context.evaluation(
            TaskEvaluationFigures(
                task: task.rawValue, n: count, models: measured, floor: floor, baseline: nil))
    }
}
