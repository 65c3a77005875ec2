import Diagnostics
import Testing

@testable import Search

/// A small random instance with ties, and the plainest versions of the strategies.
private struct Instance {
    let queries: VectorTable
    let gallery: VectorTable
    let queryIDs: [String]
    let galleryIDs: [String]
    let eligible: [Bool]
    let similarity: [[Float]]

    init(_ seed: Int, queries: Int = 7, gallery: Int = 90) {
        var generator = SeededGenerator(UInt64(seed))
        self.queries = randomVectors(queries, using: &generator)
        self.gallery = randomVectors(gallery, using: &generator)
        queryIDs = randomIDs(queries, using: &generator)
        galleryIDs = randomIDs(gallery, using: &generator)
        eligible = (0..<gallery).map { _ in Int.random(in: 0..<5, using: &generator) > 0 }
        similarity = similarities(self.queries, self.gallery)
    }

    /// Three classes of different sizes, and one query without.
    var queryClasses: [String?] { (0..<queries.count).map { $0 == 6 ? nil : ["b", "a", "b", "c"][$0 % 4] } }

    var pool: CandidatePool {
        let pool = CandidatePool(
            queries: queries, queryIDs: queryIDs, gallery: gallery, galleryIDs: galleryIDs, eligible: eligible
        )
        pool.queryClasses = queryClasses
        return pool
    }

    var candidates: [Int] { gallery.values.isEmpty ? [] : eligible.indices.filter { eligible[$0] } }

    /// The same instance with the pool's rows in another order.
    func shuffledPool(_ seed: Int) -> (pool: CandidatePool, ids: [String]) {
        var generator = SeededGenerator(UInt64(seed) + 1000)
        let rows = (0..<gallery.count).shuffled(using: &generator)
        let ids = rows.map { galleryIDs[$0] }
        let pool = CandidatePool(
            queries: queries, queryIDs: queryIDs, gallery: gallery.table(rows: rows), galleryIDs: ids,
            eligible: rows.map { eligible[$0] })
        pool.queryClasses = queryClasses
        return (pool, ids)
    }

    /// Whether pair `a` of a query and a row goes before pair `b`.
    func precedes(_ a: (query: Int, row: Int), _ b: (query: Int, row: Int)) -> Bool {
        let (x, y) = (similarity[a.query][a.row], similarity[b.query][b.row])
        if x != y { return x > y }
        if a.row != b.row { return galleryIDs[a.row] < galleryIDs[b.row] }
        return queryIDs[a.query] < queryIDs[b.query]
    }

    /// The rule to the letter: the best pair of a waiting query and a free row, over and over.
    func queryBalanced(_ count: Int) -> [[Int]] { balanced(count, groups: similarity.indices.map { [$0] }) }

    /// The same for groups of queries, of which any may make the pair.
    func balanced(_ count: Int, groups: [[Int]]) -> [[Int]] {
        var taken: Set<Int> = []
        var result = Array(repeating: [Int](), count: groups.count)
        while taken.count < count {
            var waiting = Set(result.indices)
            while !waiting.isEmpty, taken.count < count {
                let pairs = waiting.flatMap { group in
                    groups[group].flatMap { query in
                        candidates.filter { !taken.contains($0) }.map { (query: query, row: $0) }
                    }
                }
                guard let best = pairs.min(by: precedes),
                    let group = groups.firstIndex(where: { $0.contains(best.query) })
                else { return result }
                result[group].append(best.row)
                taken.insert(best.row)
                waiting.remove(group)
            }
        }
        return result
    }

    func bestMatch(_ count: Int) -> [(query: Int, row: Int)] {
        let best = candidates.compactMap { row in
            similarity.indices.map { (query: $0, row: row) }.min(by: precedes)
        }
        return Array(best.sorted(by: precedes).prefix(count))
    }
}

@Suite struct StrategyTests {
    @Test(arguments: 0..<40) func `query-balanced agrees with the rule carried out by hand`(_ seed: Int)
        throws
    {
        let instance = Instance(seed)
        // Every size: whole rounds, a rest, fewer than the queries, and the whole pool.
        let count = [7, 21, 35, 10, 3, instance.candidates.count][seed % 6]
        let result = try QueryBalanced().select(count, from: instance.pool)
        let chosen = (0..<7).map { query in
            result.selections.filter { $0.queryRow == query }.map(\.galleryRow)
        }
        #expect(chosen == instance.queryBalanced(count))
        #expect(result.notes.isEmpty == count.isMultiple(of: 7))
    }

