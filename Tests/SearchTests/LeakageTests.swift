import Diagnostics
import Foundation
import Testing

@testable import Search

/// Pictures that are told apart by a number each; the same number is the same picture.
private struct NumberedPictures: PerceptualEvidence {
    var pool: [UInt64]
    var evaluated: [UInt64]
    /// Pairs whose hashes agree by chance: the pixels do not.
    var lookalikes: Set<[ImagePlace]> = []

    private func number(_ image: ImagePlace) -> UInt64 {
        switch image {
        case .pool(let row): pool[row]
        case .evaluated(let row): evaluated[row]
        }
    }

    func fingerprint(of image: ImagePlace) -> [UInt64] {
        let number = number(image)
        var generator = SeededGenerator(number)
        return (0..<2 * PerceptualSearch.words * PerceptualSearch.windows).map { _ in generator.next() }
    }

    func resemblance(_ a: ImagePlace, _ b: ImagePlace) -> Float {
        lookalikes.contains([a, b]) || number(a) != number(b) ? 0.5 : 0.99
    }
}

@Suite struct LeakageTests {
    /// A pool of 60 images around 3 queries, 20 evaluated images; pool rows 0 to 2 are near evaluated 0 to 2.
    private func request(_ seed: UInt64 = 1) -> CurationRequest {
        var generator = SeededGenerator(seed)
        let queries = randomVectors(3, dimension: 16, repeats: false, using: &generator)
        let test = randomVectors(20, dimension: 16, repeats: false, using: &generator)
        let rows = (0..<60).map { row in
            row < 3
                ? vector(at: 0.995, from: test[row], using: &generator)
                : vector(at: 0.7, from: queries[row % 3], using: &generator)
        }
        var request = CurationRequest(
            gallery: VectorTable(rows.flatMap { $0 }, dimension: 16),
            images: (0..<60).map {
                PoolImage(id: "p\($0 + 10)", dataset: "pool", member: "\($0).jpg", width: 8, height: 8)
            }, queryVectors: queries,
            queries: (0..<3).map { QueryImage(id: "q\($0)", source: "t/q\($0).png", className: "c\($0)") },
            size: .total(57), strategy: BestMatch())
        request.evaluation = [
            EvaluationSet(
                split: "t.test", ids: (0..<20).map { "t\($0)" }, sources: (0..<20).map { "t/\($0).png" },
                vectors: test)
        ]
        return request
    }

    @Test func `a hit by embedding waits for a mark, which lets it in or settles it`() throws {
        var request = request()
        request.leakage = .cosine(0.98)
        let waiting = try Curator.curate(request)
        #expect(waiting.leakage.queued.map(\.id).sorted() == ["p10", "p11", "p12"])
        #expect(waiting.leakage.excluded.isEmpty)
        #expect(waiting.transferSet.allSatisfy { !["p10", "p11", "p12"].contains($0.id) })
        #expect(
            waiting.dropped.first { $0.id == "p10" }?.reason == "perhaps an image of t.test: waits for a mark"
        )

        request.marks.set("p10", .accept)
        request.marks.set("p11", .leak)
        request.size = .total(58)
        let decided = try Curator.curate(request)
        #expect(decided.leakage.accepted.map(\.id) == ["p10"])
        #expect(decided.leakage.excluded.map(\.id) == ["p11"])
        #expect(decided.leakage.excluded.first?.decision == .leak)
        #expect(decided.leakage.queued.map(\.id) == ["p12"])
        #expect(decided.transferSet.contains { $0.id == "p10" })
        #expect(decided.leakage.embedding == 0, "an accepted image is no leak")
        #expect(decided.counts["leakage.accepted"] == 1 && decided.counts["leakage.excluded_embedding"] == 1)
    }

    @Test func `the same content or picture stays out whatever a mark says`() throws {
        var request = request()
        request.leakage = .off
        var images = Array(request.images)
        images[5].id = "t4"
        request.images = PoolImages(images)
        var pictures = NumberedPictures(pool: (0..<60).map { $0 + 100 }, evaluated: (0..<20).map { $0 + 500 })
        pictures.pool[7] = 503
        pictures.pool[8] = 504
        pictures.lookalikes = [[.pool(8), .evaluated(4)]]
        request.evidence = pictures
        request.marks.set("p17", .accept)
        request.marks.set("t4", .accept)
        let result = try Curator.curate(request)
        #expect(result.leakage.excluded.map(\.id) == ["t4", "p17"])
        #expect(result.leakage.excluded.map(\.tier) == [.exact, .perceptual])
        #expect(result.leakage.excluded.map(\.other) == ["t/4.png", "t/3.png"])
        #expect(result.leakage.exact == 0 && result.leakage.perceptual == 0)
        #expect(result.leakage.embedding == nil)
        #expect(result.transferSet.contains { $0.id == "p18" }, "hashes propose, pixels decide")
        #expect(
            result.dropped.first { $0.id == "p17" }?.reason == "the same picture as an image of t.test")
    }

    @Test(arguments: 0..<5) func `the threshold is the quantile by the plainest code`(_ seed: Int) throws {
        var generator = SeededGenerator(UInt64(seed))
        let vectors = randomVectors(250, dimension: 8, repeats: false, using: &generator)
        var ids = randomIDs(250, using: &generator)
        // The same content twice says nothing about different images.
        ids[1] = ids[0]
        let calibration = try #require(try LeakageCalibration(vectors, ids: ids))
        let all = similarities(vectors, vectors)
        let nearest = (0..<250).map { row in
            (0..<250).filter { ids[$0] != ids[row] }.map { all[row][$0] }.max() ?? 0
        }.sorted()
        #expect(abs(calibration.largest - nearest[249]) < 1e-6)
        #expect(abs(calibration.median - nearest[124]) < 1e-6)
        // 0.99 · 250 = 247.5: the 248th.
        #expect(calibration.threshold >= nearest[247] - 1e-6 && calibration.threshold < nearest[247] + 1.1e-4)
        #expect(calibration.images == 250)
    }

    @Test func `fewer than two evaluated images calibrate nothing, and the same embedding is still found`()
        throws
    {
        let vectors = VectorTable([1, 0], dimension: 2)
        #expect(try LeakageCalibration(vectors, ids: ["a"]) == nil)
        var request = request()
        let first = request.evaluation[0].vectors.table(rows: [0])
        request.evaluation = [EvaluationSet(split: "t.test", ids: ["t0"], sources: ["t/0"], vectors: first)]
        request.gallery = VectorTable(
            Array(first[0]) + Array(try request.gallery.table(rows: Array(1..<60)).values), dimension: 16)
        let leakage = try Curator.curate(request).leakage
        #expect(leakage.queued.map(\.id) == ["p10"] && leakage.threshold == 0.9999)
        #expect(leakage.calibration == nil)
    }
}

