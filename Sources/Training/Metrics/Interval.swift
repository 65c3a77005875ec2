/// The mean of a few repeated runs with its 95 % confidence interval (Student's t).
public struct Interval: Codable, Hashable, Sendable {
    /// The single values, in the order of the seeds.
    public var values: [Double]
    /// Their mean.
    public var mean: Double
    /// The lower and upper end; absent when a single run says nothing about spread.
    public var ci95: [Double]?

    /// Computes the interval of independent runs.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "Retort bug: an interval of nothing")
        self.values = values
        mean = values.reduce(0, +) / Double(values.count)
        ci95 = ends(level: 0.95)
    }

    /// The interval of the differences between two arms that share their seeds.
    public init?(paired values: [Double], minus baseline: [Double]) {
        guard values.count == baseline.count, !values.isEmpty else { return nil }
        self.init(zip(values, baseline).map { $0 - $1 })
    }

    /// Whether zero lies inside: the difference is then not resolved by these runs.
    public var crossesZero: Bool { ci95.map { $0[0] <= 0 && $0[1] >= 0 } ?? true }

    /// The standard error of the mean; nil for a single run.
    var standardError: Double? {
        guard values.count > 1 else { return nil }
        let count = Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        return (variance / count).squareRoot()
    }

    /// The interval of the mean at a level of confidence, such as 0.9; nil for a single run.
    func ends(level: Double) -> [Double]? {
        standardError.map { error in
            let quantile = StudentT.quantile((1 + level) / 2, degreesOfFreedom: values.count - 1)
            return [mean - quantile * error, mean + quantile * error]
        }
    }
}

/// What the 95 % interval of the difference between two arms says.
public enum DifferenceVerdict: String, Codable, Hashable, Sendable {
    /// Zero lies outside, on the good side.
    case better
    /// Zero lies outside, on the bad side.
    case worse
    /// Zero lies inside, or there is a single run, which says nothing about spread.
    case notResolved = "not resolved"

    /// Judges a difference.
    public init(of difference: Interval, lowerIsBetter: Bool = false) {
        if difference.crossesZero {
            self = .notResolved
        } else {
            self = (difference.mean < 0) == lowerIsBetter ? .better : .worse
        }
    }
}
