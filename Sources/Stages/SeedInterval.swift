internal import Training

/// The mean of what several seeds reached, or by how much they differ from another arm's, with its 95 % interval.
public struct SeedInterval: Codable, Hashable, Sendable {
    /// The single values.
    public var values: [Double]
    /// Their mean.
    public var mean: Double
    /// The lower and upper end (Student's t); absent with one seed.
    public var ci95: [Double]?

    /// Computes the interval; there must be one value at least.
    public init(_ values: [Double]) {
        let interval = Interval(values)
        self.values = interval.values
        mean = interval.mean
        ci95 = interval.ci95
    }
}
