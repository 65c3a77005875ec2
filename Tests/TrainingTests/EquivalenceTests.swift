import Foundation
import TestSupport
import Testing

@testable import Training

/// Intervals of paired differences and orders of arms, and what they are taken for.
@Suite struct EquivalenceTests {
    private struct Reference: Decodable {
        struct Quantile: Decodable {
            var probability, quantile: Double
            var degrees: Int
        }

        struct Case: Decodable {
            var name: String
            var values, baseline, ci90, ci95: [Double]
            var margin, pValue: Double

            enum CodingKeys: String, CodingKey {
                case name, values, baseline, margin, ci90, ci95
                case pValue = "p_value"
            }
        }

        struct Order: Decodable {
            var a, b, ranks: [Double]
            var tau: Double
        }

        var quantiles: [Quantile]
        var cases: [Case]
        var orders: [Order]

        static let read = try? JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: Fixtures.url("metrics/equivalence.json")))
    }

    @Test func `quantiles of Student's t are scipy's`() throws {
        for reference in try #require(Reference.read).quantiles {
            let quantile = StudentT.quantile(reference.probability, degreesOfFreedom: reference.degrees)
            #expect(
                abs(quantile - reference.quantile) <= 1e-9 * max(1, abs(reference.quantile)), "\(reference)")
            let probability = StudentT.cumulative(quantile, degreesOfFreedom: reference.degrees)
            #expect(abs(probability - reference.probability) < 1e-12, "\(reference)")
        }
    }

    @Test func `two one-sided tests are those of statsmodels`() throws {
        let cases = try #require(Reference.read).cases
        #expect(cases.count > 6)
        for reference in cases {
            let difference = try #require(Interval(paired: reference.values, minus: reference.baseline))
            let test = EquivalenceTest(of: difference, margin: reference.margin)
            for (ends, expected) in [(difference.ci95, reference.ci95), (test.ci90, reference.ci90)] {
                #expect(Tolerance.float64.mismatch(ends ?? [], expected) == nil, "\(reference.name)")
            }
            #expect(
                abs((test.pValue ?? 2) - reference.pValue) < 1e-9,
                "\(reference.name): \(test.pValue ?? 2), not \(reference.pValue)")
            // Both ways to put the same test agree.
            #expect((test.verdict == .equivalent) == (reference.pValue < 0.05), "\(reference.name)")
        }
        let verdicts = Dictionary(
            uniqueKeysWithValues: try cases.map { reference in
                let difference = try #require(Interval(paired: reference.values, minus: reference.baseline))
                return (reference.name, EquivalenceTest(of: difference, margin: reference.margin).verdict)
            })
        #expect(verdicts["equivalent"] == .equivalent)
        #expect(verdicts["two seeds"] == .notShown && verdicts["wide"] == .notShown)
        #expect(verdicts["worse"] == .worse && verdicts["better"] == .better)
    }

    @Test func `ranks and their correlation are scipy's`() throws {
        for reference in try #require(Reference.read).orders {
            #expect(RankCorrelation.ranks(reference.b) == reference.ranks)
            let tau = RankCorrelation.kendall(reference.a, reference.b) ?? 2
            #expect(abs(tau - reference.tau) < 1e-12, "\(reference)")
        }
        #expect(RankCorrelation.kendall([1, 1], [1, 2]) == nil)
    }

    @Test func `a resolved difference may be one that does not matter`() throws {
        let difference = Interval([0.002, 0.003, 0.0025])
        #expect(DifferenceVerdict(of: difference) == .better)
        #expect(DifferenceVerdict(of: difference, lowerIsBetter: true) == .worse)
        #expect(EquivalenceTest(of: difference, margin: 0.01).verdict == .equivalent)
        #expect(DifferenceVerdict(of: Interval([-0.1, 0.1])) == .notResolved)
        #expect(DifferenceVerdict(of: Interval([0.1])) == .notResolved)
    }

    @Test func `verdicts say what they rest on`() {
        #expect(
            EquivalenceTest(of: Interval([0.002, 0.003, 0.0025]), margin: 0.01).description
                == "equivalent within ±1.0 points (TOST, p < 0.001; 90 % CI 0.17 to 0.33)")
        #expect(
            EquivalenceTest(of: Interval([-0.02, 0.03, 0.01]), margin: 0.01).description
                == "equivalence within ±1.0 points not shown (90 % CI -3.58 to 4.91, 8.49 wide)")
        #expect(
            EquivalenceTest(of: Interval([-0.06, -0.061]), margin: 0.01).description
                == "worse by more than 1.0 points (90 % CI -6.37 to -5.73)")
        #expect(
            EquivalenceTest(of: Interval([0]), margin: 0.01).description
                == "equivalence within ±1.0 points not shown: one seed says nothing about spread")
        // Seeds that agree in every digit.
        let same = EquivalenceTest(of: Interval([0, 0, 0]), margin: 0.01)
        #expect(same.verdict == .equivalent && same.pValue == 0)
    }
}
