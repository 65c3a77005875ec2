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
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        self.values = values
        self.mean = mean
        guard values.count > 1 else { return }
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        let margin = Self.t975(degreesOfFreedom: values.count - 1) * (variance / count).squareRoot()
        ci95 = [mean - margin, mean + margin]
    }

    /// The interval of the differences between two arms that share their seeds.
    public init?(paired values: [Double], minus baseline: [Double]) {
        guard values.count == baseline.count, !values.isEmpty else { return nil }
        self.init(zip(values, baseline).map { $0 - $1 })
    }

    /// Whether zero lies inside: the difference is then not resolved by these runs.
    public var crossesZero: Bool { ci95.map { $0[0] <= 0 && $0[1] >= 0 } ?? true }

    /// The 97.5 % quantile of Student's t distribution.
    static func t975(degreesOfFreedom: Int) -> Double {
        let table = [
            12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
            2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
            2.045, 2.042,
        ]
        return degreesOfFreedom <= table.count
            ? table[degreesOfFreedom - 1] : 1.960 + 2.5 / Double(degreesOfFreedom)
    }
}
