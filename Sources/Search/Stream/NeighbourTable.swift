/// The best rows of a gallery for some queries, best first, in two arrays of equal shape.
public struct NeighbourTable: Hashable, Sendable {
    /// The number of queries.
    public let queries: Int
    /// The number of places for each query.
    public let k: Int
    /// The row in each place, query by query; -1 where there was no more.
    public internal(set) var rows: [Int64]
    /// Its score; minus infinity where there was no more.
    public internal(set) var scores: [Float]

    init(queries: Int, k: Int, rows: [Int64], scores: [Float]) {
        precondition(
            rows.count == queries * k && scores.count == queries * k,
            "\(rows.count) neighbours are not \(k) of \(queries) queries: this is a bug in Retort")
        (self.queries, self.k, self.rows, self.scores) = (queries, k, rows, scores)
    }

    /// Puts lists side by side.
    init(_ lists: [[Neighbour]], k: Int) {
        self.init(
            queries: lists.count, k: k, rows: Array(repeating: -1, count: lists.count * k),
            scores: Array(repeating: -.infinity, count: lists.count * k))
        for (query, list) in lists.enumerated() {
            for (place, neighbour) in list.prefix(k).enumerated() {
                rows[query * k + place] = Int64(neighbour.row)
                scores[query * k + place] = neighbour.similarity
            }
        }
    }

    /// The neighbours of one query, without empty places.
    public subscript(query: Int) -> [Neighbour] {
        (query * k..<(query + 1) * k).prefix { rows[$0] >= 0 }
            .map { Neighbour(row: Int(rows[$0]), similarity: scores[$0]) }
    }

    /// The neighbours of every query.
    public var lists: [[Neighbour]] { (0..<queries).map { self[$0] } }
}
