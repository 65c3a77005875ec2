internal import CFaiss

/// Scores of some queries against a block of rows, one tile of the product at a time.
///
/// The product comes from BLAS and depends, in its last bits, on tile sizes and threads. It only *dismisses* pairs:
/// those that rounding may have kept from a limit are compared again in a fixed order
/// (``similarities(ofQuery:to:at:)``), and only those figures are kept, compared and reported. Results are therefore
/// the same for every block size, thread count and BLAS.
struct ScoreTiles {
    /// The queries whose scores lie in memory together.
    static let queryRows = 256

    let queries: VectorTable
    let dimension: Int
    private let similarity: Similarity
    /// The length of each query; empty for cosines.
    private let lengths: [Double]

    init(queries: VectorTable, similarity: Similarity = .cosine) throws {
        self.queries = queries
        dimension = queries.dimension
        self.similarity = similarity
        lengths =
            similarity == .cosine
            ? []
            : try (0..<queries.count).map {
                try Self.longest(queries.table(rows: [$0]).values, queries.dimension)
            }
    }

    /// Calls `body` for every pair that may reach the query's limit, with its exact similarity, rows ascending.
    ///
    /// With `best`, only the best so many of each query are wanted.
    func scan(
        _ block: UnsafeBufferPointer<Float>, best: Int, limit: (_ query: Int) -> Float,
        _ body: (_ query: Int, _ position: Int, _ similarity: Float) -> Void
    ) throws {
        let longest = similarity == .cosine ? 1 : try Self.longest(block, dimension)
        try score(block) { query, scores in
            let positions = try positions(
                atLeast: limit(query), margin: margin(query, longest), best: best, in: scores)
            let similarities = try similarities(ofQuery: query, to: block, at: positions)
            for (position, similarity) in zip(positions, similarities) {
                body(query, Int(position), similarity)
            }
        }
    }

    /// Calls `body` for each query with its scores against the block.
    private func score(
        _ block: UnsafeBufferPointer<Float>,
        _ body: (_ query: Int, _ scores: UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let columns = block.count / dimension
        try queries.values.withUnsafeBufferPointer { values in
            try withFloats(Swift.min(Self.queryRows, queries.count) * columns) { scores in
                for start in stride(from: 0, to: queries.count, by: Self.queryRows) {
                    let end = Swift.min(start + Self.queryRows, queries.count)
                    let tile = UnsafeBufferPointer(rebasing: values[start * dimension..<end * dimension])
                    try check("inner products") {
                        cf_inner_products(
                            Int64(end - start), Int64(columns), Int64(dimension), tile.baseAddress,
                            block.baseAddress, scores.baseAddress)
                    }
                    for query in start..<end {
                        let row = (query - start) * columns..<(query - start + 1) * columns
                        try body(query, UnsafeBufferPointer(rebasing: scores[row]))
                    }
                }
            }
        }
    }

    /// How far a score may be from the reported inner product: d roundings of at most 2⁻²⁴ of both lengths each, and
    /// one more of the result.
    ///
    /// Infinite where fp32 may overflow.
    private func margin(_ query: Int, _ longest: Double) -> Float {
        let relative = Double(dimension + 8) * 0x1p-24
        guard similarity != .cosine else { return Float(relative) }
        let lengths = lengths[query] * longest
        return lengths < 1e37 ? Float(2 * relative * lengths + Double(dimension) * 0x1p-124) : .infinity
    }

    /// The positions of scores that may stand for a similarity of at least `limit`, ascending.
    private func positions(
        atLeast limit: Float, margin: Float, best: Int, in scores: UnsafeBufferPointer<Float>
    ) throws(FaissError) -> [Int32] {
        guard margin.isFinite else { return Array(0..<Int32(scores.count)) }
        var positions = [Int32](repeating: 0, count: scores.count)
        var found: Int64 = 0
        func find(atLeast limit: Float) throws(FaissError) {
            try check("threshold") {
                cf_at_least(
                    Int64(scores.count), scores.baseAddress, (limit - margin).nextDown, &positions, &found)
            }
        }
        try find(atLeast: limit)
        if found / 2 > best {
            var kth: Float = 0
            try check("threshold") {
                cf_kth_largest(Int64(scores.count), scores.baseAddress, Int64(best), &kth)
            }
            // So many rows are no further below their scores than the margin, and others no further above theirs.
            try find(atLeast: max(limit, (kth - margin).nextDown))
        }
        positions.removeLast(positions.count - Int(found))
        return positions
    }

    /// The exact similarities of one query to the block's rows at `positions`.
    func similarities(
        ofQuery query: Int, to block: UnsafeBufferPointer<Float>, at positions: [Int32]
    ) throws(FaissError) -> [Float] {
        var similarities = [Float](repeating: 0, count: positions.count)
        try check("similarities") {
            queries.values.withUnsafeBufferPointer { values in
                cf_similarities(
                    Int64(dimension), values.baseAddress.map { $0 + query * dimension }, block.baseAddress,
                    Int64(positions.count), positions, similarity == .cosine, &similarities)
            }
        }
        return similarities
    }

    private static func longest(_ rows: [Float], _ dimension: Int) throws -> Double {
        try rows.withUnsafeBufferPointer { try longest($0, dimension) }
    }

    private static func longest(_ rows: UnsafeBufferPointer<Float>, _ dimension: Int) throws -> Double {
        var offending: Int64 = -1
        var length = 0.0
        try check("lengths") {
            cf_longest(
                Int64(rows.count / dimension), Int64(dimension), rows.baseAddress, &offending, &length)
        }
        guard offending < 0 else { throw NotFinite(position: Int(offending)) }
        return length
    }
}
