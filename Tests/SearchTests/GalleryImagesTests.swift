import Diagnostics
import Foundation
import Testing

@testable import Search

@Suite struct GalleryImagesTests {
    private let folder: TemporaryFolder
    private let table: VectorTable

    init() throws {
        folder = try TemporaryFolder()
        var generator = SeededGenerator(33)
        table = randomVectors(40, dimension: 5, repeats: false, using: &generator)
        try EmbeddingShards.write(
            shard: 0, table.table(rows: 0..<30), metadata: lines(0..<30), to: folder.url)
        try EmbeddingShards.write(
            shard: 1, table.table(rows: 30..<40), metadata: lines(30..<40), to: folder.url)
    }

    private func id(_ row: Int) -> String { "image-\(row * 17 % 40)" }

    private func lines(_ rows: Range<Int>) -> [String] {
        rows.map { #"{"id":"\#(id($0))","dataset":"d","member":"m\#($0)","width":\#($0),"height":2}"# }
    }

    private func gallery() throws -> VectorGallery { try VectorGallery(folder.url.path) }

    @Test func `metadata names the rows`() throws {
        let images = try gallery().images()
        #expect(images.map(\.id) == (0..<40).map(id))
        #expect(images[33] == PoolImage(id: id(33), dataset: "d", member: "m33", width: 33, height: 2))
        #expect(images.ids.order == TieOrder(ids: (0..<40).map(id)))
    }

    @Test(arguments: [false, true]) func `ids come from their file, in the order of their bytes`(_ ends: Bool)
        throws
    {
        var ids = (0..<40).map { "b\($0 * 13 % 40)" }
        ids[7] = ids[9]
        let text = ids.joined(separator: "\n") + (ends ? "\n" : "")
        try Data(text.utf8).write(to: folder.file("ids.txt"))
        let images = try gallery().images()
        #expect(images.map(\.id) == ids)
        #expect(images.ids.order == TieOrder(ids: ids))
        #expect(!images.ids.areDistinct)
        #expect(images[3].member == "m3")
        ids[7] = "another"
        try Data(ids.joined(separator: "\n").utf8).write(to: folder.file("ids.txt"))
        #expect(try gallery().images().ids.areDistinct)
        try Data(ids.dropLast().joined(separator: "\n").utf8).write(to: folder.file("ids.txt"))
        let name = folder.url.lastPathComponent
        #expect(
            #expect(throws: Diagnostic.self) { try gallery().images() }?.message
                == "'\(name)' has 40 vectors but 39 ids")
    }

    @Test func `rows without names go by their numbers`() throws {
        try FileManager.default.removeItem(at: folder.file("metadata"))
        let images = try gallery().images()
        #expect(images[34].id == "34")
        #expect(images[34].member == "img_emb_0001.npy#4")
        #expect(images.ids.order == .byRow)
    }

    @Test func `bare embeddings are curated as images are`() throws {
        var generator = SeededGenerator(5)
        let queries = randomVectors(3, dimension: 5, repeats: false, using: &generator)
        func curate(_ vectors: any VectorSource, _ images: PoolImages, _ rule: any CurationStrategy) throws
            -> CurationResult
        {
            try Curator.curate(
                CurationRequest(
                    gallery: vectors, images: images, queryVectors: queries,
                    queries: (0..<3).map { QueryImage(id: "q\($0)", source: "q/\($0)") }, size: .perQuery(4),
                    strategy: rule))
        }
        let gallery = try gallery()
        let eager = PoolImages(try Array(gallery.images()))
        for rule: any CurationStrategy in [QueryBalanced(), BestMatch(), RandomSelection(seed: 3)] {
            #expect(
                try curate(gallery, gallery.images(), rule)
                    == curate(EmbeddedTable(base: gallery.table()), eager, rule))
        }
    }

    @Test func `a draw is the beginning of a full sort`() {
        let ids = PoolIDs((0..<5000).map { "i\($0)" })
        let all = (0..<5000).sorted {
            RandomSelection.number(ids[$0], seed: 1) < RandomSelection.number(ids[$1], seed: 1)
        }
        for count in [0, 1, 7, 1500, 5000, 6000] {
            #expect(
                RandomSelection.draw(count, of: 0..<5000, ids: ids, seed: 1) == Array(all.prefix(count)))
        }
    }

    /// A table under another type, so that nothing of the gallery is shared.
    private struct EmbeddedTable: VectorSource {
        let base: VectorTable
        var count: Int { base.count }
        var dimension: Int { base.dimension }
        var name: String { base.name }
        func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) {
            base.read(rows, into: buffer)
        }
    }
}
