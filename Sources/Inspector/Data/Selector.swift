import Foundation
import Search
import Synchronization

/// Answers filters with lists of rows, and keeps the answers: the next page of the same list costs nothing.
final class Selector: Sendable {
    private let set: InspectedSet
    private let cache = Mutex(Cache())

    /// The last answers; each is 4 bytes for each row.
    private struct Cache {
        var orders: [(key: Order, rows: [UInt32])] = []
        var lists: [(filter: ImageFilter, rows: [UInt32])] = []
    }

    private struct Order: Hashable {
        var sort: ImageFilter.Sort
        var seed: Int
    }

    private static let limit = 6

    init(_ set: InspectedSet) { self.set = set }

    /// Prepares the orders that people ask for first, so that they do not wait for them.
    func warmUp() {
        for sort in [ImageFilter.Sort.low, .high] {
            var filter = ImageFilter()
            filter.sort = sort
            _ = order(filter)
        }
    }

    /// The rows that pass, in order.
    func rows(_ filter: ImageFilter, marks: Marks) throws -> [UInt32] {
        if filter.isOpen { return order(filter) }
        // Marks change under the reader's hands; lists that depend on them are made anew.
        let isKept = filter.mark == .any
        if isKept, let known = cache.withLock({ $0.lists.first { $0.filter == filter }?.rows }) {
            return known
        }
        let rows = try filtered(filter, marks)
        if isKept {
            cache.withLock { cache in
                cache.lists.insert((filter, rows), at: 0)
                if cache.lists.count > Self.limit { cache.lists.removeLast() }
            }
        }
        return rows
    }

    private func filtered(_ filter: ImageFilter, _ marks: Marks) throws -> [UInt32] {
        if case .with(let mark) = filter.mark {
            // Few are marked: look at those alone.
            let wanted = Set(marks.all.filter { $0.mark == mark }.compactMap { set.table.row(of: $0.id) })
            var rest = filter
            rest.mark = .any
            return try rows(rest, marks: marks).filter { wanted.contains(Int($0)) }
        }
        let table = set.table
        var (queries, classes, datasets) = (Choice.any, Choice.any, Choice.any)
        if let query = filter.query { queries = .some(queryNumbers(query)) }
        if let name = filter.className {
            classes = .some(Set(table.classNames.indices.filter { table.classNames[$0] == name }))
        }
        if let name = filter.dataset {
            datasets = .some(Set(table.datasetNames.indices.filter { table.datasetNames[$0] == name }))
        }
        let marked = filter.mark == .no ? Set(marks.all.compactMap { table.row(of: $0.id) }) : []
        let (lowest, highest) = (filter.lowest ?? -.infinity, filter.highest ?? .infinity)
        let isBounded = filter.lowest != nil || filter.highest != nil
        return order(filter).filter { index in
            let row = Int(index)
            let similarity = table.similarities[row]
            return (!isBounded || (similarity >= lowest && similarity <= highest))
                && classes.holds(table.classes[row]) && queries.holds(table.queries[row])
                && datasets.holds(table.datasets[row]) && (marked.isEmpty || !marked.contains(row))
        }
    }

    /// The queries that a reader means: by id, or else by a part of the file's name.
    private func queryNumbers(_ text: String) -> Set<Int> {
        let table = set.table
        if let exact = table.queryNames.firstIndex(of: text) { return [exact] }
        let word = text.lowercased()
        return Set(
            table.queryNames.indices.filter { number in
                let name = table.queryNames[number]
                let source = set.queries.number(of: name).map { set.queries.entries[$0].source } ?? name
                return source.lowercased().contains(word)
            })
    }

    /// All rows in one order.
    private func order(_ filter: ImageFilter) -> [UInt32] {
        let key = Order(sort: filter.sort, seed: filter.sort == .random ? filter.seed : 0)
        if let known = cache.withLock({ $0.orders.first { $0.key == key }?.rows }) { return known }
        let rows = sorted(key)
        cache.withLock { cache in
            cache.orders.insert((key, rows), at: 0)
            if cache.orders.count > Self.limit { cache.orders.removeLast() }
        }
        return rows
    }

    private func sorted(_ order: Order) -> [UInt32] {
        let table = set.table
        switch order.sort {
        case .file: return (0..<UInt32(table.count)).map { $0 }
        case .low: return rows { Self.key(table.similarities[$0], missing: UInt32.max) }
        case .high: return rows { ~Self.key(table.similarities[$0], missing: 0) }
        case .rank: return rows { table.ranks[$0] }
        case .query: return rows { table.queries[$0] }
        case .hubs:
            let near = set.queries.occurrenceCounts(of: table.ids)
            return rows { ~near[$0] }
        case .entropy:
            let entropies = set.entropies
            return rows { ~Self.key(entropies?[$0] ?? .nan, missing: 0) }
        case .width: return rows { table.widths[$0] }
        case .random:
            let seed = UInt64(bitPattern: Int64(order.seed)) &* 0x9e37_79b9_7f4a_7c15
            return rows { row in
                var x = (UInt64(row) &+ seed &+ 1) &* 0x9e37_79b9_7f4a_7c15
                x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
                x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
                return UInt32(truncatingIfNeeded: x >> 32)
            }
        }
    }

    /// The rows by a key of 32 bits; rows with equal keys stay as the file has them.
    private func rows(by key: (Int) -> UInt32) -> [UInt32] {
        var keyed = (0..<set.table.count).map { UInt64(key($0)) << 32 | UInt64($0) }
        keyed.sort()
        return keyed.map { UInt32(truncatingIfNeeded: $0) }
    }

    /// Bits that sort as the numbers do; rows without a similarity come last.
    private static func key(_ value: Float, missing: UInt32) -> UInt32 {
        guard value == value else { return missing }
        let bits = value.bitPattern
        return bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
    }

    private enum Choice {
        case any
        case some(Set<Int>)

        func holds(_ index: UInt32) -> Bool {
            switch self {
            case .any: true
            case .some(let wanted): wanted.contains(Int(index))
            }
        }
    }
}
