import Foundation
import Testing

@testable import Search

@Suite struct IndexCheckpointTests {
    private struct Stop: Error {}

    private func gallery() -> VectorTable {
        var generator = SeededGenerator(3)
        return randomVectors(20_000, dimension: 8, repeats: false, using: &generator)
    }

    private func bytes(_ index: VectorIndex, _ folder: TemporaryFolder) throws -> Data {
        try index.write(to: folder.file("whole"))
        return try Data(contentsOf: folder.file("whole"))
    }

    @Test(arguments: ["Flat", "IVF8,SQ8", "PQ4x4np"])
    func `an index that was interrupted ends with the same bytes, and nothing is added twice`(
        _ factory: String
    ) throws {
        let folder = try TemporaryFolder()
        let gallery = gallery()
        let whole = try bytes(VectorIndex.build(over: gallery, factory: factory).index, folder)
        var seen: [Int] = []
        for stop in [8192, 16384, .max] {
            do {
                let built = try VectorIndex.build(
                    over: gallery, factory: factory, checkpoint: IndexCheckpoint(in: folder.url)
                ) {
                    seen.append($0)
                    if $0 == stop { throw Stop() }
                }
                #expect(try bytes(built.index, folder) == whole)
            } catch is Stop {}
        }
        #expect(seen == [8192, 16384, 20_000])
    }

    @Test func `what is due is kept without an interruption`() throws {
        let folder = try TemporaryFolder()
        let checkpoint = IndexCheckpoint(in: folder.url, every: .zero)
        let built = try VectorIndex.build(over: gallery(), factory: "Flat", checkpoint: checkpoint)
        let kept = try #require(try checkpoint.load("Flat", for: gallery()))
        #expect(try kept.count > 0)
        #expect(try kept.count <= built.index.count)
    }

    @Test func `half a file, another kind and other rows are begun anew`() throws {
        let folder = try TemporaryFolder()
        let gallery = gallery()
        let checkpoint = IndexCheckpoint(in: folder.url)
        let index = try VectorIndex(factory: "Flat", dimension: 8)
        try index.add(gallery.table(rows: Array(0..<8192)))
        try checkpoint.save(index, "Flat")
        #expect(try checkpoint.load("Flat", for: gallery)?.count == 8192)
        #expect(try checkpoint.load("IVF8,Flat", for: gallery) == nil)
        #expect(try checkpoint.load("Flat", for: gallery.table(rows: Array(0..<100))) == nil)
        #expect(try checkpoint.load("Flat", for: VectorTable([1, 0], dimension: 2)) == nil)
        let file = folder.file("partial-Flat.faiss")
        let data = try Data(contentsOf: file)
        try data.prefix(data.count / 2).write(to: file)
        #expect(try checkpoint.load("Flat", for: gallery) == nil)
    }

    @Test(arguments: ["Flat", "IVF8,Flat", "IVF8,SQ8", "HNSW16"])
    func `an index whose lists stay in its file finds the same`(_ factory: String) throws {
        let folder = try TemporaryFolder()
        let gallery = gallery()
        let (index, description) = try VectorIndex.build(over: gallery, factory: factory)
        try index.write(to: folder.file("index"))
        let mapped = try VectorIndex(reading: folder.file("index"), mapped: true)
        for (name, value) in description.parameters { try mapped.set(name, to: value) }
        let queries = gallery.table(rows: [0, 7, 19_999])
        #expect(try mapped.search(queries, k: 5) == index.search(queries, k: 5))
        #expect(try mapped.comparesInnerProducts)
    }
}
