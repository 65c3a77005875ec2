import Foundation
import Testing

@testable import Search

@Suite struct SearchCheckpointTests {
    private struct Stopped: Error {}

    /// Counts blocks, and stops after so many.
    private final class Reader {
        var shares: [Double] = []
        private var left: Int

        init(stoppingAfter blocks: Int = .max) { left = blocks }

        func passed(_ share: Double) throws {
            shares.append(share)
            left -= 1
            if left == 0 { throw Stopped() }
        }
    }

    private let folder: TemporaryFolder
    private let gallery: VectorTable
    private let queries: VectorTable
    private let order: TieOrder
    private let eligible: [Bool]
    private let blocks = 4

    init() throws {
        folder = try TemporaryFolder()
        var generator = SeededGenerator(31)
        gallery = randomVectors(3 * blockRows + 500, dimension: 4, using: &generator)
        queries = randomVectors(6, dimension: 4, using: &generator)
        order = TieOrder(ids: randomIDs(gallery.count, using: &generator))
        eligible = (0..<gallery.count).map { _ in Int.random(in: 0..<3, using: &generator) > 0 }
    }

    private func checkpoint(
        _ reader: Reader, every interval: Duration = .zero, of source: String = ""
    ) -> SearchCheckpoint {
        SearchCheckpoint(
            in: folder.url, of: Data(source.utf8), every: interval,
            digest: { String(NpzFile.checksum($0), radix: 16) }, advance: reader.passed)
    }

    private func best(_ checkpoint: SearchCheckpoint?) throws -> [[Neighbour]] {
        try ExactSearch.topK(
            300, for: queries, in: gallery, eligible: eligible, order: order, checkpoint: checkpoint)
    }

    private func nearest(_ checkpoint: SearchCheckpoint?) throws -> [Neighbour] {
        try ExactSearch.nearest(to: gallery, among: queries, checkpoint: checkpoint)
    }

    @Test(arguments: [1, 2, 3], [Duration.zero, .seconds(1000)])
    func `a search goes on after the block at which it was stopped`(
        _ done: Int, _ interval: Duration
    ) throws {
        let searches: [(SearchCheckpoint?) throws -> AnyHashable] = [
            { AnyHashable(try best($0)) }, { AnyHashable(try nearest($0)) },
        ]
        for search in searches {
            let stopping = Reader(stoppingAfter: done)
            #expect(throws: Stopped.self) { try search(checkpoint(stopping, every: interval)) }
            let going = Reader()
            #expect(try search(checkpoint(going, every: interval)) == search(nil))
            #expect(stopping.shares.count == done && going.shares.count == blocks - done)
            #expect(going.shares.last == 1)
        }
    }

    @Test func `what is damaged, or is of another question, counts for nothing`() throws {
        let all = Reader()
        let (found, answers) = (try best(checkpoint(all)), try nearest(checkpoint(all)))
        #expect(all.shares.count == 2 * blocks)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(
            files.count { $0.hasPrefix("best-") } == 1 && files.count { $0.hasPrefix("answers-") } == blocks)

        for (name, isAnother) in [("", false), ("another gallery", true)] {
            let reader = Reader()
            #expect(try best(checkpoint(reader, of: name)) == found)
            #expect(reader.shares.isEmpty != isAnother)
        }
        let others = Reader()
        _ = try ExactSearch.topK(300, for: queries, in: gallery, order: order, checkpoint: checkpoint(others))
        _ = try ExactSearch.topK(
            300, for: queries, in: gallery, eligible: eligible, checkpoint: checkpoint(others))
        _ = try ExactSearch.nearest(
            to: VectorSubset(gallery, rows: Array((0..<gallery.count).reversed())), among: queries,
            checkpoint: checkpoint(others))
        #expect(others.shares.count == 3 * blocks)

        for file in files where !file.hasSuffix("-\(blockRows).rows") {
            let url = folder.file(file)
            var data = try Data(contentsOf: url)
            data[data.count / 2] ^= 1
            try data.write(to: url)
        }
        let again = Reader()
        #expect(try best(checkpoint(again)) == found)
        #expect(try nearest(checkpoint(again)) == answers)
        // The first answers are whole.
        #expect(again.shares.count == 2 * blocks - 1)
    }

    @Test func `equals are told apart as without a stop, and rows that may not be found are not read again`()
        throws
    {
        // Eight different vectors: whatever is asked, thousands are equally near.
        let pool = VectorTable((0..<gallery.count).flatMap { gallery[$0 % 8] }, dimension: 4)
        let allowed = (0..<pool.count).map { $0 < 2 * blockRows }
        func search(_ reader: Reader) throws -> [[Neighbour]] {
            try ExactSearch.topK(
                100, for: queries, in: pool, eligible: allowed, order: order,
                checkpoint: checkpoint(reader))
        }
        #expect(throws: Stopped.self) { try search(Reader(stoppingAfter: 1)) }
        #expect(throws: Stopped.self) { try search(Reader(stoppingAfter: 2)) }
        let last = Reader()
        let expected = try ExactSearch.topK(100, for: queries, in: pool, eligible: allowed, order: order)
        #expect(try search(last) == expected)
        #expect(last.shares == [1])
    }

    @Test func `what a finished curation kept can be removed`() throws {
        let kept = checkpoint(Reader())
        _ = try best(kept)
        _ = try nearest(kept)
        kept.remove()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == [])
    }

    @Test func `a curation that is stopped again and again ends as one that is not`() throws {
        let ids = (0..<gallery.count).map { "id\($0)" }
        var request = CurationRequest(
            gallery: gallery,
            images: ids.map { PoolImage(id: $0, dataset: "pool", member: $0, width: 8, height: 8) },
            queryVectors: queries,
            queries: (0..<queries.count).map { QueryImage(id: "q\($0)", source: "task/q\($0)") },
            size: .perQuery(20), strategy: QueryBalanced())
        request.leakage = .off
        request.negatives = NegativeSet(
            sources: ["task/n0"], vectors: VectorTable([0, 0, 0, 1], dimension: 4), margin: 0.1)
        let expected = try Curator.curate(request)

        var (attempts, read) = (0, 0)
        var result: CurationResult?
        while result == nil, attempts < 40 {
            attempts += 1
            let reader = Reader(stoppingAfter: blocks + 1)
            request.searchCheckpoint = checkpoint(reader)
            do { result = try Curator.curate(request) } catch is Stopped {}
            read += reader.shares.count
        }
        #expect(result == expected)
        // Of five passes, the last one alone, which counts ranks, is not kept.
        #expect(attempts == 5 && read < 6 * blocks + attempts)
    }
}