@Suite struct CurationMarksTests {
    private func request(_ seed: Int, _ strategy: any CurationStrategy, size: Int = 60) -> CurationRequest {
        var generator = SeededGenerator(UInt64(seed) + 77)
        let queries = randomVectors(6, repeats: false, using: &generator)
        let gallery = randomVectors(300, repeats: false, using: &generator)
        let ids = randomIDs(300, using: &generator)
        return CurationRequest(
            gallery: gallery,
            images: ids.map { PoolImage(id: $0, dataset: "pool", member: $0, width: 8, height: 8) },
            queryVectors: queries,
            queries: (0..<6).map {
                QueryImage(id: "q\($0)", source: "t/q\($0)", label: $0 / 2, className: "c\($0 / 2)")
            }, size: .total(size), strategy: strategy)
    }

    private static let strategies: [any CurationStrategy] = [
        QueryBalanced(), ClassBalanced(), ClusterBalanced(), BestMatch(), RandomSelection(seed: 2),
    ]

    @Test(arguments: 0..<12) func `a rejected image is replaced by one other, and nothing else changes`(
        _ seed: Int
    ) throws {
        for strategy in Self.strategies {
            var request = request(seed, strategy)
            let before = try Curator.curate(request)
            var generator = SeededGenerator(UInt64(seed))
            let gone = before.transferSet.map(\.id).shuffled(using: &generator).prefix(12)
            for (number, id) in gone.enumerated() {
                request.marks.set(id, [Mark.reject, .duplicate, .leak][number % 3])
            }
            let after = try Curator.curate(request)
            #expect(after.transferSet.count == 60)
            let (old, new) = (Set(before.transferSet.map(\.id)), Set(after.transferSet.map(\.id)))
            #expect(new.isDisjoint(with: gone))
            #expect(old.subtracting(gone).isSubset(of: new), "\(type(of: strategy).name)")
            #expect(Set(after.dropped.filter { $0.step == .marks }.map(\.id)) == Set(gone))
            #expect(after.dropped.contains { $0.reason == "marked as reject" })
            if strategy is QueryBalanced {
                #expect(after.balance.perQuery == before.balance.perQuery)
            }
            if strategy is ClassBalanced {
                #expect(after.balance.perClass == before.balance.perClass)
            }
        }
    }

    @Test(arguments: 0..<6) func `an accepted image is in, and takes one place`(_ seed: Int) throws {
        for strategy in Self.strategies {
            var request = request(seed, strategy)
            let before = try Curator.curate(request)
            let old = Set(before.transferSet.map(\.id))
            let accepted = Set(request.images.map(\.id).filter { !old.contains($0) }.sorted().prefix(5))
            for id in accepted { request.marks.set(id, .accept) }
            // What was chosen anyway stays.
            request.marks.set(before.transferSet[0].id, .accept)
            let after = try Curator.curate(request)
            let new = Set(after.transferSet.map(\.id))
            #expect(new.count == 60 && accepted.isSubset(of: new))
            #expect(new.contains(before.transferSet[0].id))
            #expect(old.subtracting(new).count == 5)
            if strategy is QueryBalanced {
                #expect(after.balance.perQuery == before.balance.perQuery)
            }
        }
    }

