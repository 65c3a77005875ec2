import Diagnostics
import Foundation
import Search
import Testing

@Suite struct EmbeddingShardsTests {
    private let folder: TemporaryFolder
    private let table: VectorTable

    init() throws {
        folder = try TemporaryFolder()
        var generator = SeededGenerator(3)
        table = randomVectors(25, using: &generator)
        for (number, rows) in [0..<10, 10..<20, 20..<25].enumerated() {
            try EmbeddingShards.write(
                shard: number, table.table(rows: rows),
                metadata: rows.map { #"{"id":"id\#($0)","x":"ä\n"}"# },
                as: .float32, to: folder.url)
        }
        try EmbeddingShards.write(ids: (0..<25).map { "id\($0)" }, to: folder.url)
    }

    @Test func `shards read as one table`() throws {
        let shards = try EmbeddingShards(folder.url)
        #expect(shards.count == 25 && shards.dimension == 8)
        #expect(shards.ids[24] == "id24")
        #expect(try shards.table().values == table.values)
        #expect(try shards.table(rows: [9, 10, 24]).values == Array(table[9] + table[10] + table[24]))
        #expect(try shards.metadata()[20] == #"{"id":"id20","x":"ä\n"}"#)
    }

    @Test func `a range across shards is read in one go`() throws {
        let shards = try EmbeddingShards(folder.url)
        var values = [Float](repeating: 0, count: 14 * 8)
        try values.withUnsafeMutableBufferPointer { try shards.read(8..<22, into: $0) }
        #expect(values == Array(table.values[8 * 8..<22 * 8]))
    }

    @Test func `shards are ordered by number as clip-retrieval names them`() throws {
        let folder = try TemporaryFolder()
        try EmbeddingShards.write(shard: 0, table.table(rows: 0..<1), metadata: ["{}"], to: folder.url)
        let embeddings = folder.file("img_emb")
        try FileManager.default.removeItem(at: folder.file(EmbeddingLayout.shard(0)))
        for number in [0, 2, 10] {
            try NpyFile.write(
                Array(table[number]), shape: [1, 8], as: .float32,
                to: embeddings.appending(path: "img_emb_\(number).npy"))
        }
        try EmbeddingShards.write(ids: ["a", "b", "c"], to: folder.url)
        #expect(try EmbeddingShards(folder.url).table().values == Array(table[0] + table[2] + table[10]))
    }

    @Test func `fewer ids than vectors are reported`() throws {
        try EmbeddingShards.write(ids: ["a"], to: folder.url)
        let error = try #require(throws: Diagnostic.self) { try EmbeddingShards(folder.url) }
        #expect(error.message == "'\(folder.url.lastPathComponent)' has 25 vectors but 1 ids")
    }

    @Test func `shards of different widths are reported`() throws {
        try NpyFile.write(
            [1, 0], shape: [1, 2], as: .float32, to: folder.file(EmbeddingLayout.shard(3)))
        let error = try #require(throws: Diagnostic.self) { try EmbeddingShards(folder.url) }
        #expect(error.message == "'img_emb_0003.npy' has the shape [1, 2], not rows of 8")
    }
}
