import Foundation
import Testing

@testable import Search

@Suite struct VectorIndexTests {
    private struct Expected: Codable {
        var labels: [[Int]]
        var scores: [[Float]]
    }

    private func vectors(_ name: String) throws -> VectorTable { try NpyFile(fixture("\(name).npy")).table() }

    private func expected(_ name: String) throws -> Expected {
        let all = try JSONDecoder().decode(
            [String: Expected].self, from: Data(contentsOf: fixture("expected.json")))
        return try #require(all[name])
    }

    @Test(arguments: ["flat", "ivf", "hnsw"])
    func `an index written by faiss-cpu finds what it found there`(_ name: String) throws {
        let index = try VectorIndex(reading: fixture("\(name).index"))
        #expect(try index.count == 400)
        #expect(try index.dimension == 16)
        let found = try index.search(vectors("queries"), k: 5)
        let expected = try expected(name)
        #expect(found.map { $0.map(\.row) } == expected.labels)
        for (a, b) in zip(found.flatMap { $0 }, expected.scores.flatMap { $0 }) {
            #expect(abs(a.similarity - b) < 1e-5)
        }
    }

    @Test func `an exact index is written byte for byte as faiss-cpu writes it`() throws {
        let folder = try TemporaryFolder()
        let index = try VectorIndex(factory: "Flat", dimension: 16)
        try index.add(vectors("gallery"))
        try index.write(to: folder.file("flat.index"))
        #expect(try Data(contentsOf: folder.file("flat.index")) == Data(contentsOf: fixture("flat.index")))
    }

    @Test func `a partitioned index is filled and written byte for byte as faiss-cpu does`() throws {
        let folder = try TemporaryFolder()
        let index = try VectorIndex(reading: fixture("ivf-trained.index"))
        try index.add(vectors("gallery"))
        try index.set("nprobe", to: 4)
        try index.write(to: folder.file("ivf.index"))
        #expect(try Data(contentsOf: folder.file("ivf.index")) == Data(contentsOf: fixture("ivf.index")))
    }

    @Test func `an exact index agrees with exact search`() throws {
        let gallery = try vectors("gallery")
        let queries = try vectors("queries")
        let (index, description) = try VectorIndex.build(over: gallery)
        #expect(description.factory == "Flat")
        #expect(description.recall == Recall(k: 10, queries: 200, value: 1))
        let found = try index.search(queries, k: 9)
        let exact = try ExactSearch.topK(9, for: queries, in: gallery)
        #expect(found.map { $0.map(\.row) } == exact.map { $0.map(\.row) })
        #expect(try Recall.measure(index, on: queries, over: gallery, k: 9).value == 1)
    }

    @Test func `recall grows with the lists that are searched, up to one`() throws {
        let gallery = try vectors("gallery")
        let queries = try vectors("queries")
        let (index, description) = try VectorIndex.build(over: gallery, factory: "IVF8,Flat")
        #expect(description.parameters == ["nprobe": 1])
        let one = try Recall.measure(index, on: queries, over: gallery)
        try index.set("nprobe", to: 8)
        let all = try Recall.measure(index, on: queries, over: gallery)
        #expect(one.value < 1 && one.value > 0)
        let own = try #require(description.recall)
        #expect(own.k == 10 && own.queries == 200 && own.value < 1 && own.value > 0.2)
        #expect(try Recall.measure(index, over: gallery).value == 1)
        #expect(all.value == 1)
    }

    @Test func `rows that tie with the last neighbour count as found`() throws {
        let gallery = VectorTable([1, 0, 1, 0, 1, 0, 0, 1], dimension: 2)
        let index = try VectorIndex(factory: "Flat", dimension: 2)
        try index.add(VectorTable([0, 1, 0, 1, 1, 0], dimension: 2))
        let recall = try Recall.measure(index, on: VectorTable([1, 0], dimension: 2), over: gallery, k: 1)
        #expect(recall.value == 1)
    }

