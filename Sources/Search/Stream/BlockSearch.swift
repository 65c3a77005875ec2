internal import CFaiss
internal import CKernels
internal import Tensors

/// What the inner products of vectors are.
enum Similarity: Sendable {
    /// Cosines, between -1 and 1: the vectors have unit length.
    case cosine
    /// Inner products of vectors as they are.
    case innerProduct
}

/// The numbers that the rows of a block have in the gallery.
struct BlockRows: Sendable {
    let count: Int
    let first: Int
    let numbers: [Int64]?
    /// Where the next block begins.
    let end: Int

    /// Consecutive rows.
    init(_ rows: Range<Int>) {
        (count, first, numbers, end) = (rows.count, rows.lowerBound, nil, rows.upperBound)
    }

    /// Some of the rows before `end`, with numbers of their own.
    init(numbers: [Int64], end: Int) {
        (count, first, self.numbers, self.end) = (numbers.count, 0, numbers, end)
    }

    subscript(position: Int) -> Int { numbers.map { Int($0[position]) } ?? first + position }
}

/// A row of a block with a number that is infinite or none.
struct NotFinite: Error {
    let position: Int
}

/// Compares some queries with a gallery that comes block by block.
///
/// Where the processor has AVX-512 with BF16, products of numbers rounded to bf16 dismiss almost every pair, and the
/// rest is compared in double (`ck_search_block`, which keeps the best rows as well). Elsewhere the products are fp32
/// ones of the BLAS (``ScoreTiles``). Both dismiss only what rounding cannot excuse, so their results are the same to
/// the bit. Matrix tiles (AMX) are not used: there is no machine here to test them on.
final class BlockSearch {
    /// Whether the kernels are used; without them, the BLAS is.
    static var hasKernel: Bool { ck_available() }

    private enum Engine {
        case kernel(OpaquePointer)
        case tiles(ScoreTiles)
    }

    private let engine: Engine
    private let queries: Int
    private let dimension: Int
    private let best: Int
    private let order: TieOrder
    private let similarity: Similarity
    private var lists: [BestNeighbours] = []

    /// Starts a search for the `best` rows of each query; with 0, for what ``scan(_:limits:_:)`` asks for.
    init(
        _ queries: VectorTable, best: Int, order: TieOrder = .byRow, similarity: Similarity,
        usingKernel: Bool = hasKernel
    ) throws {
        self.queries = queries.count
        dimension = queries.dimension
        self.best = best
        self.order = order
        self.similarity = similarity
        guard usingKernel else {
            engine = .tiles(try ScoreTiles(queries: queries, similarity: similarity))
            if best > 0 {
                lists = Array(repeating: BestNeighbours(capacity: best, order: order), count: queries.count)
            }
            return
        }
        let made = ck_search_make(
            Int64(queries.count), Int64(queries.dimension), queries.values, Int64(best), Int32(Torch.threads))
        guard let made else { throw BlockSearch.noMemory }
        engine = .kernel(made)
    }

    deinit {
        if case .kernel(let search) = engine { ck_search_free(search) }
    }

    /// Compares a block, and keeps what is among the best.
    func add(_ block: UnsafeBufferPointer<Float>, rows: BlockRows) throws {
        switch engine {
        case .kernel(let search): try compare(search, block, rows, limits: nil)
        case .tiles(let tiles):
            try tiles.scan(block, best: best, limit: { lists[$0].threshold }) { query, position, score in
                lists[query].offer(Neighbour(row: rows[position], similarity: score))
            }
        }
    }

    /// Calls `body` for every query and every row of a block that reach the query's limit, rows ascending.
    func scan(
        _ block: UnsafeBufferPointer<Float>, limits: [Float],
        _ body: (_ query: Int, _ position: Int, _ score: Float) -> Void
    ) throws {
        switch engine {
        case .tiles(let tiles):
            try tiles.scan(block, best: .max, limit: { limits[$0] }) { query, position, score in
                if score >= limits[query] { body(query, position, score) }
            }
        case .kernel(let search):
            try compare(search, block, BlockRows(0..<block.count / dimension), limits: limits)
            let found = ck_search_found(search)
            for query in 0..<queries {
                for place in Int(found.starts[query])..<Int(found.starts[query + 1])
                where found.scores[place] >= limits[query] {
                    body(query, Int(found.rows[place]), found.scores[place])
                }
            }
        }
    }

    /// Adds a row that was compared elsewhere.
    func offer(_ neighbour: Neighbour, to query: Int) {
        switch engine {
        case .tiles: lists[query].offer(neighbour)
        case .kernel(let search):
            order.withPositions { positions in
                ck_search_order(search, positions)
                ck_search_offer(search, Int64(query), Int64(neighbour.row), neighbour.similarity)
            }
        }
    }

    /// The best rows so far, best first.
    func result() -> NeighbourTable {
        var rows = [Int64](repeating: -1, count: queries * best)
        var scores = [Float](repeating: -.infinity, count: queries * best)
        switch engine {
        case .tiles:
            for query in lists.indices {
                for (place, neighbour) in lists[query].cut().enumerated() {
                    rows[query * best + place] = Int64(neighbour.row)
                    scores[query * best + place] = neighbour.similarity
                }
            }
        case .kernel(let search):
            order.withPositions { positions in
                ck_search_order(search, positions)
                ck_search_best(search, &rows, &scores)
            }
        }
        return NeighbourTable(queries: queries, k: best, rows: rows, scores: scores)
    }

    private func compare(
        _ search: OpaquePointer, _ values: UnsafeBufferPointer<Float>, _ rows: BlockRows, limits: [Float]?
    ) throws {
        var offending: Int64 = -1
        func run(_ numbers: UnsafePointer<Int64>?) -> CKSearchStatus {
            var block = CKSearchBlock(
                count: Int64(rows.count), rows: values.baseAddress, first: Int64(rows.first),
                numbers: numbers, clamped: similarity == .cosine)
            return order.withPositions { positions in
                ck_search_order(search, positions)
                return ck_search_block(search, &block, limits, &offending)
            }
        }
        let status = rows.numbers.map { $0.withUnsafeBufferPointer { run($0.baseAddress) } } ?? run(nil)
        switch status {
        case CK_SEARCH_OK: return
        case CK_SEARCH_NOT_FINITE: throw NotFinite(position: Int(offending))
        default: throw BlockSearch.noMemory
        }
    }

    private static var noMemory: FaissError {
        FaissError(code: .outOfMemory, operation: "exact search", message: "out of memory")
    }
}
