import CFaiss
import Foundation
import Tensors
import Testing

@testable import Search

/// Exact search against fp64, and our kernel against the BLAS: to the bit.
@Suite struct BlockSearchTests {
    /// Rows of all lengths, some of them repeated, some zero.
    private func rows(_ count: Int, _ dimension: Int, using generator: inout SeededGenerator) -> VectorTable {
        var values: [[Float]] = []
        for row in 0..<count {
            switch row % 13 {
            case 5: values.append(Array(repeating: 0, count: dimension))
            case 7, 8: values.append(values[Int.random(in: 0..<row, using: &generator)])
            default:
                let scale = Float.random(in: 0.1...3, using: &generator)
                values.append(
                    (0..<dimension).map { _ in scale * Float.random(in: -1...1, using: &generator) })
            }
        }
        return VectorTable(values.flatMap { $0 }, dimension: dimension)
    }

    /// The inner products in double.
    private func products(_ queries: VectorTable, _ gallery: VectorTable) -> [[Double]] {
        (0..<queries.count).map { query in
            let x = queries[query].map(Double.init)
            return (0..<gallery.count).map { row in
                gallery.values.withUnsafeBufferPointer { values in
                    var sum = 0.0
                    for place in x.indices { sum += x[place] * Double(values[row * x.count + place]) }
                    return sum
                }
            }
        }
    }

    private func search(
        _ queries: VectorTable, _ gallery: VectorTable, k: Int, block: Int, order: TieOrder = .byRow,
        usingKernel: Bool
    ) throws -> NeighbourTable {
        let search = try BlockSearch(
            queries, best: k, order: order, similarity: .innerProduct, usingKernel: usingKernel)
        for start in stride(from: 0, to: gallery.count, by: block) {
            let some = start..<min(start + block, gallery.count)
            try gallery.table(rows: some).values.withUnsafeBufferPointer {
                try search.add($0, rows: BlockRows(some))
            }
        }
        return search.result()
    }

