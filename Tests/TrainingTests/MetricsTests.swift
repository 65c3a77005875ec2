import Testing
import Training

@Suite struct MetricsTests {
    @Test func `accuracy, balance and calibration of a small set`() throws {
        let probabilities: [[Float]] = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]]
        let metrics = ClassificationMetrics(
            probabilities: probabilities, labels: [0, 0, 1, 1], classes: ["cat", "dog"])
        #expect(metrics.top1 == 0.75)
        #expect(metrics.perClass == ["cat": 1, "dog": 0.5])
        #expect(metrics.balancedAccuracy == 0.75)
        #expect(metrics.confusion == [[2, 0], [1, 1]])
        // Four bins of one prediction each: |1-0.9| + |1-0.8| + |1-0.6| + |0-0.7|, a quarter of it.
        #expect(abs(metrics.ece - 0.35) < 1e-6)
        #expect(metrics.reliability.map(\.count) == [1, 1, 1, 1])
    }

    @Test func `the floor is the majority class, and chance`() {
        let floor = AccuracyFloor(labels: [0, 0, 0, 1], classCount: 4)
        #expect(floor == AccuracyFloor(labels: [2, 2, 2, 1], classCount: 4))
        #expect(floor.majority == 0.75 && floor.random == 0.25)
    }

    @Test func `three seeds give Student's interval`() throws {
        let interval = Interval([0.45, 0.47, 0.49])
        let ends = try #require(interval.ci95)
        // scipy.stats.t.interval(0.95, 2, loc=0.47, scale=0.02/sqrt(3))
        #expect(abs(ends[0] - 0.420317) < 1e-5 && abs(ends[1] - 0.519683) < 1e-5)
    }

    @Test func `one seed has no interval, and paired arms need equal seeds`() {
        #expect(Interval([0.5]).ci95 == nil)
        #expect(Interval(paired: [0.5, 0.6], minus: [0.4]) == nil)
        #expect(Interval(paired: [0.5, 0.6, 0.7], minus: [0.4, 0.5, 0.6])?.crossesZero == false)
    }
}