    @Test(arguments: 0..<20) func `query-balanced gives each query as many, and shares none`(_ seed: Int)
        throws
    {
        let instance = Instance(seed, queries: 9, gallery: 120)
        let selections = try QueryBalanced().select(45, from: instance.pool).selections
        #expect(Set(selections.map(\.galleryRow)).count == 45)
        #expect(selections.allSatisfy { instance.eligible[$0.galleryRow] })
        for query in 0..<9 { #expect(selections.count { $0.queryRow == query } == 5) }
        for selection in selections {
            let query = try #require(selection.queryRow)
            let similarity = try #require(selection.similarity)
            #expect(abs(similarity - instance.similarity[query][selection.galleryRow]) < 1e-6)
            let better = instance.candidates.filter {
                instance.precedes((query, $0), (query, selection.galleryRow))
            }
            #expect(selection.rank == better.count + 1)
        }
    }

    @Test(arguments: 0..<40) func `class-balanced agrees with the rule carried out by hand`(_ seed: Int)
        throws
    {
        let instance = Instance(seed)
        let count = [8, 24, 31, 3, instance.candidates.count][seed % 5]
        let result = try ClassBalanced().select(count, from: instance.pool)
        // Without a class, then a, b, c.
        let groups = [[6], [1, 5], [0, 2, 4], [3]]
        let chosen = groups.map { group in
            result.selections.filter { group.contains($0.queryRow ?? -1) }.map(\.galleryRow)
        }
        #expect(chosen == instance.balanced(count, groups: groups))
        for selection in result.selections {
            let query = try #require(selection.queryRow)
            let group = try #require(groups.first { $0.contains(query) })
            let better = instance.candidates.filter { row in
                group.contains { instance.precedes(($0, row), (query, selection.galleryRow)) }
            }
            #expect(selection.rank == Set(better).subtracting([selection.galleryRow]).count + 1)
        }
    }

    @Test func `class-balanced needs classes`() throws {
        let pool = Instance(1).pool
        pool.queryClasses = Array(repeating: nil, count: 7)
        let error = try #require(throws: Diagnostic.self) { try ClassBalanced().select(4, from: pool) }
        #expect(error.message == "strategy 'class-balanced' needs queries with classes")
    }

    @Test(arguments: 0..<20) func `cluster-balanced takes the best of each cluster, round by round`(
        _ seed: Int
    ) throws {
        let instance = Instance(seed, gallery: 150)
        let pool = instance.pool
        let count = [12, 17, 30][seed % 3]
        let result = try ClusterBalanced(clusters: 5, seed: 1).select(count, from: pool)
        // The reference: the same centres; everything else by the plainest code.
        let centres = pool.clusters { _ in
            Issue.record("the centres were not kept")
            return instance.gallery
        }
        let best = instance.bestMatch(4 * count).map(\.row)
        let toCentres = similarities(instance.gallery, centres)
        let cluster = { (row: Int) in
            toCentres[row].indices.max { (toCentres[row][$0], -$0) < (toCentres[row][$1], -$1) } ?? 0
        }
        var left = best
        var expected: Set<Int> = []
        while expected.count < count {
            var served: Set<Int> = []
            for row in left where expected.count < count && !served.contains(cluster(row)) {
                served.insert(cluster(row))
                expected.insert(row)
            }
            left.removeAll(where: expected.contains)
        }
        #expect(Set(result.selections.map(\.galleryRow)) == expected)
        #expect(result.selections.count == count)
        let bestOf = instance.bestMatch(4 * count)
        for selection in result.selections {
            #expect(bestOf.contains { $0.row == selection.galleryRow && $0.query == selection.queryRow })
        }
    }

    @Test(arguments: 0..<20) func `best-match agrees with a full sort`(_ seed: Int) throws {
        let instance = Instance(seed)
        let result = try BestMatch().select(25, from: instance.pool)
        let expected = instance.bestMatch(25)
        #expect(result.selections.map(\.galleryRow) == expected.map(\.row))
        #expect(result.selections.map(\.queryRow) == expected.map(\.query))
        #expect(result.selections.map(\.rank) == Array(1...25))
    }

    @Test func `random draws every image equally often`() throws {
        let instance = Instance(1, gallery: 40)
        let candidates = instance.candidates
        let pool = instance.pool
        var counts = [Int](repeating: 0, count: 40)
        for seed in 0..<2000 {
            let drawn = try RandomSelection(seed: UInt64(seed)).select(10, from: pool).selections
            #expect(drawn.count == 10)
            for selection in drawn { counts[selection.galleryRow] += 1 }
        }
        let expected = Double(2000 * 10) / Double(candidates.count)
        let chiSquare = candidates.reduce(0.0) {
            $0 + (Double(counts[$1]) - expected) * (Double(counts[$1]) - expected) / expected
        }
        // The 99.9 % point for about 31 degrees of freedom is 61.
        #expect(chiSquare < 61)
        #expect(counts.indices.allSatisfy { instance.eligible[$0] || counts[$0] == 0 })
    }

    @Test func `a larger random sample contains the smaller one, and another seed draws another`() throws {
        let pool = Instance(2).pool
        let small = try RandomSelection(seed: 4).select(10, from: pool).selections.map(\.galleryRow)
        let large = try RandomSelection(seed: 4).select(30, from: pool).selections.map(\.galleryRow)
        let other = try RandomSelection(seed: 5).select(10, from: pool).selections.map(\.galleryRow)
        #expect(Array(large.prefix(10)) == small)
        #expect(other != small)
    }

    @Test func `random knows the nearest query, and does without queries`() throws {
        let instance = Instance(3)
        let with = try RandomSelection().select(5, from: instance.pool).selections
        for selection in with {
            let best = (0..<7).map { (query: $0, row: selection.galleryRow) }.min(by: instance.precedes)
            #expect(selection.queryRow == best?.query)
        }
        let bare = CandidatePool(
            queries: VectorTable([], dimension: 8), queryIDs: [], gallery: instance.gallery,
            galleryIDs: instance.galleryIDs, eligible: instance.eligible)
        let without = try RandomSelection().select(5, from: bare).selections
        #expect(without.map(\.galleryRow) == with.map(\.galleryRow))
        #expect(without.allSatisfy { $0.queryRow == nil && $0.similarity == nil })
    }

    @Test(arguments: 0..<10) func `no strategy depends on the order of the pool`(_ seed: Int) throws {
        let instance = Instance(seed)
        let shuffled = instance.shuffledPool(seed)
        let strategies: [any CurationStrategy] = [
            QueryBalanced(), ClassBalanced(), ClusterBalanced(clusters: 6), BestMatch(),
            RandomSelection(seed: 9),
        ]
        for strategy in strategies {
            func describe(_ pool: CandidatePool, _ ids: [String]) throws -> [Selection] {
                try strategy.select(24, from: pool).selections.map { selection in
                    var selection = selection
                    selection.reason += " \(ids[selection.galleryRow])"
                    selection.galleryRow = 0
                    return selection
                }
            }
            #expect(
                try describe(instance.pool, instance.galleryIDs) == describe(shuffled.pool, shuffled.ids))
        }
    }

