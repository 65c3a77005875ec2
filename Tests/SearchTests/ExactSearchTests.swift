import Diagnostics
import Testing

@testable import Search

@Suite struct ExactSearchTests {
    @Test(arguments: 0..<12) func `the top k are those of a full sort`(_ seed: Int) throws {
        var generator = SeededGenerator(UInt64(seed))
        let gallery = randomVectors(150, using: &generator)
        let queries = randomVectors(7, using: &generator)
        let order = TieOrder(ids: randomIDs(150, using: &generator))
        let eligible = (0..<150).map { _ in Int.random(in: 0..<3, using: &generator) > 0 }
        let k = [1, 2, 10, 60, 150, 500][seed % 6]
        let found = try ExactSearch.topK(k, for: queries, in: gallery, eligible: eligible, order: order)
        for (query, row) in similarities(queries, gallery).enumerated() {
            let expected = row.indices.filter { eligible[$0] }.map { Neighbour(row: $0, similarity: row[$0]) }
                .sorted(by: order.precedes).prefix(k)
            #expect(found[query].map(\.row) == expected.map(\.row))
            for (a, b) in zip(found[query], expected) { #expect(abs(a.similarity - b.similarity) < 1e-6) }
        }
    }

    @Test func `a gallery of many blocks gives what one block gives`() throws {
        var generator = SeededGenerator(5)
        let gallery = randomVectors(2 * blockRows + 100, dimension: 4, using: &generator)
        let queries = randomVectors(ScoreTiles.queryRows + 3, dimension: 4, using: &generator)
        let found = try ExactSearch.topK(
            3, for: queries, in: CountingSource(base: gallery, limit: blockRows))
        let nearest = try ExactSearch.nearest(
            to: queries, among: gallery)
        #expect(found.map(\.first) == nearest)
        let expected = similarities(queries.table(rows: [0]), gallery)[0]
        #expect(abs((found[0].first?.similarity ?? 0) - (expected.max() ?? 0)) < 1e-6)
    }

    @Test func `results do not depend on the order in which rows are stored`() throws {
        var generator = SeededGenerator(6)
        let gallery = randomVectors(300, dimension: 33, using: &generator)
        let queries = randomVectors(5, dimension: 33, using: &generator)
        let ids = randomIDs(300, using: &generator)
        let shuffled = (0..<300).shuffled(using: &generator)
        let a = try ExactSearch.topK(40, for: queries, in: gallery, order: TieOrder(ids: ids))
        let b = try ExactSearch.topK(
            40, for: queries, in: gallery.table(rows: shuffled),
            order: TieOrder(ids: shuffled.map { ids[$0] }))
        #expect(a.map { $0.map { ids[$0.row] } } == b.map { $0.map { ids[shuffled[$0.row]] } })
        #expect(a.map { $0.map(\.similarity) } == b.map { $0.map(\.similarity) })
    }

    @Test func `the nearest among others is the first of equals`() throws {
        var generator = SeededGenerator(7)
        let others = randomVectors(40, using: &generator)
        let rows = randomVectors(90, using: &generator)
        let order = TieOrder(ids: randomIDs(40, using: &generator))
        let nearest = try ExactSearch.nearest(to: rows, among: others, order: order)
        for (row, similarities) in similarities(rows, others).enumerated() {
            let expected = similarities.indices.map { Neighbour(row: $0, similarity: similarities[$0]) }
                .min(by: order.precedes)
            #expect(nearest[row].row == expected?.row)
        }
    }

    @Test func `everything above a threshold is found`() throws {
        var generator = SeededGenerator(8)
        let gallery = randomVectors(200, using: &generator)
        let queries = gallery.table(rows: 0..<20)
        let found = try ExactSearch.neighbours(atLeast: 0.7, of: queries, in: gallery)
        for (query, row) in similarities(queries, gallery).enumerated() {
            #expect(found[query].map(\.row) == row.indices.filter { row[$0] >= 0.7 })
        }
    }

    @Test func `ranks count the better rows`() throws {
        var generator = SeededGenerator(9)
        let gallery = randomVectors(120, using: &generator)
        let queries = randomVectors(4, using: &generator)
        let eligible = (0..<120).map { _ in Bool.random(using: &generator) }
        let all = try ExactSearch.topK(200, for: queries, in: gallery, eligible: eligible)
        let some = all.map { $0.enumerated().filter { $0.offset % 7 == 3 }.map(\.element) }
        let ranks = try ExactSearch.ranks(of: some, for: queries, in: gallery, eligible: eligible)
        #expect(ranks == all.map { $0.indices.filter { $0 % 7 == 3 }.map { $0 + 1 } })
    }

    @Test func `rounded vectors are their own nearest with a similarity of one`() throws {
        var generator = SeededGenerator(10)
        let exact = randomVectors(50, dimension: 64, repeats: false, using: &generator)
        let halves = VectorTable(exact.values.map { Float(Float16($0)) }, dimension: 64)
        let found = try ExactSearch.topK(1, for: halves, in: halves)
        for (row, neighbours) in found.enumerated() {
            #expect(neighbours.first?.row == row)
            #expect(abs((neighbours.first?.similarity ?? 0) - 1) < 1e-6)
        }
    }

    @Test func `vectors that were never normalised are refused`() throws {
        let bad = VectorTable([1, 0, 0, 3, 4, 0], dimension: 3, name: "pool")
        let good = VectorTable([1, 0, 0], dimension: 3)
        let error = try #require(throws: Diagnostic.self) { try ExactSearch.topK(1, for: good, in: bad) }
        #expect(
            error.description == """
                error: row 1 of pool has length 5.0, not 1
                  hint: similarities are cosines: divide every embedding by its length before it is written
                """)
        let nan = VectorTable([.nan, 0, 0], dimension: 3, name: "pool")
        let message = try #require(throws: Diagnostic.self) { try ExactSearch.topK(1, for: good, in: nan) }
            .message
        #expect(message == "row 0 of pool is not a finite vector")
    }

    @Test func `embeddings of two checkpoints are not compared`() throws {
        let error = try #require(throws: Diagnostic.self) {
            try ExactSearch.topK(
                1, for: VectorTable([1, 0], dimension: 2, name: "queries"),
                in: VectorTable([1, 0, 0], dimension: 3, name: "pool"))
        }
        #expect(error.message == "queries has 2 values a row, but pool has 3")
    }

    @Test func `nothing to search in finds nothing`() throws {
        let none = VectorTable([], dimension: 2)
        let one = VectorTable([1, 0], dimension: 2)
        #expect(try ExactSearch.topK(3, for: one, in: none) == [[]])
        #expect(try ExactSearch.topK(3, for: none, in: one) == [])
        #expect(try ExactSearch.topK(0, for: one, in: one) == [[]])
        #expect(try ExactSearch.nearest(to: one, among: none) == [])
    }
}
