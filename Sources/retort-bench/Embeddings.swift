import ArgumentParser
import Foundation
import Search
import Tensors

/// Writes embeddings without images, for trials of retrieval at scale.
struct Embeddings: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a gallery of synthetic embeddings, and queries for it.",
        discussion: """
            Unit vectors around centres of different popularity, as fp16 shards in clip-retrieval's layout below \
            OUT/gallery, and OUT/queries.npy. The same options give the same bytes.
            """)

    @Option(help: "Rows of the gallery.") var rows: Int
    @Option(help: "Values of a row.") var dimension = 384
    @Option(help: "Rows of a shard.") var shard = 1_000_000
    @Option(help: "Rows of the queries.") var queries = 1000
    @Option(help: "Centres.") var centres = 2000
    @Option(help: "The folder to write.") var out: String

    func run() throws {
        let folder = URL(filePath: out, directoryHint: .isDirectory)
        let shards = folder.appending(path: "gallery/img_emb")
        try FileManager.default.createDirectory(at: shards, withIntermediateDirectories: true)
        let middle = try Generator(seed: 0).normal([centres, dimension], deviation: 1)
        func block(_ count: Int, seed: UInt64) throws -> Data {
            let generator = try Generator(seed: seed)
            // Squares of uniform numbers: a few centres have most of the rows.
            let draws = try generator.uniform([count], low: 0, high: 1)
            let chosen = try (draws * draws * Double(centres)).to(.int64)
            let noise = try generator.normal([count, dimension], deviation: 1.2)
            let vectors = try middle.indexSelect(dim: 0, chosen) + noise
            return Data(try vectors.normalize(1).to(.float16).bytes())
        }
        func write(_ count: Int, seed: UInt64, to file: URL) throws {
            var data = Data(capacity: count * dimension * 2)
            for start in stride(from: 0, to: count, by: 100_000) {
                data += try block(min(100_000, count - start), seed: seed + UInt64(start))
            }
            try NpyFile.write(
                encoded: data, as: NpyHeader(type: .float16, shape: [count, dimension]), to: file)
        }
        try write(queries, seed: 1, to: folder.appending(path: "queries.npy"))
        for (number, start) in stride(from: 0, to: rows, by: shard).enumerated() {
            let name = String(format: "img_emb_%04d.npy", number)
            try write(
                min(shard, rows - start), seed: 1000 + UInt64(start), to: shards.appending(path: name))
        }
    }
}
