/// Whether two arms that share their seeds do equally well for practical purposes: two one-sided tests (TOST).
///
/// Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach for assessing the
/// equivalence of average bioavailability": the arms are equivalent at a level of 5 % where the 90 % interval of their
/// difference lies within the margin. A difference that is not resolved is not that: with few seeds hardly any is.
public struct EquivalenceTest: Codable, Hashable, Sendable {
    /// What came of the tests.
    public enum Verdict: String, Codable, Hashable, Sendable {
        /// The 90 % interval lies within the margin.
        case equivalent
        /// It lies above the margin as a whole.
        case better
        /// It lies below the margin as a whole.
        case worse
        /// It does neither, or there is a single run, which has no interval.
        case notShown = "not shown"
    }

    /// The largest difference that does not matter, in the unit of the values.
    public var margin: Double
    /// The 90 % interval of the paired difference; absent with a single run.
    public var ci90: [Double]?
    /// The larger one of the two tests' probabilities; absent with a single run.
    public var pValue: Double?
    /// What came of it.
    public var verdict: Verdict

    enum CodingKeys: String, CodingKey {
        case margin, ci90, verdict
        case pValue = "p_value"
    }

    /// Tests the paired differences of two arms, of which more is better.
    public init(of difference: Interval, margin: Double) {
        self.margin = margin
        verdict = .notShown
        guard let ends = difference.ends(level: 0.9), let error = difference.standardError else { return }
        ci90 = ends
        if ends[0] > -margin, ends[1] < margin {
            verdict = .equivalent
        } else if ends[0] > margin {
            verdict = .better
        } else if ends[1] < -margin {
            verdict = .worse
        }
        /// The probability of so large a mean, or a larger one, where the true difference lies at the margin.
        func tail(_ distance: Double) -> Double {
            // Seeds that agree in every digit have no spread.
            guard error > 0 else { return distance > 0 ? 0 : 1 }
            return StudentT.cumulative(-distance / error, degreesOfFreedom: difference.values.count - 1)
        }
        pValue = max(tail(difference.mean + margin), tail(margin - difference.mean))
    }
}

extension EquivalenceTest: CustomStringConvertible {
    /// The verdict in words, for shares of one, with its interval in percentage points.
    public var description: String {
        // Adding nothing takes the sign from a zero.
        func points(_ share: Double) -> String { "\((share * 10_000).rounded() / 100 + 0)" }
        let within = "±\(points(margin)) points"
        guard let ci90, let pValue else {
            return "equivalence within \(within) not shown: one seed says nothing about spread"
        }
        let interval = "90 % CI \(points(ci90[0])) to \(points(ci90[1]))"
        switch verdict {
        case .equivalent:
            let p = pValue < 0.001 ? "p < 0.001" : "p = \((pValue * 1000).rounded() / 1000)"
            return "equivalent within \(within) (TOST, \(p); \(interval))"
        case .better: return "better by more than \(points(margin)) points (\(interval))"
        case .worse: return "worse by more than \(points(margin)) points (\(interval))"
        case .notShown:
            return "equivalence within \(within) not shown (\(interval), \(points(ci90[1] - ci90[0])) wide)"
        }
    }
}
