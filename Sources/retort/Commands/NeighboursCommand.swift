import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Search
import Tensors

/// Finds the nearest rows of a gallery by exact search, outside any pipeline.
struct NeighboursCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbours", abstract: "Find the rows of a gallery with the largest inner products.",
        discussion: """
            Vectors are compared as they are; scale them to unit length for cosines. The gallery is an .npy (fp16, \
            fp32 or fp64), a folder of them, a folder with img_emb/ as clip-retrieval writes it, or a pattern in \
            quotes. Rows are numbered through the files in the order of their names, numbers counting as numbers. \
            The result has the arrays ids and scores; ids are -1 where the gallery has fewer rows.
            """)

    @Option(help: "The vectors to search in: an .npy, a folder, or a pattern in quotes.") var gallery: String
    @Option(help: "The vectors to find neighbours of.") var queries: String
    @Option(name: .customShort("k"), help: "How many neighbours each query gets.") var k: Int
    @Option(help: "The .npz to write.") var out: String
    @Option(help: "stream (exact), or faiss: and a factory string, such as faiss:IVF1024,Flat.")
    var engine = "stream"
    @Option(help: "Threads of the products.") var threads = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "Keep what each file has in this folder, to go on after an interruption.") var state:
        String?
    @Flag(help: "Compare what an index finds with exact search.") var recall = false
    @OptionGroup var global: GlobalOptions

    /// What `--json` prints.
    struct Summary: Encodable {
        var out: String
        var engine: String
        var queries: Int
        var gallery: Int
        var dimension: Int
        var k: Int
        var threads: Int
        /// What dismisses pairs: `avx512-bf16` or `blas-fp32`; nil for an index.
        var kernel: String?
        /// The share of the true neighbours that was found; nil where it was not measured.
        var recall: Double?
        var resumedShards: Int
        var seconds: Double
        var searchSeconds: Double
        var buildSeconds: Double?
        var peakMemoryBytes: Int

        enum CodingKeys: String, CodingKey {
            case out, engine, queries, gallery, dimension, k, threads, kernel, recall, seconds
            case resumedShards = "resumed_shards"
            case searchSeconds = "search_seconds"
            case buildSeconds = "build_seconds"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }

    func validate() throws {
        for (name, value) in [("-k", k), ("--threads", threads)] where value < 1 {
            throw ValidationError("\(name) must be at least 1")
        }
        guard engine == "stream" || engine.hasPrefix("faiss:") && engine.count > "faiss:".count else {
            throw ValidationError("--engine is stream or faiss:FACTORY, such as faiss:HNSW32")
        }
        if state != nil && engine != "stream" { throw ValidationError("--state needs --engine stream") }
    }

    func execute(_ console: Console) throws {
        let clock = ContinuousClock()
        let start = clock.now
        try Torch.setThreads(threads)
        let pool = try VectorGallery(gallery)
        let asked = try VectorGallery(queries).table()
        var summary = Summary(
            out: out, engine: engine, queries: asked.count, gallery: pool.count, dimension: pool.dimension,
            k: k, threads: threads, resumedShards: 0, seconds: 0, searchSeconds: 0, peakMemoryBytes: 0)
        var search = NeighbourSearch(k: k)
        search.state = state.map { folder in
            NeighbourSearch.State(folder: URL(filePath: folder, directoryHint: .isDirectory)) {
                SHA256.digest(of: $0)
            }
        }
        let found: NeighbourTable
        if engine == "stream" {
            let began = clock.now
            let outcome = try search.run(asked, in: pool)
            summary.searchSeconds = (clock.now - began) / .seconds(1)
            summary.resumedShards = outcome.resumed
            summary.kernel = NeighbourSearch.hasKernel ? "avx512-bf16" : "blas-fp32"
            if recall { summary.recall = 1 }
            found = outcome.neighbours
        } else {
            let factory = String(engine.dropFirst("faiss:".count))
            let indexed = try IndexedNeighbours(k, of: asked, in: pool, factory: factory)
            summary.engine = "faiss:" + indexed.description.factory
            summary.searchSeconds = indexed.searchSeconds
            summary.buildSeconds = indexed.buildSeconds
            found = indexed.neighbours
            if recall {
                summary.recall = try Recall.measure(
                    found, truth: search.run(asked, in: pool).neighbours, queries: asked, gallery: pool
                ).value
            }
        }
        try found.write(to: URL(filePath: out))
        summary.seconds = (clock.now - start) / .seconds(1)
        summary.peakMemoryBytes = ProcessMemory.peakBytes
        if global.json { return try console.print(json: summary) }
        let share = summary.recall.map { String(format: ", recall %.4f", $0) } ?? ""
        console.print(
            "\(out): \(k) of \(pool.count) for each of \(asked.count), \(summary.engine)\(share), "
                + String(format: "%.2f s", summary.seconds))
    }
}
