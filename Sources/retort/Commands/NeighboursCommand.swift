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

    @Option(help: "The vectors to search in: an .npy, a folder, or a pattern in quotes.") var gallery: String?
    @Option(help: "The vectors to find neighbours of.") var queries: String
    @Option(name: .customShort("k"), help: "How many neighbours each query gets.") var k: Int
    @Option(help: "The .npz to write.") var out: String
    @Option(
        help: """
            stream (exact); faiss: and a factory string, such as faiss:IVF1024,Flat; or index: and the file of a FAISS \
            index, ours or autofaiss's, which needs no gallery.
            """)
    var engine = NeighbourEngine.stream
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("A search parameter of the index, such as nprobe=16.", valueName: "name=value"))
    var parameters: [SearchParameter] = []
    @Option(help: "Threads of the products of each process (default: its share of the processors).")
    var threads: Int?
    @Option(
        help: """
            Keep in this folder what each file has, a million rows at a time: to go on after an interruption, and for \
            several processes or jobs that share a search.
            """)
    var state: String?
    @Flag(help: "Compare what an index finds with exact search.") var recall = false
    @OptionGroup var processes: ProcessOptions
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
        var processes: Int
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
            case out, engine, queries, gallery, dimension, k, threads, processes, kernel, recall, seconds
            case resumedShards = "resumed_shards"
            case searchSeconds = "search_seconds"
            case buildSeconds = "build_seconds"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }

    func validate() throws {
        for (name, value) in [("-k", k), ("--threads", threads ?? 1)] where value < 1 {
            throw ValidationError("\(name) must be at least 1")
        }
        if state != nil && engine != .stream { throw ValidationError("--state needs --engine stream") }
        switch engine {
        case .index: break
        case .stream, .factory:
            if gallery == nil { throw ValidationError("--gallery is missing: the vectors to search in") }
            if !parameters.isEmpty { throw ValidationError("--set needs --engine index:FILE") }
        }
        if recall && gallery == nil {
            throw ValidationError("--recall needs --gallery, to search it exactly")
        }
    }

    func execute(_ console: Console) throws {
        let clock = ContinuousClock()
        let start = clock.now
        if engine != .stream { try processes.requireOne(for: "--engine \(engine)") }
        let threads = try threads ?? processes.threads()
        try Torch.setThreads(threads)
        let pool = try gallery.map { try VectorGallery($0) }
        let asked = try VectorGallery(queries).table()
        let shared = try processes.meet(from: URL(filePath: console.startDirectory)).map(SharedSearch.init)
        var summary = Summary(
            out: out, engine: engine.description, queries: asked.count, gallery: pool?.count ?? 0,
            dimension: asked.dimension, k: k, threads: threads, processes: shared?.size ?? 1,
            resumedShards: 0, seconds: 0, searchSeconds: 0, peakMemoryBytes: 0)
        guard let found = try neighbours(of: asked, in: pool, shared, &summary, console) else { return }
        try found.write(to: URL(filePath: out))
        summary.seconds = (clock.now - start) / .seconds(1)
        summary.peakMemoryBytes = ProcessMemory.peakBytes
        if global.json { return try console.print(json: summary) }
        let share = summary.recall.map { String(format: ", recall %.4f", $0) } ?? ""
        console.print(
            "\(out): \(k) of \(summary.gallery) for each of \(asked.count), \(summary.engine)\(share), "
                + String(format: "%.2f s", summary.seconds))
    }

    /// What was found; nil in a process that only does its share.
    private func neighbours(
        of asked: VectorTable, in pool: VectorGallery?, _ shared: SharedSearch?, _ summary: inout Summary,
        _ console: Console
    ) throws -> NeighbourTable? {
        var search = NeighbourSearch(k: k)
        // Processes that share a search leave what they have somewhere.
        let kept = (state ?? shared.map { _ in out + ".parts" }).map {
            URL(filePath: $0, directoryHint: .isDirectory)
        }
        search.state = kept.map { folder in
            NeighbourSearch.State(folder: folder) { SHA256.digest(of: $0) }
        }
        let indexed: IndexedNeighbours
        switch (engine, pool) {
        case (.stream, let pool?):
            let clock = ContinuousClock()
            let began = clock.now
            let outcome: NeighbourSearch.Outcome
            if let shared {
                guard shared.isLeader else {
                    try shared.follow(search, asked, in: pool)
                    return nil
                }
                outcome = try shared.lead(search, asked, in: pool) { rank in
                    console.show(
                        Diagnostic(
                            "process \(rank) of \(shared.size) was lost",
                            hint: "its share is done by process 0",
                            severity: .warning))
                }
                if state == nil, let kept { try? FileManager.default.removeItem(at: kept) }
            } else {
                outcome = try search.run(asked, in: pool)
            }
            summary.searchSeconds = (clock.now - began) / .seconds(1)
            summary.resumedShards = outcome.resumed
            summary.kernel = NeighbourSearch.hasKernel ? "avx512-bf16" : "blas-fp32"
            if recall { summary.recall = 1 }
            return outcome.neighbours
        case (.factory(let factory), let pool?):
            indexed = try IndexedNeighbours(k, of: asked, in: pool, factory: factory)
            summary.engine = "faiss:" + indexed.description.factory
        case (.index(let path), _):
            indexed = try IndexedNeighbours(
                k, of: asked, reading: URL(filePath: path),
                parameters: Dictionary(parameters.map { ($0.name, $0.value) }) { $1 })
            summary.gallery = indexed.description.count
        case (.stream, nil), (.factory, nil): throw ValidationError("--gallery is missing")
        }
        summary.searchSeconds = indexed.searchSeconds
        summary.buildSeconds = indexed.buildSeconds
        if recall, let pool {
            summary.recall = try Recall.measure(
                indexed.neighbours, truth: search.run(asked, in: pool).neighbours, queries: asked,
                gallery: pool
            ).value
        }
        return indexed.neighbours
    }
}

/// What finds neighbours.
enum NeighbourEngine: Hashable, CustomStringConvertible, ExpressibleByArgument {
    /// Every row is compared.
    case stream
    /// An index that is built for the occasion, by FAISS's factory string.
    case factory(String)
    /// An index in a file.
    case index(String)

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        switch (parts[0], parts.dropFirst().first) {
        case ("stream", nil): self = .stream
        case ("faiss", let factory?) where !factory.isEmpty: self = .factory(factory)
        case ("index", let path?) where !path.isEmpty: self = .index(path)
        default: return nil
        }
    }

    var description: String {
        switch self {
        case .stream: "stream"
        case .factory(let factory): "faiss:\(factory)"
        case .index(let path): "index:\(path)"
        }
    }

    static var defaultCompletionKind: CompletionKind { .list(["stream", "faiss:", "index:"]) }
}

/// A search parameter of an index: `nprobe=16`.
struct SearchParameter: ExpressibleByArgument {
    var name: String
    var value: Int

    init?(argument: String) {
        let parts = argument.split(separator: "=")
        guard parts.count == 2, let value = Int(parts[1]) else { return nil }
        (name, self.value) = (String(parts[0]), value)
    }
}
