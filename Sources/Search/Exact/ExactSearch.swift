internal import Diagnostics

/// Exact search by streamed inner products.
///
/// The gallery is read once, block by block; memory is O(queries · k + one block). All vectors are scaled to unit
/// length first. Results are exact for the stored vectors and deterministic: see `BlockSearch`.
public enum ExactSearch {
    /// The `k` most similar eligible rows of the gallery for each query, best first.
    ///
    /// Between equal similarities the first in `order` wins. With a `checkpoint`, a search that was stopped goes on.
    public static func topK(
        _ k: Int, for queries: VectorTable, in gallery: some VectorSource, eligible: [Bool]? = nil,
        order: TieOrder = .byRow, checkpoint: SearchCheckpoint? = nil
    ) throws -> [[Neighbour]] {
        guard k > 0, queries.count > 0 else { return Array(repeating: [], count: queries.count) }
        try checkDimensions(queries, gallery)
        let best = min(k, max(1, gallery.count))
        let search = try BlockSearch(unit(queries), best: best, order: order, similarity: .cosine)
        let place = checkpoint?.begin(
            "best \(best)", queries, RowsHash(gallery, eligible: eligible, order: order))
        var done = 0
        if let kept = place?.best(queries: queries.count, k: best) {
            for query in 0..<queries.count {
                for neighbour in kept.table[query] { search.offer(neighbour, to: query) }
            }
            done = kept.rows
        }
        let wasDone = done
        try gallery.forEachUnitBlock(from: done, eligible: eligible) { rows, block in
            if rows.count > 0 { try search.add(block, rows: rows) }
            done = rows.end
            try checkpoint?.passed(Double(done) / Double(gallery.count)) {
                try place?.keep(search.result(), rows: done)
            }
        }
        if done > wasDone { try checkpoint?.finish { try place?.keep(search.result(), rows: done) } }
        return search.result().lists
    }

    /// For each row of a large source, its most similar among a few others.
    ///
    /// Between equal similarities the first in `order`, an order of the others, wins. Empty without others. With a
    /// `checkpoint`, a search that was stopped goes on.
    public static func nearest(
        to rows: some VectorSource, among others: VectorTable, order: TieOrder = .byRow,
        checkpoint: SearchCheckpoint? = nil
    ) throws -> [Neighbour] {
        guard others.count > 0 else { return [] }
        try checkDimensions(rows, others)
        let place = checkpoint?.begin("nearest", others, RowsHash(rows, order: order))
        let others = try unit(others)
        var nearest = place?.answers(of: rows.count) ?? []
        nearest.reserveCapacity(rows.count)
        var kept = nearest.count
        func keep() throws {
            try place?.keep(nearest[kept...])
            kept = nearest.count
        }
        try rows.forEachUnitBlock(from: kept) { _, block in
            let table = VectorTable(Array(block), dimension: rows.dimension, name: rows.name)
            let search = try BlockSearch(table, best: 1, order: order, similarity: .cosine)
            try others.values.withUnsafeBufferPointer {
                try search.add($0, rows: BlockRows(0..<others.count))
            }
            let found = search.result()
            for row in 0..<found.queries {
                nearest.append(Neighbour(row: Int(found.rows[row]), similarity: found.scores[row]))
            }
            try checkpoint?.passed(Double(nearest.count) / Double(rows.count), keep: keep)
        }
        try checkpoint?.finish(keep: keep)
        return nearest
    }

    /// The gallery rows with a similarity of at least `threshold` to each query, by row.
    public static func neighbours(
        atLeast threshold: Float, of queries: VectorTable, in gallery: some VectorSource,
        eligible: [Bool]? = nil
    ) throws -> [[Neighbour]] {
        var found = [[Neighbour]](repeating: [], count: queries.count)
        let limits = Array(repeating: threshold, count: queries.count)
        try scan(queries, gallery, eligible, limits: limits) { query, neighbour in
            found[query].append(neighbour)
        }
        return found
    }

    /// The place of given neighbours among the eligible rows of the gallery, for each query; the nearest is 1.
    ///
    /// Every list must be sorted, best first. Of a `checkpoint`, this search only says how far it is.
    public static func ranks(
        of neighbours: [[Neighbour]], for queries: VectorTable, in gallery: some VectorSource,
        eligible: [Bool]? = nil, order: TieOrder = .byRow, checkpoint: SearchCheckpoint? = nil
    ) throws -> [[Int]] {
        var before = neighbours.map { Array(repeating: 0, count: $0.count) }
        let limits = neighbours.map { $0.last?.similarity ?? .infinity }
        try scan(queries, gallery, eligible, limits: limits, checkpoint) { query, neighbour in
            let place = neighbours[query].partitioningIndex { order.precedes(neighbour, $0) }
            if place < before[query].count { before[query][place] += 1 }
        }
        return before.map { counts in
            var total = 0
            return counts.map {
                total += $0
                return total + 1
            }
        }
    }

    /// The similarity of one query to each row of a table.
    public static func similarities(of query: VectorTable, to rows: VectorTable) throws -> [Float] {
        try checkDimensions(query, rows)
        let tiles = try ScoreTiles(queries: unit(query))
        let rows = try unit(rows)
        return try rows.values.withUnsafeBufferPointer { block in
            try tiles.similarities(ofQuery: 0, to: block, at: Array(0..<Int32(rows.count)))
        }
    }

    /// Offers every pair that reaches the query's limit, with its exact similarity, rows ascending.
    private static func scan(
        _ queries: VectorTable, _ gallery: some VectorSource, _ eligible: [Bool]?, limits: [Float],
        _ checkpoint: SearchCheckpoint? = nil, offer: (_ query: Int, Neighbour) -> Void
    ) throws {
        guard queries.count > 0 else { return }
        try checkDimensions(queries, gallery)
        let search = try BlockSearch(unit(queries), best: 0, similarity: .cosine)
        try gallery.forEachUnitBlock(eligible: eligible) { rows, block in
            if rows.count > 0 {
                try search.scan(block, limits: limits) { query, position, similarity in
                    offer(query, Neighbour(row: rows[position], similarity: similarity))
                }
            }
            try checkpoint?.passed(Double(rows.end) / Double(gallery.count))
        }
    }

    static func checkDimensions(_ a: some VectorSource, _ b: some VectorSource) throws(Diagnostic) {
        guard a.dimension != b.dimension, a.count > 0, b.count > 0 else { return }
        throw Diagnostic(
            "\(a.name) has \(a.dimension) values a row, but \(b.name) has \(b.dimension)",
            hint: "embed both with the same checkpoint", exitCode: .badData)
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first position whose element satisfies a predicate that, once true, stays true.
    func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
