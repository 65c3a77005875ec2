import Diagnostics
import Foundation
import Testing

@testable import Search

/// Curation of a pool that holds parts of images: against the rule carried out by hand, on small random sets.
@Suite struct CropTests {
    /// Thirty images with four parts each, near each other, and six queries in three classes.
    private struct Instance {
        let queries: VectorTable
        let gallery: VectorTable
        let ids: [String]
        let similarity: [[Float]]

        init(_ seed: Int) {
            var generator = SeededGenerator(UInt64(seed))
            queries = randomVectors(6, dimension: 12, repeats: false, using: &generator)
            let images = randomVectors(30, dimension: 12, repeats: false, using: &generator)
            var rows: [[Float]] = []
            var ids: [String] = []
            for image in 0..<30 {
                rows.append(Array(images[image]))
                ids.append("i\(image * 7 % 30)")
                for part in 0..<3 {
                    rows.append(vector(at: 0.9, from: images[image], using: &generator))
                    ids.append("\(ids[4 * image])#xywh=\(part * 8),0,16,16")
                }
            }
            gallery = VectorTable(rows.flatMap { $0 }, dimension: 12)
            self.ids = ids
            similarity = similarities(queries, gallery)
        }

        func image(_ row: Int) -> Int { row / 4 }

        func request(_ strategy: any CurationStrategy, _ size: CurationSize) -> CurationRequest {
            var request = CurationRequest(
                gallery: gallery,
                images: ids.enumerated().map { row, id in
                    PoolImage(id: id, dataset: "pool", member: "m" + id, width: row, height: 16)
                }, queryVectors: queries,
                queries: (0..<6).map {
                    QueryImage(id: "q\($0)", source: "t/q\($0)", label: $0 / 2, className: "c\($0 / 2)")
                }, size: size, strategy: strategy)
            request.hasCrops = true
            request.classes = ["c0", "c1", "c2"]
            return request
        }

        /// The best pair of a waiting group and a free part of an image of which the group has none, over and over.
        func balanced(_ count: Int, groups: [[Int]]) -> [Set<Int>] {
            var taken: Set<Int> = []
            var chosen = groups.map { _ in Set<Int>() }
            while taken.count < count {
                var waiting = Set(groups.indices)
                while !waiting.isEmpty, taken.count < count {
                    var best: (group: Int, row: Int, similarity: Float)?
                    for group in waiting {
                        let images = Set(chosen[group].map(image))
                        for query in groups[group] {
                            for row in ids.indices where !taken.contains(row) && !images.contains(image(row))
                            {
                                let value = similarity[query][row]
                                if value > best?.similarity ?? -2 { best = (group, row, value) }
                            }
                        }
                    }
                    guard let best else { return chosen }
                    chosen[best.group].insert(best.row)
                    taken.insert(best.row)
                    waiting.remove(best.group)
                }
            }
            return chosen
        }
    }

    @Test(arguments: 0..<20) func `a query takes one part of an image, by the rule carried out by hand`(
        _ seed: Int
    ) throws {
        let instance = Instance(seed)
        let result = try Curator.curate(instance.request(QueryBalanced(), .perQuery(9)))
        let expected = instance.balanced(54, groups: (0..<6).map { [$0] })
        for query in 0..<6 {
            let rows = result.selections.filter { $0.queryRow == query }.map(\.galleryRow)
            #expect(Set(rows) == expected[query] && rows.count == 9)
            #expect(Set(rows.map(instance.image)).count == 9)
        }
        // Without the rule, the same pool gives a query several parts of its best image.
        var free = instance.request(QueryBalanced(), .perQuery(9))
        free.hasCrops = false
        let parts = try Curator.curate(free).selections.filter { $0.queryRow == 0 }
        #expect(Set(parts.map { instance.image($0.galleryRow) }).count < 9)
        for row in result.transferSet {
            #expect(row.box == CropID.box(of: row.id))
        }
    }

    @Test(arguments: 0..<10) func `other strategies keep the rule, too`(_ seed: Int) throws {
        let instance = Instance(seed)
        let byClass = try Curator.curate(instance.request(ClassBalanced(), .total(30))).selections
        let expected = instance.balanced(30, groups: [[0, 1], [2, 3], [4, 5]])
        for group in 0..<3 {
            #expect(
                Set(byClass.filter { ($0.queryRow ?? 0) / 2 == group }.map(\.galleryRow)) == expected[group])
        }
        for strategy in [BestMatch(), RandomSelection(seed: 3), ClusterBalanced(clusters: 4)]
            as [any CurationStrategy]
        {
            let selections = try Curator.curate(instance.request(strategy, .total(20))).selections
            let pairs = selections.map { [instance.image($0.galleryRow), $0.queryRow ?? -1] }
            #expect(selections.count == 20 && Set(pairs).count == 20)
        }
        // The best by score, each image once for its query.
        let best = try Curator.curate(instance.request(BestMatch(), .total(20))).selections
        var seen: Set<[Int]> = []
        var byHand: [Int] = []
        let similarity = instance.similarity
        func nearest(_ row: Int) -> Int {
            (0..<6).max { similarity[$0][row] < similarity[$1][row] } ?? 0
        }
        func score(_ row: Int) -> Float { similarity[nearest(row)][row] }
        for row in instance.ids.indices.sorted(by: { score($0) > score($1) }) where byHand.count < 20 {
            if seen.insert([instance.image(row), nearest(row)]).inserted { byHand.append(row) }
        }
        #expect(best.map(\.galleryRow) == byHand)
    }

    @Test func `more than the rule allows is an error`() throws {
        let instance = Instance(1)
        for strategy in [QueryBalanced(), ClassBalanced()] as [any CurationStrategy] {
            var request = instance.request(strategy, .total(100))
            request.queries = Array(request.queries.prefix(2))
            request.queryVectors = instance.queries.table(rows: [0, 1])
            #expect(throws: Diagnostic.self) { try Curator.curate(request) }
        }
    }

    @Test func `a part of an evaluated image is the content of one`() throws {
        let instance = Instance(2)
        var request = instance.request(QueryBalanced(), .perQuery(3))
        request.leakage = .off
        request.evaluation = [
            EvaluationSet(
                split: "t.test", ids: [instance.ids[8]], sources: ["t/8.png"],
                vectors: instance.gallery.table(rows: [60]))
        ]
        let result = try Curator.curate(request)
        #expect(Set(result.leakage.excluded.map(\.id)) == Set(instance.ids[8..<12]))
        #expect(result.leakage.exact == 0)
        #expect(!result.selections.contains { instance.image($0.galleryRow) == 2 })
    }

    @Test func `ids of parts are told from others`() {
        #expect(CropID.image(of: "9c1e#xywh=8,0,16,16") == "9c1e")
        #expect(CropID.box(of: "9c1e#xywh=8,0,16,16") == [8, 0, 16, 16])
        for id in ["9c1e", "pool.tar#7", "9c1e#xywh=", "9c1e#xywh=1,2,3", "9c1e#xywh=1,2,3,x"] {
            #expect(CropID.image(of: id) == id && CropID.box(of: id) == nil)
        }
    }
}