    @Test(arguments: [1, 3, 31, 384, 385, 768, 1024], [1, 70])
    func `the best rows are those of fp64, whatever the blocks`(_ dimension: Int, _ queries: Int) throws {
        var generator = SeededGenerator(UInt64(dimension))
        let gallery = rows(150, dimension, using: &generator)
        let asked = rows(queries, dimension, using: &generator)
        let truth = products(asked, gallery)
        for (k, block) in [(1, 150), (10, 37), (200, 64), (7, 1)] {
            let tiles = try search(asked, gallery, k: k, block: block, usingKernel: false)
            if BlockSearch.hasKernel {
                #expect(try search(asked, gallery, k: k, block: block, usingKernel: true) == tiles)
            }
            for query in 0..<queries {
                let expected = truth[query].indices.map {
                    Neighbour(row: $0, similarity: Float(truth[query][$0]))
                }.sorted(by: TieOrder.byRow.precedes)
                let found = tiles[query]
                #expect(found.count == min(k, 150))
                for (a, b) in zip(found, expected) where a.row != b.row {
                    // Sums in another order may differ in their last bit, and nearly equal rows change places.
                    #expect(abs(a.similarity - b.similarity) <= 1e-6 * max(1, abs(b.similarity)))
                }
                for neighbour in found {
                    let exact = truth[query][neighbour.row]
                    #expect(abs(Double(neighbour.similarity) - exact) <= 1e-7 * max(1, abs(exact)))
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 8]) func `threads change nothing`(_ threads: Int) throws {
        var generator = SeededGenerator(4)
        let gallery = rows(5000, 24, using: &generator)
        for queries in [1, 65, 200] {
            let asked = rows(queries, 24, using: &generator)
            let expected = try search(asked, gallery, k: 9, block: 5000, usingKernel: false)
            let before = Torch.threads
            try Torch.setThreads(threads)
            defer { try? Torch.setThreads(before) }
            #expect(
                try search(asked, gallery, k: 9, block: 2048, usingKernel: BlockSearch.hasKernel) == expected)
        }
    }

    @Test func `equal scores go by the order that was asked for`() throws {
        // Four vectors, each many times.
        let few = VectorTable([1, 0, 0, 1, 1, 1, -1, 0.5], dimension: 2)
        let gallery = few.table(rows: (0..<600).map { $0 * 7 % 4 })
        var generator = SeededGenerator(3)
        let order = TieOrder(ids: randomIDs(600, using: &generator))
        let asked = VectorTable([1, 1, 0.3, -0.2], dimension: 2)
        for kernel in [false, BlockSearch.hasKernel] {
            let found = try search(asked, gallery, k: 100, block: 91, order: order, usingKernel: kernel)
            for query in 0..<2 {
                let expected = (0..<600).map { row in
                    let x = zip(asked[query], gallery[row]).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                    return Neighbour(row: row, similarity: Float(x))
                }.sorted(by: order.precedes).prefix(100)
                #expect(found[query] == Array(expected))
            }
        }
    }

    @Test func `numbers at the ends of fp32 are compared all the same`() throws {
        let gallery = VectorTable(
            [3e38, 0, 1e-38, 1e-38, -3e38, 1e30, Float.leastNonzeroMagnitude, 0, 0, 0, 1e20, -1e20],
            dimension: 2)
        for asked in [VectorTable([1, 1], dimension: 2), VectorTable([1e-30, 1e19], dimension: 2)] {
            let tiles = try search(asked, gallery, k: 6, block: 6, usingKernel: false)
            #expect(try search(asked, gallery, k: 6, block: 4, usingKernel: BlockSearch.hasKernel) == tiles)
            let exact = products(asked, gallery)[0].map { Float($0) }
            #expect(tiles[0].map(\.similarity) == exact.sorted(by: >))
        }
    }

    @Test func `scans find every row from a limit up`() throws {
        var generator = SeededGenerator(12)
        let gallery = rows(700, 20, using: &generator)
        let asked = rows(5, 20, using: &generator)
        let truth = products(asked, gallery)
        for kernel in [false, BlockSearch.hasKernel] {
            let search = try BlockSearch(
                asked, best: 0, similarity: .innerProduct, usingKernel: kernel)
            var found = [[Int]](repeating: [], count: 5)
            try gallery.values.withUnsafeBufferPointer { block in
                try search.scan(block, limits: Array(repeating: 0.5, count: 5)) { query, position, _ in
                    found[query].append(position)
                }
            }
            for query in 0..<5 {
                #expect(found[query] == truth[query].indices.filter { Float(truth[query][$0]) >= 0.5 })
            }
        }
    }

    @Test func `the first row that is not finite is named`() throws {
        var values = [Float](repeating: 0.5, count: 40 * 3)
        values[3 * 31 + 1] = .infinity
        values[3 * 17 + 2] = .nan
        for kernel in [false, BlockSearch.hasKernel] {
            let error = #expect(throws: NotFinite.self) {
                try search(
                    VectorTable([1, 2, 3], dimension: 3), VectorTable(values, dimension: 3), k: 2, block: 40,
                    usingKernel: kernel)
            }
            #expect(error?.position == 17)
        }
    }

    @Test func `rows scaled by the kernel are those that the shim scales`() throws {
        var generator = SeededGenerator(2)
        for dimension in [1, 7, 8, 33, 384] {
            let rows = randomVectors(20, dimension: dimension, using: &generator)
            let halves = VectorTable(rows.values.map { Float(Float16($0)) }, dimension: dimension)
            var expected = halves.values
            var offending: Int64 = 0
            var length = 0.0
            #expect(
                cf_normalize(20, Int64(dimension), &expected, unitTolerance, &offending, &length) == CF_OK)
            #expect(try unit(halves).values == expected)
        }
    }
}
