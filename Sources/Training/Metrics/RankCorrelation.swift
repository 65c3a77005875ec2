/// Ranks of values, and how far two orders agree.
public enum RankCorrelation {
    /// The place of each value among all, 1 for the least; equal values share the mean of their places.
    public static func ranks(_ values: [Double]) -> [Double] {
        values.map { value in
            let (less, equal) = (values.count { $0 < value }, values.count { $0 == value })
            return Double(less) + Double(equal + 1) / 2
        }
    }

    /// Kendall's τ-b between two rows of values about the same things: 1 where both order them alike, -1 where one is the
    /// other reversed, about 0 where they have nothing to do with each other; nil where either is the same throughout.
    ///
    /// Kendall 1945, "The treatment of ties in ranking problems".
    public static func kendall(_ first: [Double], _ second: [Double]) -> Double? {
        precondition(first.count == second.count, "Retort bug: ranks of different things")
        func sign(_ difference: Double) -> Int { difference > 0 ? 1 : difference < 0 ? -1 : 0 }
        var (agreeing, ordered) = (0, (first: 0, second: 0))
        for one in first.indices {
            for other in first.indices where other < one {
                let (a, b) = (sign(first[one] - first[other]), sign(second[one] - second[other]))
                agreeing += a * b
                ordered.first += abs(a)
                ordered.second += abs(b)
            }
        }
        guard ordered.first > 0, ordered.second > 0 else { return nil }
        return Double(agreeing) / (Double(ordered.first) * Double(ordered.second)).squareRoot()
    }
}
