internal import Foundation

/// `balance.json`: how evenly the chosen images spread over queries and classes.
public struct Balance: Codable, Hashable, Sendable {
    /// The spread of images over queries.
    public struct Spread: Codable, Hashable, Sendable {
        /// The fewest images of a query.
        public var min: Int
        /// The most images of a query.
        public var max: Int
        /// The mean number.
        public var mean: Double
        /// The Gini coefficient: 0 when all have the same number, near 1 when one has all.
        public var gini: Double
        /// The effective number of queries: the exponential of the entropy of their shares.
        public var effective: Double

        /// Measures a spread.
        public init(of counts: [Int]) {
            let total = Double(counts.reduce(0, +))
            min = counts.min() ?? 0
            max = counts.max() ?? 0
            guard total > 0 else {
                (mean, gini, effective) = (0, 0, 0)
                return
            }
            let number = Double(counts.count)
            mean = total / number
            let weighted = counts.sorted().enumerated().reduce(0.0) {
                $0 + Double($1.offset + 1) * Double($1.element)
            }
            gini = 2 * weighted / (number * total) - (number + 1) / number
            let entropy = counts.filter { $0 > 0 }.reduce(0.0) { sum, count in
                let share = Double(count) / total
                return sum - share * log(share)
            }
            effective = exp(entropy)
        }
    }

    /// Images per query.
    public var perQuery: Spread
    /// Images per class of their query.
    public var perClass: [String: Int]

    enum CodingKeys: String, CodingKey {
        case perQuery = "per_query"
        case perClass = "per_class"
    }

    /// Counts the chosen images; classes without any are listed with 0.
    init(_ selections: [Selection], queries: [QueryImage], classes: [String]) {
        var counts = [Int](repeating: 0, count: queries.count)
        var perClass = Dictionary(uniqueKeysWithValues: Set(classes).map { ($0, 0) })
        for query in selections.compactMap(\.queryRow) {
            counts[query] += 1
            if let name = queries[query].className { perClass[name, default: 0] += 1 }
        }
        perQuery = Spread(of: counts)
        self.perClass = perClass
    }
}
