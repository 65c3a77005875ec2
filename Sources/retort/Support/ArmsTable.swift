import Engine
import Foundation
import Report
import Stages
import Training

/// The arms of every evaluation of a run: each one is printed, whichever way it falls.
enum ArmsTable {
    static func lines(of result: RunResult, style: TextStyle) throws -> [String] {
        var lines: [String] = []
        var tasks: [(node: String, figures: TaskEvaluationFigures)] = []
        var clips: [(node: String, figures: CLIPFigures)] = []
        var artifacts: [(node: String, folder: URL)] = []
        for (node, stage) in result.stages.sorted(by: { $0.key < $1.key }) {
            guard let path = stage.artifact else { continue }
            let folder = URL(filePath: path)
            artifacts.append((node, folder))
            let location = ArtifactLocation(
                directory: folder, node: node, store: folder.deletingLastPathComponent())
            switch (try? ArtifactRecord.read(at: folder))?.kind {
            case Evaluation.kind: lines += table(node, try Evaluation(location).figures(), style)
            case TaskEvaluation.kind: tasks.append((node, try TaskEvaluation(location).figures()))
            case CLIPEvaluation.kind: clips.append((node, try CLIPEvaluation(location).figures()))
            default: break
            }
        }
        for (node, figures) in CLIPFigures.pooled(clips) {
            lines += [style.bold("\(node): \(figures.subject)")] + table(figures.comparisons ?? [])
        }
        for (node, figures) in TaskEvaluationFigures.pooled(tasks) {
            lines += [style.bold("\(node): \(figures.subject)")] + table(figures.comparisons)
        }
        let claims = tasks.isEmpty ? [] : ExpertClaims(artifacts).lines
        if !claims.isEmpty {
            lines += [style.bold("what experts added, with their own errors")] + claims.map { "  " + $0 }
        }
        return lines
    }

    /// A line for each arm and metric, with the direction in which the metric improves.
    private static func table(_ comparisons: [TaskEvaluationFigures.Comparison]) -> [String] {
        func number(_ value: Double) -> String { String(format: "%.4g", value) }
        func ends(_ interval: [Double]?) -> String {
            interval.map { "[\(number($0[0])), \(number($0[1]))]" } ?? ""
        }
        var table = TextTable()
        for comparison in comparisons {
            let name = "\(comparison.metric) \(comparison.lowerIsBetter ? "↓" : "↑")"
            for group in comparison.groups {
                let seeds = group.values.count == 1 ? "1 seed" : "\(group.values.count) seeds"
                var difference = ""
                if let versus = group.versus {
                    difference =
                        "\(versus.difference > 0 ? "+" : "")\(number(versus.difference)) "
                        + "\(ends(versus.ci95)) vs \(versus.baseline)" + words(versus)
                }
                table.add(
                    "\(name)", "\(group.name)", "\(number(group.mean))", "\(ends(group.ci95))", "\(seeds)",
                    "\(difference)")
            }
            if let floor = comparison.floor {
                table.add("\(name)", "floor (without looking)", "\(number(floor))", "", "", "")
            }
        }
        return table.lines(indentation: 2)
    }

    /// What the interval of a difference says, and whether its arms are equivalent.
    private static func words(_ versus: EvaluationFigures.Versus) -> String {
        let verdict = versus.ci95.map { ends in
            ends[0] <= 0 && ends[1] >= 0 ? ", not resolved by these seeds" : ", \(versus.verdictName)"
        }
        return (verdict ?? "") + (versus.equivalence.map { "; \($0)" } ?? "")
    }

    private static func table(_ node: String, _ figures: EvaluationFigures, _ style: TextStyle) -> [String] {
        var table = TextTable()
        for group in figures.groups {
            let seeds = group.values.count == 1 ? "1 seed" : "\(group.values.count) seeds"
            table.add(
                "\(group.name)", "\(percent(group.mean))", "\(interval(group.ci95))", "\(seeds)",
                "\(versus(group.versus))")
        }
        var lines = [style.bold("\(node): top-1 on \(figures.n) images")] + table.lines(indentation: 2)
        let ceiling = figures.ceiling.map { ", ceiling \(percent($0.top1)) (\($0.name))" } ?? ""
        lines.append(
            "  floor \(percent(max(figures.floor.majority, figures.floor.random))) (without looking)\(ceiling)"
        )
        return lines
    }

    private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    private static func interval(_ ends: [Double]?) -> String {
        guard let ends else { return "" }
        return String(format: "[%.1f, %.1f]", 100 * ends[0], 100 * ends[1])
    }

    private static func versus(_ versus: EvaluationFigures.Versus?) -> String {
        guard let versus else { return "" }
        let text = String(format: "%+.1f points", 100 * versus.difference)
        guard let ends = versus.ci95 else { return "\(text) vs \(versus.baseline)" }
        let resolved = ends[0] > 0 || ends[1] < 0
        return "\(text) \(interval(ends)) vs \(versus.baseline)"
            + (resolved ? "" : ", not resolved by these seeds")
    }
}
