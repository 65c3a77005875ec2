import Foundation
import Testing

@testable import Search

@Suite struct CurationFilesTests {
    private func curated() throws -> CurationResult {
        var request = CurationRequest(
            gallery: VectorTable(
                [1, 0, 0, 0, 0, 1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, -0.5, -0.5, 0.5], dimension: 4),
            images: ["a", "b", "c", "d"].map {
                PoolImage(id: $0, dataset: "pool", member: "x.tar#\($0)/1.jpg", width: 3, height: 2)
            }, queryVectors: VectorTable([0.5, 0.5, 0.5, 0.5], dimension: 4),
            queries: [QueryImage(id: "q", source: "target/train/q.png", label: 0, className: "cat")],
            size: .total(1), strategy: QueryBalanced())
        request.classes = ["cat", "dog"]
        request.evaluation = [
            EvaluationSet(
                split: "target.test", ids: ["t"], sources: ["target/test/t.png"],
                vectors: VectorTable([0, 1, 0, 0], dimension: 4))
        ]
        return try Curator.curate(request)
    }

    @Test func `every file has the keys that readers rely on`() throws {
        let folder = try TemporaryFolder()
        try curated().write(to: folder.url)
        let text = { try String(contentsOf: folder.file($0), encoding: .utf8) }
        #expect(
            try text("transfer-set.jsonl") == """
                {"dataset":"pool","height":2,"id":"c","member":"x.tar#c/1.jpg","query":"q","query_class":"cat",\
                "rank":1,"reason":"neighbour 1 of its query, taken in round 1","similarity":1,\
                "source":"pool/x.tar#c/1.jpg","width":3}

                """)
        #expect(
            try text("queries.jsonl") == """
                {"class":"cat","id":"q","label":0,"neighbours":[\
                {"id":"c","rank":1,"selected":true,"similarity":1,"source":"pool/x.tar#c/1.jpg"},\
                {"id":"a","rank":2,"selected":false,"similarity":0.5,"source":"pool/x.tar#a/1.jpg"},\
                {"id":"d","rank":3,"selected":false,"similarity":-0.5,"source":"pool/x.tar#d/1.jpg"}],\
                "source":"target/train/q.png"}

                """)
        #expect(
            try text("dropped.jsonl") == """
                {"id":"b","other":"target/test/t.png","reason":"perhaps an image of target.test: waits for a mark","similarity":1,\
                "source":"pool/x.tar#b/1.jpg","step":"leakage"}

                """)
        #expect(
            try text("leakage.json") == """
                {"accepted":[],"calibration":null,"embedding":0,"exact":0,"excluded":[],"perceptual":null,"queued":[\
                {"id":"b","other":"target/test/t.png","similarity":1,"source":"pool/x.tar#b/1.jpg",\
                "split":"target.test","tier":"embedding"}],"threshold":0.9999}

                """)
        #expect(
            try text("balance.json") == """
                {"per_class":{"cat":1,"dog":0},"per_query":{"effective":1,"gini":0,"max":1,"mean":1,"min":1}}

                """)
        #expect(try text("classes.txt") == "cat\ndog\n")
        #expect(
            try text("similarity.json").hasPrefix(#"{"candidates":[1,0,0,"#))
        #expect(
            try text("funnel.json").hasPrefix(
                #"[{"dropped":0,"kept":4,"note":"all images with an embedding","step":"pool"},"#))
    }

    @Test func `rows read back as they were written`() throws {
        let folder = try TemporaryFolder()
        let result = try curated()
        try result.write(to: folder.url)
        let decoder = JSONDecoder()
        let lines = try Data(contentsOf: folder.file("transfer-set.jsonl")).split(
            separator: UInt8(ascii: "\n"))
        #expect(try lines.map { try decoder.decode(TransferSetRow.self, from: $0) } == result.transferSet)
        let similarity = try Data(contentsOf: folder.file("similarity.json"))
        #expect(try decoder.decode(SimilarityHistograms.self, from: similarity) == result.similarity)
        let leakage = try Data(contentsOf: folder.file("leakage.json"))
        #expect(try decoder.decode(LeakageReport.self, from: leakage) == result.leakage)
        let funnel = try Data(contentsOf: folder.file("funnel.json"))
        #expect(try decoder.decode([FunnelStep].self, from: funnel) == result.funnel)
    }

    @Test func `pool images decode from the metadata of embeddings`() throws {
        let line =
            #"{"dataset":"pool","height":2,"id":"a","label":null,"member":"m","split":"all","width":3}"#
        let image = try JSONDecoder().decode(PoolImage.self, from: Data(line.utf8))
        #expect(image == PoolImage(id: "a", dataset: "pool", member: "m", width: 3, height: 2))
    }

    @Test func `spread is what its definitions say`() {
        let even = Balance.Spread(of: [4, 4, 4])
        #expect(even.gini == 0 && abs(even.effective - 3) < 1e-12 && even.mean == 4)
        let one = Balance.Spread(of: [0, 0, 0, 8])
        #expect(one.gini == 0.75 && one.effective == 1 && one.max == 8 && one.min == 0)
        // Gini by its definition: the mean absolute difference over twice the mean.
        let counts = [1, 5, 2, 9, 0]
        let differences = counts.flatMap { a in counts.map { abs(a - $0) } }.reduce(0, +)
        let expected = Double(differences) / (2 * 25 * 3.4)
        #expect(abs(Balance.Spread(of: counts).gini - expected) < 1e-12)
        #expect(Balance.Spread(of: []).effective == 0)
    }

    @Test func `bins hold their lower edge and one belongs to the last`() {
        let histograms = SimilarityHistograms(
            selected: [1, 0.98, 0.97], candidates: [], randomPool: [0.5], test: [])
        #expect(histograms.edges.first == 0.5 && histograms.edges.count == 26)
        #expect(histograms.selected.suffix(2) == [1, 2])
        #expect(histograms.randomPool.first == 1)
        let none = SimilarityHistograms(selected: [], candidates: [], randomPool: [], test: [])
        #expect(none.selected.allSatisfy { $0 == 0 })
    }
}
