import Foundation
import Testing
import Training

@testable import Stages

/// Evaluations of single seeds, which have intervals only together.
@Suite struct PooledFiguresTests {
    private func clip(_ node: String, right: Int) -> CLIPFigures.Model {
        let labels = Array(repeating: 0, count: 100)
        let probabilities = (0..<100).map { $0 < right ? [Float(0.9), 0.1] : [0.1, 0.9] }
        return CLIPFigures.Model(
            node: node, group: Evaluate.group(of: node),
            zeroShot: ClassificationMetrics(
                probabilities: probabilities, labels: labels, classes: ["a", "b"]))
    }

    @Test func `the seeds of a zero-shot evaluation are tested together`() throws {
        let parts = [(61, 60), (60, 60), (61, 61), (60, 60)].enumerated().map { seed, right in
            (
                node: "zero-shot[seed=\(seed)]",
                figures: CLIPFigures(
                    models: [
                        clip("arm[seed=\(seed)]", right: right.0),
                        clip("control[seed=\(seed)]", right: right.1),
                    ], classes: ["a", "b"], templates: ["a {}"], floor: nil, baseline: "control", margin: 0.01
                )
            )
        }
        let single = try #require(parts[0].figures.zeroShotGroups?.first?.versus)
        #expect(single.ci95 == nil && single.tost?.verdict == .notShown && single.verdict == .notResolved)

        let pooled = CLIPFigures.pooled(parts)
        #expect(pooled.map(\.node) == ["zero-shot"])
        let figures = try #require(pooled.first?.figures)
        let arm = try #require(figures.zeroShotGroups?.first)
        #expect(arm.name == "arm" && arm.values == [0.61, 0.6, 0.61, 0.6])
        #expect(arm.versus?.verdict == .notResolved)
        #expect(arm.versus?.tost?.verdict == .equivalent)
        #expect(figures.zeroShotTop1 == arm.mean)
        #expect(figures.groups == figures.zeroShotGroups)

        // The names are the field's.
        let json = try JSONSerialization.jsonObject(with: JSONFiles.encoder().encode(figures))
        let groups = (json as? [String: Any])?["groups"] as? [[String: Any]]
        let tost = (groups?.first?["versus"] as? [String: Any])?["tost"] as? [String: Any]
        #expect(Set(tost?.keys.map { $0 } ?? []) == ["margin", "ci90", "p_value", "verdict"])
        #expect(tost?["verdict"] as? String == "equivalent")
    }

    @Test func `a probe's verdicts follow the direction of each metric`() throws {
        let parts = [(0.5, 0.6), (0.51, 0.62), (0.49, 0.59)].enumerated().map { seed, rmse in
            (
                node: "probe[seed=\(seed)]",
                figures: TaskEvaluationFigures(
                    task: "depth", n: 9,
                    models: [
                        .init(
                            "arm[seed=\(seed)]",
                            TaskFigures([.rmse: rmse.0, .delta1: 0.3 + 0.01 * Double(seed)])),
                        .init("control[seed=\(seed)]", TaskFigures([.rmse: rmse.1, .delta1: 0.4])),
                        .init(
                            "before[seed=\(seed)]",
                            TaskFigures([.rmse: rmse.1 + (seed == 1 ? 0.1 : -0.1), .delta1: 0.4])),
                    ], floor: TaskFigures([.rmse: 1]), baseline: "control")
            )
        }
        let figures = try #require(TaskEvaluationFigures.pooled(parts).first?.figures)
        let verdicts = figures.comparisons.map { $0.groups.map { $0.versus?.verdictName } }
        #expect(verdicts == [["better", nil, "not resolved"], ["worse", nil, "not resolved"]])
        #expect(figures.comparisons[0].groups[0].values == [0.5, 0.51, 0.49])
        #expect(figures.models.count == 9 && figures.comparisons[0].floor == 1)
        let read = try JSONDecoder().decode(
            TaskEvaluationFigures.self, from: JSONFiles.encoder().encode(figures))
        #expect(read == figures)
    }
}

/// Which arm comes first over several probes.
@Suite struct ArmOrderTests {
    private func probe(_ node: String, _ values: [(String, Double)], _ metric: TaskMetric)
        -> (node: String, figures: TaskEvaluationFigures)
    {
        let models = values.map { arm, value in
            TaskEvaluationFigures.Model(arm, TaskFigures([metric: value]))
        }
        let task = metric == .rmse ? "depth" : "segmentation"
        return (
            node,
            TaskEvaluationFigures(
                task: task, n: 1, models: models, floor: TaskFigures([:]), baseline: nil)
        )
    }

    @Test func `arms are ranked in each metric's own direction`() throws {
        let order = try #require(
            ArmOrder([
                probe("depth", [("a", 0.1), ("b", 0.2), ("c", 0.3), ("alone", 0)], .rmse),
                probe("psp-depth", [("a", 0.1), ("c", 0.2), ("b", 0.3)], .rmse),
                probe("classes", [("a", 0.9), ("b", 0.5), ("c", 0.5)], .miou),
            ]))
        #expect(order.places.map(\.name) == ["a", "b", "c"])
        #expect(order.places.map(\.ranks) == [[1, 1, 1], [2, 3, 2.5], [3, 2, 2.5]])
        #expect(order.places.map(\.meanRank) == [1, 2.5, 2.5])
        #expect(order.agreements.count == 1)
        #expect(abs((order.agreements.first?.tau ?? 2) - 1 / 3.0) < 1e-12)
        #expect(ArmOrder([probe("depth", [("a", 1), ("b", 2), ("c", 3)], .rmse)]) == nil)
    }
}