    @Test func `excluding after the lists were made gives what excluding before gives`() throws {
        for seed in 0..<10 {
            let instance = Instance(seed)
            let gone = Array(instance.candidates.filter { $0 % 3 == 0 })
            let late = instance.pool
            _ = try QueryBalanced().select(21, from: late)
            late.exclude(gone)
            let early = instance.pool
            early.exclude(gone)
            #expect(early.eligibleCount == early.eligible.count { $0 })
            #expect(
                try QueryBalanced().select(21, from: late) == QueryBalanced().select(21, from: early))
        }
    }

    @Test func `more images than there are is a budget that cannot be met`() throws {
        let instance = Instance(4)
        let strategies: [any CurationStrategy] = [
            QueryBalanced(), ClassBalanced(), ClusterBalanced(), BestMatch(), RandomSelection(),
        ]
        for strategy in strategies {
            let error = try #require(throws: Diagnostic.self) {
                try strategy.select(instance.candidates.count + 1, from: instance.pool)
            }
            let (count, all) = (instance.candidates.count, instance.gallery.count)
            #expect(
                error.description == """
                    error: \(count + 1) images are asked for, but only \(count) of \(all) may be chosen
                      hint: ask for fewer, or add images to the pool
                    """)
        }
    }

    @Test func `a strategy that compares needs something to compare with`() throws {
        let pool = CandidatePool(
            queries: VectorTable([], dimension: 2), queryIDs: [], gallery: VectorTable([1, 0], dimension: 2),
            galleryIDs: ["a"])
        let error = try #require(throws: Diagnostic.self) { try BestMatch().select(1, from: pool) }
        #expect(error.message == "strategy 'best-match' needs at least one query")
    }

    @Test func `a size that is no multiple says how the rest was given out`() throws {
        let result = try QueryBalanced().select(17, from: Instance(5).pool)
        #expect(
            result.notes == [
                "17 is not a multiple of 7 queries: each has 2, and the 3 most similar of the next round one more"
            ])
    }
}
