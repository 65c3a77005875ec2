import Foundation
import TestSupport
import Testing

@testable import Training

/// Figures of dense tasks against values worked out by hand.
@Suite struct DenseMeasuresTests {
    @Test func `depths are compared after the best scale and shift`() throws {
        var measure = DepthMeasure()
        let truth: [Float] = [1, 2, 3, 4, .nan]
        measure.add([10, 20, 30, 40, 0], truth[...])
        #expect(measure.figures[.rmse] ?? 1 < 1e-9 && measure.figures[.delta1] == 1)
        // A constant is the mean, 2.5: off by 1.5, 0.5, 0.5, 1.5.
        var floor = DepthMeasure()
        floor.add([7, 7, 7, 7, 7], truth[...])
        #expect(abs((floor.figures[.rmse] ?? 0) - 1.25.squareRoot()) < 1e-9)
        #expect(abs((floor.figures[.absRel] ?? 0) - (1.5 + 0.25 + 0.5 / 3 + 1.5 / 4) / 4) < 1e-9)
        // 2.5 is exactly 25 % more than 2, which is not less.
        #expect(floor.figures[.delta1] == 0.25)
        // Images count alike, and one without depths not at all.
        measure.add([7, 7, 7, 7, 7], truth[...])
        measure.add([1, 2], [.nan, .nan])
        #expect(abs((measure.figures[.rmse] ?? 0) - 1.25.squareRoot() / 2) < 1e-9)
    }

    @Test func `an output that runs the other way is no better than a constant`() throws {
        var (measure, floor) = (DepthMeasure(), DepthMeasure())
        measure.add([4, 3, 2, 1], [1, 2, 3, 4])
        floor.add([0, 0, 0, 0], [1, 2, 3, 4])
        #expect(measure.figures == floor.figures)
    }

    @Test func `normals are compared by angle`() throws {
        var measure = NormalsMeasure()
        // Four pixels, channel by channel: right, 90 degrees off, 180 off, unknown.
        let truth: [Float] = [0, 1, 0, .nan, 0, 0, 0, .nan, 1, 0, 1, .nan]
        measure.add([0, 0, 0, 1, 0, 2, 0, 0, 9, 0, -1, 0], truth[...])
        #expect(abs((measure.figures[.meanAngularError] ?? 0) - 90) < 1e-3)
        #expect(abs((measure.figures[.medianAngularError] ?? 0) - 90) < 0.01)
        #expect(abs((measure.figures[.within11] ?? 0) - 1.0 / 3) < 1e-9)
    }

    @Test func `the floor of classes names the most frequent one`() throws {
        var measure = ClassesMeasure(classCount: 3)
        measure.add([0, 1, 1, 2], [0, 1, .nan, 1])
        #expect(measure.confusion == [[1, 0, 0], [0, 1, 1], [0, 0, 0]])
        #expect(abs((measure.figures[.pixelAccuracy] ?? 0) - 2.0 / 3) < 1e-9)
        // Always class 1: two of three pixels, and of the classes' shares 0 and 2/3.
        #expect(abs((measure.floor[.miou] ?? 0) - 1.0 / 3) < 1e-9)
        #expect(abs((measure.floor[.pixelAccuracy] ?? 0) - 2.0 / 3) < 1e-9)
    }

    @Test func `figures stand under their metrics' names`() throws {
        let figures = TaskFigures([.rmse: 1.5, .delta1: 0.25])
        let text = String(decoding: try JSONEncoder().encode(figures), as: UTF8.self)
        #expect(text.contains("\"rmse\":1.5") && text.contains("\"delta1\":0.25"))
        #expect(try JSONDecoder().decode(TaskFigures.self, from: Data(text.utf8)) == figures)
        #expect(figures.metrics == [.rmse, .delta1])
        #expect(
            TaskMetric.allCases.filter(\.isLowerBetter).map(\.rawValue)
                == ["rmse", "abs_rel", "mean_angular_error", "median_angular_error"])
    }
}
