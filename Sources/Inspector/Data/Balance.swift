import Foundation

/// How evenly images are spread over their queries and classes.
struct Balance: Sendable {
    /// Images of each class, in the order of the set's classes.
    var perClass: [(name: String, count: Int)] = []
    /// Queries with at least one image.
    var queryCount = 0
    var smallest = 0
    var largest = 0
    var mean = 0.0
    /// 0 is perfectly even.
    var gini = 0.0
    /// The exponential of the entropy of the shares: how many equally served queries would be as diverse.
    var effective = 0.0

    /// The balance of some rows of a set.
    init(_ set: InspectedSet, rows: some Sequence<Int>) {
        let table = set.table
        var queries = [Int](repeating: 0, count: table.queryNames.count)
        var classes = [Int](repeating: 0, count: table.classNames.count)
        for row in rows {
            if table.queries[row] != TransferTable.none { queries[Int(table.queries[row])] += 1 }
            if table.classes[row] != TransferTable.none { classes[Int(table.classes[row])] += 1 }
        }
        let byName = Dictionary(
            zip(table.classNames, classes), uniquingKeysWith: +)
        perClass = set.classes.map { ($0, byName[$0] ?? 0) }
        let counts = queries.filter { $0 > 0 }.sorted()
        guard let first = counts.first, let last = counts.last else { return }
        let total = Double(counts.reduce(0, +))
        let number = Double(counts.count)
        let weighted = counts.enumerated().reduce(0.0) { $0 + Double($1.offset + 1) * Double($1.element) }
        let entropy = -counts.reduce(0.0) { $0 + Double($1) / total * log(Double($1) / total) }
        (queryCount, smallest, largest, mean) = (counts.count, first, last, total / number)
        gini = 2 * weighted / (number * total) - (number + 1) / number
        effective = exp(entropy)
    }
}

/// What would be left of a set if images below a similarity were dropped.
struct ThresholdOutcome: Sendable {
    let threshold: Double
    /// The images that stay, those without a similarity among them.
    let kept: Int
    /// The images that go: the teacher need not label them.
    let dropped: Int
    /// Queries that would lose their last image.
    let orphaned: Int
    let balance: Balance

    init(_ set: InspectedSet, threshold: Double, before: Balance) {
        let similarities = set.table.similarities
        let limit = Float(threshold)
        let rows = similarities.indices.filter { !(similarities[$0] < limit) }
        self.threshold = threshold
        kept = rows.count
        dropped = similarities.count - rows.count
        balance = Balance(set, rows: rows)
        orphaned = max(0, before.queryCount - balance.queryCount)
    }
}

/// The similarities of a set in numbers, and in bins of equal width.
struct SimilaritySummary: Sendable {
    let lowest: Double
    let median: Double
    let highest: Double
    /// The bins' edges, and how many images lie between each two.
    let edges: [Double]
    let counts: [Double]

    /// Nil when no image has a similarity.
    init?(_ set: InspectedSet, order: [UInt32], bins: Int = 64) {
        let similarities = set.table.similarities
        // In order from the least similar; those without one stand last.
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if similarities[Int(order[middle])].isNaN { high = middle } else { low = middle + 1 }
        }
        guard low > 0 else { return nil }
        lowest = Double(similarities[Int(order[0])])
        median = Double(similarities[Int(order[low / 2])])
        highest = Double(similarities[Int(order[low - 1])])
        let first = lowest
        let width = max((highest - lowest) / Double(bins), 1e-6)
        edges = (0...bins).map { first + Double($0) * width }
        var counts = [Double](repeating: 0, count: bins)
        for value in similarities where !value.isNaN {
            counts[min(max(Int((Double(value) - first) / width), 0), bins - 1)] += 1
        }
        self.counts = counts
    }
}
