/// How much an index misses, measured against exact search.
public struct Recall: Codable, Hashable, Sendable {
    /// The number of neighbours asked for.
    public var k: Int
    /// The number of queries.
    public var queries: Int
    /// The share of the true `k` nearest rows that the index returned, averaged over the queries.
    public var value: Double

    /// Measures an index on queries that are not in it.
    public static func measure(
        _ index: VectorIndex, on queries: VectorTable, over gallery: some VectorSource, k: Int = 10
    ) throws -> Recall {
        let k = min(k, gallery.count)
        return try compare(
            queries, gallery, k: k, truth: ExactSearch.topK(k, for: queries, in: gallery),
            found: index.search(unit(queries), k: k))
    }

    /// Measures an index on rows of its own, evenly spaced; finding the row itself does not count.
    public static func measure(
        _ index: VectorIndex, over gallery: some VectorSource, queries wanted: Int = 200, k: Int = 10
    ) throws -> Recall {
        let k = min(k, gallery.count - 1)
        let step = max(1, gallery.count / max(1, wanted))
        let rows = Array(stride(from: 0, to: gallery.count, by: step).prefix(wanted))
        guard k > 0 else { return Recall(k: 0, queries: rows.count, value: 1) }
        let queries = try gallery.table(rows: rows)
        func others(_ lists: [[Neighbour]]) -> [[Neighbour]] {
            zip(rows, lists).map { row, list in Array(list.filter { $0.row != row }.prefix(k)) }
        }
        return try compare(
            queries, gallery, k: k, truth: others(ExactSearch.topK(k + 1, for: queries, in: gallery)),
            found: others(index.search(unit(queries), k: k + 1)))
    }

    /// Measures what an index found for queries with rows as they are, against the largest inner products.
    public static func measure(
        _ found: NeighbourTable, truth: NeighbourTable, queries: VectorTable, gallery: some VectorSource
    ) throws -> Recall {
        var hits = 0
        var wanted = 0
        for query in 0..<truth.queries {
            let best = truth[query]
            wanted += best.count
            guard let last = best.last else { continue }
            let rows = Set(best.map(\.row))
            let others = found[query].map(\.row).filter { !rows.contains($0) }
            hits += found[query].count - others.count
            guard !others.isEmpty else { continue }
            let products = try ScoreTiles(queries: queries.table(rows: [query]), similarity: .innerProduct)
            let table = try gallery.table(rows: others)
            hits += try table.values.withUnsafeBufferPointer { block in
                try products.similarities(ofQuery: 0, to: block, at: Array(0..<Int32(others.count)))
            }.count { $0 >= last.similarity }
        }
        return Recall(k: truth.k, queries: truth.queries, value: Double(hits) / Double(max(1, wanted)))
    }

    /// A row as near as the k-th true neighbour, but for rounding, counts as found: the order of equals is chance.
    private static func compare(
        _ queries: VectorTable, _ gallery: some VectorSource, k: Int, truth: [[Neighbour]],
        found: [[Neighbour]]
    ) throws -> Recall {
        let rounding: Float = 1e-6
        var hits = 0
        for (query, (truth, found)) in zip(truth, found).enumerated() {
            let rows = Set(truth.map(\.row))
            let others = found.map(\.row).filter { !rows.contains($0) }
            hits += found.count - others.count
            guard let last = truth.last, !others.isEmpty else { continue }
            let similarities = try ExactSearch.similarities(
                of: queries.table(rows: [query]), to: gallery.table(rows: others))
            hits += similarities.count { $0 >= last.similarity - rounding }
        }
        return Recall(k: k, queries: queries.count, value: Double(hits) / Double(max(1, k * queries.count)))
    }
}
