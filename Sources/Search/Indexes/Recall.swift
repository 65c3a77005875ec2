/// How much an index misses, measured against exact search.
public struct Recall: Codable, Hashable, Sendable {
    /// The number of neighbours asked for.
    public var k: Int
    /// The number of held-out queries.
    public var queries: Int
    /// The share of the true `k` nearest rows that the index returned, averaged over the queries.
    public var value: Double

    /// Measures an index on held-out queries; a row as near as the k-th true neighbour counts as found.
    public static func measure(
        _ index: VectorIndex, on queries: VectorTable, over gallery: some VectorSource, k: Int = 10
    ) throws -> Recall {
        let k = min(k, gallery.count)
        let exact = try ExactSearch.topK(k, for: queries, in: gallery)
        let found = try index.search(unit(queries), k: k)
        var hits = 0
        for (query, (exact, found)) in zip(exact, found).enumerated() {
            let truth = Set(exact.map(\.row))
            let others = found.map(\.row).filter { !truth.contains($0) }
            hits += found.count - others.count
            guard let worst = exact.last, !others.isEmpty else { continue }
            let ties = try ExactSearch.similarities(
                of: queries.table(rows: [query]), to: gallery.table(rows: others))
            hits += ties.count { $0 >= worst.similarity }
        }
        let possible = max(1, k * queries.count)
        return Recall(k: k, queries: queries.count, value: Double(hits) / Double(possible))
    }
}
