/// How far each group of queries has read down the merged lists of its queries' neighbours.
struct GroupCursors {
    struct Candidate {
        var group: Int
        var query: Int
        var neighbour: Neighbour
        /// The place among the eligible neighbours of the group.
        var rank: Int
    }

    private let pool: CandidatePool
    private let groups: [[Int]]
    private var places: [Int]
    private var ranks: [Int]
    private var taken: [Bool]
    /// The images that a group has passed: the lists of its other queries name them, too.
    private var passed: [Set<Int>]
    /// The images of which a group has a part, where the pool holds parts.
    private var used: [Set<Int32>]

    /// Starts with four times as many neighbours as each group will take.
    init(_ groups: [[Int]], of pool: CandidatePool, perGroup: Int) throws {
        self.pool = pool
        self.groups = groups
        places = Array(repeating: 0, count: pool.queries.count)
        ranks = Array(repeating: 0, count: groups.count)
        passed = Array(repeating: [], count: groups.count)
        used = Array(repeating: [], count: groups.count)
        taken = Array(repeating: false, count: pool.gallery.count)
        let smallest = groups.map(\.count).min() ?? 1
        try pool.extend(Array(places.indices), to: max(8, 4 * perGroup / smallest))
    }

    func isTaken(_ row: Int) -> Bool { taken[row] }

    mutating func take(_ row: Int, for group: Int) {
        taken[row] = true
        if let crops = pool.crops { used[group].insert(crops.images[row]) }
    }

    /// The nearest image of a group that is neither taken nor excluded, and no part of one of which the group has
    /// another; nil when there is none.
    mutating func next(of group: Int) throws -> Candidate? {
        while true {
            var best: Candidate?
            for query in groups[group] {
                guard let neighbour = try head(of: query, in: group) else { continue }
                let candidate = Candidate(
                    group: group, query: query, neighbour: neighbour, rank: ranks[group] + 1)
                if best.map({ precedes(candidate, $0) }) ?? true { best = candidate }
            }
            guard let best else { return nil }
            let row = best.neighbour.row
            guard taken[row] || pool.crops.map({ used[group].contains($0.images[row]) }) == true else {
                return best
            }
            places[best.query] += 1
            ranks[group] += 1
            if groups[group].count > 1 { passed[group].insert(best.neighbour.row) }
        }
    }

    private func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
        a.neighbour == b.neighbour
            ? pool.queryOrder[a.query] < pool.queryOrder[b.query]
            : pool.galleryOrder.precedes(a.neighbour, b.neighbour)
    }

    /// The nearest image of a query that is eligible and that its group has not passed.
    private mutating func head(of query: Int, in group: Int) throws -> Neighbour? {
        while true {
            let list = pool.neighbours(of: query)
            while places[query] < list.count {
                let neighbour = list[places[query]]
                if pool.eligible[neighbour.row], !passed[group].contains(neighbour.row) { return neighbour }
                places[query] += 1
            }
            guard !pool.isComplete(query) else { return nil }
            // Queries that have used up half of their lists will follow soon: search for all of them in one pass.
            let short = places.indices.filter { 2 * places[$0] >= list.count && !pool.isComplete($0) }
            try pool.extend(short, to: 2 * max(1, list.count))
        }
    }
}
