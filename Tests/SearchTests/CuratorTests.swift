import Diagnostics
import Foundation
import Testing

@testable import Search

/// A pool with planted copies: of validation images, of test images, and of its own images.
private struct Planted {
    var gallery: [[Float]] = []
    var images: [PoolImage] = []
    let queries: VectorTable
    let validation: VectorTable
    let test: VectorTable

    init(_ seed: Int = 1, pool: Int = 200) {
        var generator = SeededGenerator(UInt64(seed))
        queries = randomVectors(5, dimension: 16, repeats: false, using: &generator)
        validation = randomVectors(6, dimension: 16, repeats: false, using: &generator)
        test = randomVectors(8, dimension: 16, repeats: false, using: &generator)
        for number in 0..<pool {
            let near = number.isMultiple(of: 2) ? 0.6 : 0.1
            add(vector(at: near, from: queries[number % 5], using: &generator), "p\(100 + number)")
        }
        // Content of two test images; one near-copy of a validation image, beside a query so that it would be taken.
        add(Array(test[0]), "test0")
        add(Array(test[3]), "test3")
        add(vector(at: 0.99, from: validation[2], using: &generator), "near-validation2")
        // The best neighbours of query 0 and 1, three times each: equal content, then nearly equal.
        for query in 0..<2 {
            let best = unitVector(vector(at: 0.95, from: queries[query], using: &generator))
            add(best, "best\(query)")
            add(best, "best\(query)", member: "again\(query)")
            add(vector(at: 0.995, from: best[...], using: &generator), "nearly-best\(query)")
        }
    }

    mutating func add(_ vector: [Float], _ id: String, member: String? = nil) {
        gallery.append(vector)
        images.append(
            PoolImage(id: id, dataset: "pool", member: (member ?? id) + ".jpg", width: 64, height: 48))
    }

    func request(
        _ strategy: any CurationStrategy = QueryBalanced(), size: CurationSize = .perQuery(10),
        order: [Int]? = nil
    ) -> CurationRequest {
        let order = order ?? Array(images.indices)
        var request = CurationRequest(
            gallery: VectorTable(order.flatMap { gallery[$0] }, dimension: 16, name: "pool"),
            images: order.map { images[$0] }, queryVectors: queries,
            queries: (0..<5).map {
                QueryImage(
                    id: "q\($0)", source: "target/train/q\($0).png", label: $0 / 2,
                    className: "class\($0 / 2)")
            }, size: size, strategy: strategy)
        request.evaluation = [("val", validation), ("test", test)].map { split, vectors in
            let names = (0..<vectors.count).map { "\(split)\($0)" }
            return EvaluationSet(
                split: "target.\(split)", ids: names, sources: names.map { "target/\(split)/\($0).png" },
                vectors: vectors)
        }
        request.leakage = .cosine(0.98)
        request.duplicateThreshold = 0.98
        request.classes = ["class0", "class1", "class2", "class3"]
        return request
    }
}

