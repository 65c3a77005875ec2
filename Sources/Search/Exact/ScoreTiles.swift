internal import CFaiss

/// Scores of some queries against a block of rows, one tile of the product at a time.
///
/// The product comes from BLAS and depends, in its last bits, on tile sizes and threads. It only *dismisses* pairs:
/// those within ``margin`` of a limit are compared again in a fixed order (``similarities(ofQuery:at:)``), and only
/// those figures are kept, compared and reported. Results are therefore the same for every block size, thread count
/// and BLAS.
struct ScoreTiles {
    /// The queries whose scores lie in memory together.
    static let queryRows = 256

    let queries: VectorTable
    let dimension: Int
    /// How far a score may be from the true inner product of two unit vectors: d roundings of at most 2⁻²⁴ each.
    let margin: Float

    init(queries: VectorTable) {
        self.queries = queries
        dimension = queries.dimension
        margin = Float(dimension + 8) * 0x1p-24
    }

    /// Calls `body` for each query with its scores against the block.
    func score(
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

    /// The positions of scores that may stand for a similarity of at least `limit`, ascending.
    ///
    /// With `best`, only the best so many are wanted, and a tighter limit may be taken from the scores themselves.
    func positions(
        atLeast limit: Float, best: Int = .max, in scores: UnsafeBufferPointer<Float>
    ) throws(FaissError) -> [Int32] {
        var positions = [Int32](repeating: 0, count: scores.count)
        var found: Int64 = 0
        func find(atLeast limit: Float) throws(FaissError) {
            try check("threshold") {
                cf_at_least(Int64(scores.count), scores.baseAddress, limit - margin, &positions, &found)
            }
        }
        try find(atLeast: limit)
        if found / 2 > best {
            var kth: Float = 0
            try check("threshold") {
                cf_kth_largest(Int64(scores.count), scores.baseAddress, Int64(best), &kth)
            }
            try find(atLeast: max(limit, kth - margin))
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
                    Int64(positions.count), positions, &similarities)
            }
        }
        return similarities
    }
}
