import Foundation
import Testing

@testable import Report

@Suite struct EvaluationFiguresTests {
    private static let json = """
        {"n": 4, "top1": 0.5, "confusion": [[2, 0], [2, 0]], "classes": ["a", "b"],
         "groups": [{"name": "scratch", "values": [0.5], "mean": 0.5},
                    {"name": "ours", "values": [0.75, 1], "mean": 0.875}],
         "models": [{"node": "s", "group": "scratch", "metrics": {"top1": 0.5, "confusion": [[2, 0], [2, 0]]}},
                    {"node": "o[seed=0]", "group": "ours", "metrics": {"top1": 0.75, "nll": 1,
                     "confusion": [[2, 0], [1, 1]], "per_class": {"a": 1, "b": 0.5},
                     "reliability": [{"confidence": 0.9, "accuracy": 0.8, "count": 3}]}},
                    {"node": "o[seed=1]", "group": "ours", "metrics": {"top1": 1, "nll": 3,
                     "confusion": [[2, 0], [0, 2]], "per_class": {"a": 1, "b": 1},
                     "reliability": [{"confidence": 0.9, "accuracy": 1, "count": 1}]}}]}
        """

    @Test func `the best arm's figures are pooled over its seeds`() throws {
        let metrics = try JSONDecoder().decode(EvaluationMetrics.self, from: Data(Self.json.utf8))
        #expect(metrics.bestModels == ["o[seed=0]", "o[seed=1]"])
        let figures = metrics.bestFigures
        #expect(figures.top1 == 0.875)
        #expect(figures.nll == 2)
        #expect(figures.confusion == [[4, 0], [1, 3]])
        #expect(figures.perClass == ["a": 1, "b": 0.75])
        #expect(figures.reliability?.count == 1)
        #expect(abs((figures.reliability?.first?.accuracy ?? 0) - 0.85) < 1e-12)
        #expect(figures.ece == nil, "a figure that one seed lacks has no mean")
    }

    @Test func `without models the figures at the top stand`() throws {
        let metrics = try JSONDecoder().decode(
            EvaluationMetrics.self, from: Data(#"{"top1": 0.5, "confusion": [[1]]}"#.utf8))
        #expect(metrics.bestFigures.confusion == [[1]])
    }
}