    @Test func `building twice writes the same bytes`() throws {
        let folder = try TemporaryFolder()
        for name in ["a", "b"] {
            let built = try VectorIndex.build(over: vectors("gallery"), factory: "IVF8,SQ8")
            try built.index.write(to: folder.file(name))
        }
        #expect(try Data(contentsOf: folder.file("a")) == Data(contentsOf: folder.file("b")))
    }

    @Test func `auto is exact while it fits and coarser as memory shrinks`() {
        func choice(_ budget: Int) -> String {
            IndexRule(memoryBudget: budget).factory("auto", count: 1_000_000, dimension: 384)
        }
        #expect(choice(2 << 30) == "Flat")
        #expect(choice(1 << 30) == "IVF2048,SQfp16")
        #expect(choice(500 << 20) == "IVF2048,SQ8")
        #expect(choice(100 << 20) == "IVF2048,PQ48np")
        #expect(IndexRule().factory("HNSW32", count: 1, dimension: 1) == "HNSW32")
        #expect(IndexRule.lists(for: 100) == 2)
    }

    /// The kinds that the guide names and those that auto may choose, with the recall that they at least have when
    /// everything they could look at is looked at.
    @Test(arguments: [
        ("Flat", 1), ("IVF4,Flat", 1), ("HNSW16", 0.9), ("SQ8", 0.9), ("IVF4,SQfp16", 0.99),
        ("IVF4,SQ8", 0.9),
        ("IVF4,SQ4", 0.5), ("IVF4,PQ2x4np", 0.02), ("OPQ4,IVF4,PQ4x4np", 0.05),
    ])
    func `every kind can be built, written and read, and its recall is measured`(
        _ factory: String, _ atLeast: Double
    ) throws {
        var generator = SeededGenerator(1)
        let gallery = randomVectors(700, dimension: 16, repeats: false, using: &generator)
        let queries = randomVectors(30, dimension: 16, repeats: false, using: &generator)
        let (index, description) = try VectorIndex.build(over: gallery, factory: factory)
        #expect(description.recall != nil)
        if factory.contains("IVF") { try index.set("nprobe", to: 4) }
        let recall = try Recall.measure(index, on: queries, over: gallery)
        #expect(recall.value >= atLeast && recall.value <= 1)
        let folder = try TemporaryFolder()
        try index.write(to: folder.file("index"))
        let read = try VectorIndex(reading: folder.file("index"))
        #expect(try read.search(queries, k: 5) == index.search(queries, k: 5))
    }

    @Test func `errors name the operation and keep FAISS's words`() throws {
        let error = try #require(throws: FaissError.self) { try VectorIndex(factory: "Nope", dimension: 4) }
        #expect(error.code == .faiss)
        #expect(error.description.hasPrefix("create index 'Nope': "))
        let index = try VectorIndex(factory: "Flat", dimension: 4)
        let mismatch = try #require(throws: FaissError.self) {
            try index.add(VectorTable([1, 0], dimension: 2, name: "pool"))
        }
        #expect(mismatch.description == "add: 'pool' has 2 values a row, the index 4")
        #expect(throws: FaissError.self) { try VectorIndex(reading: fixture("gallery.npy")) }
        #expect(throws: FaissError.self) { try VectorIndex(reading: fixture("nowhere.index")) }
    }

    @Test func `k-means finds planted clusters, the same each time`() throws {
        var generator = SeededGenerator(2)
        let centres = randomVectors(3, dimension: 16, repeats: false, using: &generator)
        let rows = (0..<90).flatMap { vector(at: 0.98, from: centres[$0 % 3], using: &generator) }
        let table = VectorTable(rows, dimension: 16)
        let found = try KMeans.centroids(of: table, count: 3, seed: 7)
        let nearest = try ExactSearch.nearest(to: centres, among: found)
        #expect(Set(nearest.map(\.row)).count == 3)
        #expect(nearest.allSatisfy { $0.similarity > 0.98 })
        #expect(try KMeans.centroids(of: table, count: 3, seed: 7) == found)
    }
}
