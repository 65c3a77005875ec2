internal import Diagnostics

/// The same number of images for every query, none of them shared.
///
/// The rule of Vemulapalli and others (2023), as far as their paper tells it. Queries take images in rounds, one each.
/// Within a round the most similar pair of a waiting query and a free image goes first; equal similarities go by the image's id, then the query's. A size that is no multiple of the
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
        return try BalancedRounds(
            groups: pool.queryIDs.indices.map { [$0] }, noun: ("query", "queries")
        ).select(count, from: pool)
    }
}

/// The same number of images for every class of queries, none of them shared.
///
/// A class takes images as a query does in ``QueryBalanced``; its similarity to an image is that of its most similar
/// query. Queries without a class are a class of their own. A selection's rank is the image's place among the eligible
/// neighbours of its class.
public struct ClassBalanced: CurationStrategy {
    /// The word for it in a pipeline file.
    public static let name = "class-balanced"

    /// Creates the strategy.
    public init() {}

    /// Chooses `count` different eligible images.
    public func select(_ count: Int, from pool: CandidatePool) throws -> StrategyResult {
        try pool.checkQueries(for: Self.name)
        guard pool.queryClasses.contains(where: { $0 != nil }) else {
            throw Diagnostic(
                "strategy '\(Self.name)' needs queries with classes",
                hint: "take labelled queries, or strategy: query-balanced")
        }
        let groups = Dictionary(grouping: pool.queryIDs.indices) { pool.queryClasses[$0] }
            .sorted { ($0.key ?? "", $0.value[0]) < ($1.key ?? "", $1.value[0]) }.map(\.value)
        return try BalancedRounds(groups: groups, noun: ("class", "classes")).select(count, from: pool)
    }
}

/// Groups of queries that take images in rounds, one each, the most similar pair first.
struct BalancedRounds {
    /// The queries of each group; a group's similarity to an image is that of its most similar query.
    let groups: [[Int]]
    /// What a group is called, one and several.
    let noun: (one: String, several: String)

    func select(_ count: Int, from pool: CandidatePool) throws -> StrategyResult {
        try pool.checkBudget(count)
        var cursors = try GroupCursors(
            groups, of: pool, perGroup: (count + groups.count - 1) / groups.count)
        var taken: [(group: Int, selection: Selection)] = []
        taken.reserveCapacity(count)
        var round = 0
        while taken.count < count {
            let before = taken.count
            round += 1
            var waiting = try PriorityQueue(groups.indices.compactMap { try cursors.next(of: $0) }) { a, b in
                a.neighbour == b.neighbour
                    ? pool.queryOrder[a.query] < pool.queryOrder[b.query]
                    : pool.galleryOrder.precedes(a.neighbour, b.neighbour)
            }
            while taken.count < count, let best = waiting.pop() {
                guard !cursors.isTaken(best.neighbour.row) else {
                    if let next = try cursors.next(of: best.group) { waiting.push(next) }
                    continue
                }
                cursors.take(best.neighbour.row, for: best.group)
                let selection = Selection(
                    galleryRow: best.neighbour.row, queryRow: best.query, rank: best.rank,
                    similarity: best.neighbour.similarity,
                    reason: "neighbour \(best.rank) of its \(noun.one), taken in round \(round)")
                taken.append((best.group, selection))
            }
            guard taken.count > before else { throw pool.shortage(count, taken.count) }
        }
        // Within a group the ranks ascend with the rounds, so this order is total.
        taken.sort { ($0.group, $0.selection.rank) < ($1.group, $1.selection.rank) }
        return StrategyResult(taken.map(\.selection), notes: notes(count))
    }

    private func notes(_ count: Int) -> [String] {
        let (each, more) = count.quotientAndRemainder(dividingBy: groups.count)
        guard more > 0 else { return [] }
        return [
            "\(count) is not a multiple of \(groups.count) \(noun.several): each has \(each), and the \(more) most "
                + "similar of the next round one more"
        ]
    }
}
