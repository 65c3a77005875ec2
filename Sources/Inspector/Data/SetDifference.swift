import Foundation

/// What two curations have in common, and where they differ.
struct SetDifference: Sendable {
    /// The counts of one class.
    struct ClassCounts: Encodable, Hashable, Sendable {
        var name: String
        var left: Int
        var right: Int
        /// In both sets, counted by the class on the left.
        var common: Int
    }

    /// Rows of the left set that the right one lacks, and the other way round.
    let onlyLeft: [UInt32]
    let onlyRight: [UInt32]
    let common: Int
    let perClass: [ClassCounts]
    /// The mean similarity of each set's images to their queries.
    let meanLeft: Double?
    let meanRight: Double?
    /// By how much the common images are more similar to their query on the right, on average.
    let shift: Double?

    /// The share of common images among all.
    var jaccard: Double {
        let all = common + onlyLeft.count + onlyRight.count
        return all == 0 ? 1 : Double(common) / Double(all)
    }

    init(_ left: InspectedSet, _ right: InspectedSet) {
        var (onlyLeft, counts) = ([UInt32](), [String: ClassCounts]())
        var (common, shift, shifted) = (0, 0.0, 0)
        func count(_ table: TransferTable, _ row: Int, _ change: (inout ClassCounts) -> Void) {
            let index = table.classes[row]
            let name = index == TransferTable.none ? "" : table.classNames[Int(index)]
            change(&counts[name, default: ClassCounts(name: name, left: 0, right: 0, common: 0)])
        }
        for row in 0..<left.table.count {
            count(left.table, row) { $0.left += 1 }
            guard let other = right.table.row(hash: left.table.ids[row]) else {
                onlyLeft.append(UInt32(row))
                continue
            }
            common += 1
            count(left.table, row) { $0.common += 1 }
            let difference = right.table.similarities[other] - left.table.similarities[row]
            if !difference.isNaN {
                shift += Double(difference)
                shifted += 1
            }
        }
        for row in 0..<right.table.count { count(right.table, row) { $0.right += 1 } }
        onlyRight = (0..<UInt32(right.table.count)).filter {
            left.table.row(hash: right.table.ids[Int($0)]) == nil
        }
        self.onlyLeft = onlyLeft
        self.common = common
        let listed = left.classes + right.classes.filter { !left.classes.contains($0) }
        perClass = (listed + [""]).compactMap { counts[$0] }
        self.shift = shifted > 0 ? shift / Double(shifted) : nil
        meanLeft = Self.mean(left.table.similarities)
        meanRight = Self.mean(right.table.similarities)
    }

    private static func mean(_ values: [Float]) -> Double? {
        var (sum, count) = (0.0, 0)
        for value in values where !value.isNaN {
            sum += Double(value)
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }
}