    @Test func `unsure and taken-back marks change nothing`() throws {
        var request = request(1, QueryBalanced())
        let before = try Curator.curate(request)
        request.marks.set(before.transferSet[0].id, .unsure)
        request.marks.set(before.transferSet[1].id, .reject)
        request.marks.set(before.transferSet[1].id, .none)
        #expect(try Curator.curate(request) == before)
    }

    @Test func `the funnel has a step for marks where there are some`() throws {
        var request = request(2, QueryBalanced())
        #expect(
            try Curator.curate(request).funnel.map(\.step) == [
                .pool, .candidates, .unique, .leakage, .dedup, .final,
            ])
        request.marks.set(request.images[0].id, .reject)
        let funnel = try Curator.curate(request).funnel
        #expect(funnel.map(\.step) == [.pool, .candidates, .unique, .leakage, .marks, .dedup, .final])
        #expect(funnel[4].dropped == 1 && funnel[4].kept == 299)
    }

    @Test(arguments: 0..<6) func `what is nearer to a negative than to a query is ruled out`(_ seed: Int)
        throws
    {
        var request = request(seed, BestMatch(), size: 40)
        var generator = SeededGenerator(UInt64(seed) + 5)
        let negatives = randomVectors(3, repeats: false, using: &generator)
        for margin in [0, 0.2] as [Float] {
            request.negatives = NegativeSet(
                sources: ["n/0", "n/1", "n/2"], vectors: negatives, margin: margin)
            let result = try Curator.curate(request)
            let gallery = try request.gallery.table()
            let positive = similarities(gallery, request.queryVectors).map { $0.max() ?? 0 }
            let negative = similarities(gallery, negatives).map { $0.max() ?? 0 }
            let expected = gallery.indicesOfRows.filter { negative[$0] > positive[$0] + margin }
                .map { request.images[$0].id }.sorted()
            let dropped = result.dropped.filter { $0.step == .negatives }
            #expect(dropped.map(\.id).sorted() == expected)
            #expect(dropped.allSatisfy { $0.other?.hasPrefix("n/") == true })
        }
    }
}

extension VectorTable {
    fileprivate var indicesOfRows: Range<Int> { 0..<count }
}

@Suite struct DuplicatesTests {
    /// Ten images about one query: 0, 1 and 2 with nearly one embedding, 3 and 4 of one picture.
    private func request(_ keep: KeepPolicy) -> CurationRequest {
        var generator = SeededGenerator(9)
        let query = randomVectors(1, dimension: 16, repeats: false, using: &generator)
        let base = unitVector(vector(at: 0.8, from: query[0], using: &generator))
        var rows = (0..<3).map { _ in vector(at: 0.995, from: base[...], using: &generator) }
        rows += (3..<10).map { vector(at: 0.9 - 0.05 * Double($0), from: query[0], using: &generator) }
        var request = CurationRequest(
            gallery: VectorTable(rows.flatMap { $0 }, dimension: 16),
            images: (0..<10).map {
                PoolImage(id: "i\($0)", dataset: "p", member: "\(9 - $0)", width: 10 + $0 % 4, height: 10)
            }, queryVectors: query, queries: [QueryImage(id: "q", source: "t/q")], size: .total(7),
            strategy: BestMatch())
        request.duplicateThreshold = 0.97
        request.comparesChosenPictures = true
        request.keep = keep
        request.evidence = NumberedPictures(
            pool: (0..<10).map { $0 == 4 ? 103 : 100 + $0 }, evaluated: [])
        return request
    }

    private func dropped(_ result: CurationResult) -> [String] {
        result.dropped.map { "\($0.id) for \($0.group ?? ""): \($0.reason.prefix(10))" }.sorted()
    }

    @Test func `the policy decides which of a group is kept, and each dropped image names its group`() throws
    {
        let first = try Curator.curate(request(.first))
        #expect(
            dropped(first) == ["i0 for i2: nearly the", "i1 for i2: nearly the", "i3 for i4: the same p"])
        #expect(first.transferSet.count == 7)
        let largest = try Curator.curate(request(.largest))
        // Of widths 10, 11, 12 and of 13, 10.
        #expect(
            dropped(largest) == ["i0 for i2: nearly the", "i1 for i2: nearly the", "i4 for i3: the same p"])
        let request = request(.mostSimilar)
        let similar = try Curator.curate(request)
        let similarity = similarities(request.queryVectors, try request.gallery.table())[0]
        let best = (0..<3).max { similarity[$0] < similarity[$1] } ?? 0
        #expect(similar.transferSet.contains { $0.id == "i\(best)" })
        #expect(similar.dropped.filter { $0.group == "i\(best)" }.count == 2)
        #expect(
            similar.funnel.first { $0.step == .dedup }?.note
                == "chosen images with a cosine of 0.97 or more, or of the same picture count as one")
    }

    @Test func `what a person has accepted is kept whatever the policy says`() throws {
        var request = request(.largest)
        request.marks.set("i1", .accept)
        request.marks.set("i4", .accept)
        #expect(
            dropped(try Curator.curate(request)) == [
                "i0 for i1: nearly the", "i2 for i1: nearly the", "i3 for i4: the same p",
            ])
    }
}