@Suite struct CuratorTests {
    @Test func `planted copies are found, listed and replaced`() throws {
        let result = try Curator.curate(Planted().request())
        #expect(result.transferSet.count == 50)
        for query in 0..<5 { #expect(result.transferSet.count { $0.query == "q\(query)" } == 10) }
        let dropped = result.dropped.map { "\($0.step.rawValue): \($0.source) = \($0.other ?? "")" }
        #expect(
            dropped == [
                "unique: pool/best0.jpg = pool/again0.jpg",
                "unique: pool/best1.jpg = pool/again1.jpg",
                "leakage: pool/near-validation2.jpg = target/val/val2.png",
                "leakage: pool/test0.jpg = target/test/test0.png",
                "leakage: pool/test3.jpg = target/test/test3.png",
                "dedup: pool/nearly-best0.jpg = pool/again0.jpg",
                "dedup: pool/nearly-best1.jpg = pool/again1.jpg",
            ])
        #expect(
            result.funnel.map { "\($0.step.rawValue) \($0.kept) -\($0.dropped)" } == [
                "pool 209 -0", "candidates 209 -0", "unique 207 -2", "leakage 204 -3", "dedup 202 -2",
                "final 50 -152",
            ])
    }

    @Test func `the certificate names both sides and counts what is left`() throws {
        let leakage = try Curator.curate(Planted().request(RandomSelection(), size: .total(150))).leakage
        #expect(leakage.exact == 0 && leakage.embedding == 0)
        #expect(leakage.perceptual == nil, "no pictures were compared")
        #expect(leakage.excluded.map(\.id) == ["test0", "test3"])
        #expect(leakage.excluded.map(\.split) == ["target.test", "target.test"])
        #expect(leakage.excluded.allSatisfy { $0.tier == .exact })
        #expect(leakage.queued.map(\.id) == ["near-validation2"])
        #expect(leakage.queued.map(\.split) == ["target.val"])
        #expect(abs((leakage.queued.last?.similarity ?? 0) - 0.99) < 1e-5)
    }

    @Test func `without thresholds only content is compared`() throws {
        var request = Planted().request()
        request.leakage = .off
        request.duplicateThreshold = nil
        let result = try Curator.curate(request)
        #expect(result.leakage.excluded.map(\.id) == ["test0", "test3"])
        #expect(result.leakage.embedding == nil && result.leakage.threshold == nil)
        #expect(result.transferSet.contains { $0.id == "nearly-best0" })
        #expect(!result.dropped.contains { $0.step == .dedup })
    }

    @Test(arguments: 0..<6)
    func `no two chosen images are near-duplicates, and each dropped one has its twin`(
        _ seed: Int
    ) throws {
        let strategies: [any CurationStrategy] = [
            QueryBalanced(), ClassBalanced(), ClusterBalanced(), BestMatch(), RandomSelection(seed: 3),
        ]
        for strategy in strategies {
            let planted = Planted(seed, pool: 120)
            // A low threshold, so that many rounds of refilling are needed.
            var request = planted.request(strategy, size: .total(23))
            request.duplicateThreshold = 0.75
            let result = try Curator.curate(request)
            #expect(result.transferSet.count == 23)
            let rows = result.selections.map(\.galleryRow)
            let table = VectorTable(rows.flatMap { planted.gallery[$0] }, dimension: 16)
            for (i, row) in similarities(table, table).enumerated() {
                for (j, similarity) in row.enumerated() where i != j { #expect(similarity < 0.75) }
            }
            let chosen = Set(result.transferSet.map(\.source))
            for drop in result.dropped where drop.step == .dedup {
                #expect(chosen.contains(drop.other ?? ""))
                #expect(!chosen.contains(drop.source))
            }
        }
    }

    @Test(arguments: 0..<5) func `the files do not depend on the order of the pool`(_ seed: Int) throws {
        let planted = Planted(seed)
        var generator = SeededGenerator(UInt64(seed) + 50)
        let order = planted.images.indices.shuffled(using: &generator)
        let strategies: [any CurationStrategy] = [QueryBalanced(), BestMatch(), RandomSelection(seed: 3)]
        for strategy in strategies {
            var a = try Curator.curate(planted.request(strategy, size: .total(47)))
            var b = try Curator.curate(planted.request(strategy, size: .total(47), order: order))
            a.selections = []
            b.selections = []
            #expect(a == b)
        }
    }

    @Test func `each query is listed with its neighbours on both sides of the cut`() throws {
        let planted = Planted()
        var request = planted.request()
        request.missed = 3
        let result = try Curator.curate(request)
        let chosen = Set(result.transferSet.map(\.id))
        for (query, row) in result.queries.enumerated() {
            #expect(row.neighbours.count == 13)
            #expect(row.neighbours.count { $0.selected } == 10)
            #expect(row.neighbours.suffix(3).allSatisfy { !$0.selected })
            for (a, b) in zip(row.neighbours, row.neighbours.dropFirst()) {
                #expect(a.rank < b.rank && a.similarity >= b.similarity)
            }
            let ranks = result.transferSet.filter { $0.query == row.id }.map(\.rank)
            #expect(ranks == row.neighbours.filter(\.selected).map(\.rank))
            #expect(row.neighbours.allSatisfy { $0.selected == chosen.contains($0.id) })
            #expect(row.label == query / 2)
        }
    }

    @Test func `best-match and random list true neighbours too`() throws {
        for strategy in [BestMatch(), RandomSelection()] as [any CurationStrategy] {
            var request = Planted().request(strategy, size: .total(40))
            request.missed = 4
            let result = try Curator.curate(request)
            for row in result.queries {
                #expect(row.neighbours.count { !$0.selected } == 4)
                #expect(row.neighbours.map(\.rank) == row.neighbours.map(\.rank).sorted())
                #expect(row.neighbours.last?.selected == false)
            }
        }
    }

    @Test func `dissimilar images are no candidates`() throws {
        var request = Planted().request(BestMatch(), size: .total(20))
        request.minimumSimilarity = 0.5
        let result = try Curator.curate(request)
        #expect(result.dropped.contains { $0.reason == "less similar than 0.5 to every query" })
        let similarities = result.dropped.filter { $0.step == .candidates }.compactMap(\.similarity)
        #expect(similarities.allSatisfy { $0 < 0.5 })
    }

    @Test func `histograms and balance count everything once`() throws {
        let result = try Curator.curate(Planted().request())
        #expect(result.similarity.selected.reduce(0, +) == 50)
        #expect(result.similarity.candidates.reduce(0, +) == 202)
        #expect(result.similarity.randomPool.reduce(0, +) == 209)
        #expect(result.similarity.test.reduce(0, +) == 14)
        #expect(result.similarity.edges.count == result.similarity.selected.count + 1)
        #expect(result.similarity.edges.last == 1)
        #expect(result.balance.perClass == ["class0": 20, "class1": 20, "class2": 10, "class3": 0])
        #expect(result.balance.perQuery.gini == 0)
        #expect(abs(result.balance.perQuery.effective - 5) < 1e-9)
    }

    @Test func `a budget that duplicates make impossible is an error, not a smaller set`() throws {
        let error = try #require(throws: Diagnostic.self) {
            try Curator.curate(Planted().request(size: .total(203)))
        }
        #expect(error.message == "203 images are asked for, but only 202 of 209 may be chosen")
    }

    @Test func `all mismatches of a request are reported together`() throws {
        var request = Planted().request(size: .total(0))
        request.images = PoolImages(request.images.dropLast())
        request.evaluation[0].vectors = VectorTable([1, 0], dimension: 2)
        let problems = try #require(throws: Problems.self) { try Curator.curate(request) }
        #expect(
            problems.description == """
                error: pool: 209 embeddings but 208 images
                error: target.val: 1 embeddings but 6 images
                error: target.val: embeddings of 2 values, but the pool's have 16
                  hint: embed both with the same checkpoint
                error: a transfer set needs at least one image
                """)
    }

    @Test func `a caller can stop between the passes`() throws {
        struct Stopped: Error {}
        var passes: [String] = []
        _ = try Curator.curate(Planted().request()) { passes.append($0) }
        #expect(passes.count >= 4)
        #expect(throws: Stopped.self) { try Curator.curate(Planted().request()) { _ in throw Stopped() } }
    }

    @Test func `a pool on disk gives what a pool in memory gives`() throws {
        let folder = try TemporaryFolder()
        let planted = Planted()
        let table = VectorTable(planted.gallery.flatMap { $0 }, dimension: 16)
        for (number, start) in stride(from: 0, to: table.count, by: 100).enumerated() {
            let rows = start..<min(start + 100, table.count)
            try EmbeddingShards.write(
                shard: number, table.table(rows: rows), metadata: rows.map { _ in "{}" }, as: .float32,
                to: folder.url)
        }
        try EmbeddingShards.write(ids: planted.images.map(\.id), to: folder.url)
        var request = planted.request()
        let inMemory = try Curator.curate(request)
        request.gallery = try EmbeddingShards(folder.url)
        #expect(try Curator.curate(request) == inMemory)
    }
}
