/// The same number of images for every query, none of them shared (METHOD 1.2).
///
/// Queries take images in rounds, one each. Within a round the most similar pair of a waiting query and a free
/// image goes first; equal similarities go by the image's id, then the query's. A size that is no multiple of the
/// number of queries ends with a round in which only the most similar pairs are served.
///
/// A selection's rank is the image's place among the eligible neighbours of its query.
public struct QueryBalanced: CurationStrategy {
    /// The word for it in a pipeline file.
    public static let name = "query-balanced"

    /// Creates the strategy.
    public init() {}

    /// Chooses `count` different eligible images.
    public func select(_ count: Int, from pool: CandidatePool) throws -> StrategyResult {
        try pool.checkQueries(for: Self.name)
        try pool.checkBudget(count)
        let queries = pool.queries.count
        var cursors = try Cursors(pool: pool, perQuery: (count + queries - 1) / queries)
        var selections: [Selection] = []
        selections.reserveCapacity(count)
        var round = 0
        while selections.count < count {
            round += 1
            var waiting = try PriorityQueue((0..<queries).compactMap { try cursors.next(of: $0) }) { a, b in
                a.neighbour == b.neighbour
                    ? pool.queryOrder[a.query] < pool.queryOrder[b.query]
                    : pool.galleryOrder.precedes(a.neighbour, b.neighbour)
            }
            while selections.count < count, let best = waiting.pop() {
                guard !cursors.isTaken(best.neighbour.row) else {
                    if let next = try cursors.next(of: best.query) { waiting.push(next) }
                    continue
                }
                cursors.take(best.neighbour.row)
                selections.append(
                    Selection(
                        galleryRow: best.neighbour.row, queryRow: best.query, rank: best.rank,
                        similarity: best.neighbour.similarity,
                        reason: "neighbour \(best.rank) of its query, taken in round \(round)"))
            }
        }
        // Within a query the ranks ascend with the rounds, so this order is total.
        selections.sort { ($0.queryRow ?? 0, $0.rank) < ($1.queryRow ?? 0, $1.rank) }
        return StrategyResult(selections, notes: notes(count, queries))
    }

    private func notes(_ count: Int, _ queries: Int) -> [String] {
        let (each, more) = count.quotientAndRemainder(dividingBy: queries)
        guard more > 0 else { return [] }
        return [
            "\(count) is not a multiple of \(queries) queries: each has \(each), and the \(more) most similar of the "
                + "next round one more"
        ]
    }
}

/// How far each query has read down its list of neighbours.
private struct Cursors {
    struct Candidate {
        var query: Int
        var neighbour: Neighbour
        var rank: Int
    }

    private let pool: CandidatePool
    private var places: [Int]
    private var ranks: [Int]
    private var taken: [Bool]

    /// Starts with four times as many neighbours as each query will take.
    init(pool: CandidatePool, perQuery: Int) throws {
        self.pool = pool
        places = Array(repeating: 0, count: pool.queries.count)
        ranks = places
        taken = Array(repeating: false, count: pool.gallery.count)
        try pool.extend(Array(places.indices), to: 4 * perQuery)
    }

    func isTaken(_ row: Int) -> Bool { taken[row] }

    mutating func take(_ row: Int) { taken[row] = true }

    /// The nearest image of a query that is neither taken nor excluded; nil when there is none.
    mutating func next(of query: Int) throws -> Candidate? {
        while true {
            let list = pool.neighbours(of: query)
            while places[query] < list.count {
                let neighbour = list[places[query]]
                guard pool.eligible[neighbour.row] else {
                    places[query] += 1
                    continue
                }
                if !taken[neighbour.row] {
                    return Candidate(query: query, neighbour: neighbour, rank: ranks[query] + 1)
                }
                places[query] += 1
                ranks[query] += 1
            }
            guard !pool.isComplete(query) else { return nil }
            // Queries that have used up half of their lists will follow soon: search for all of them in one pass.
            let short = places.indices.filter { 2 * places[$0] >= list.count && !pool.isComplete($0) }
            try pool.extend(short, to: 2 * max(1, list.count))
        }
    }
}
