import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Search
import Tensors

/// Chooses a transfer set from embeddings that somebody else computed, outside any pipeline.
struct CurateCommand: RetortCommand {
    /// The rule that chooses.
    enum Strategy: String, CaseIterable, ExpressibleByArgument {
        case queryBalanced = "query-balanced"
        case bestMatch = "best-match"
        case random
    }

    static let configuration = CommandConfiguration(
        commandName: "curate", abstract: "Choose a transfer set from embeddings alone.",
        discussion: """
            Works like the curate stage, without images: vectors must have unit length. Galleries and queries are \
            .npy files, folders of them, patterns in quotes, or folders as clip-retrieval writes them: img_emb/, \
            and ids.txt, metadata/*.parquet or metadata/*.jsonl, which name the rows. Without those, rows go by \
            their numbers.
            """)

    @Option(help: "The vectors to choose from: an .npy, a folder, or a pattern in quotes.") var gallery:
        String
    @Option(help: "The vectors for which similar ones are sought.") var queries: String
    @Option(help: "query-balanced, best-match or random.") var strategy: Strategy = .queryBalanced
    @Option(help: "How many images each query gets.") var perQuery: Int?
    @Option(help: "How many images there are in all, in place of --per-query.") var size: Int?
    @Option(help: "The rows to write.") var out: String
    @Option(help: "Write all that the curate stage writes into this folder as well.") var report: String?
    @Option(help: "The cosine from which two chosen images count as one; by default both are kept.")
    var dedup: Float?
    @Option(help: "Decides the choice of random, and the samples in the report.") var seed = 0
    @Option(
        help:
            "A folder in which what was compared waits, so that a curation that was stopped goes on; emptied in the end.",
        completion: .directory)
    var state: String?
    @Option(help: "Threads of the products.") var threads = ProcessInfo.processInfo.activeProcessorCount
    @OptionGroup var global: GlobalOptions

    /// What `--json` prints.
    struct Summary: Encodable {
        var out: String
        var strategy: String
        var selected: Int
        var gallery: Int
        var queries: Int
        var dimension: Int
        var seconds: Double
        var peakMemoryBytes: Int
        var peakAnonymousBytes: Int
        var notes: [String]

        enum CodingKeys: String, CodingKey {
            case out, strategy, selected, gallery, queries, dimension, seconds, notes
            case peakMemoryBytes = "peak_memory_bytes"
            case peakAnonymousBytes = "peak_anonymous_bytes"
        }
    }

    func validate() throws {
        guard (perQuery == nil) != (size == nil) else {
            throw ValidationError("give one of --per-query and --size")
        }
        for (name, value) in [("--per-query", perQuery), ("--size", size), ("--threads", threads)] {
            if let value, value < 1 { throw ValidationError("\(name) must be at least 1") }
        }
        if let dedup, !(0...1).contains(dedup) { throw ValidationError("--dedup must be between 0 and 1") }
        if seed < 0 { throw ValidationError("--seed must be at least 0") }
    }

    func execute(_ console: Console) throws {
        let clock = ContinuousClock()
        let start = clock.now
        try Torch.setThreads(threads)
        let pool = try VectorGallery(gallery)
        let task = try VectorGallery(queries)
        var request = CurationRequest(
            gallery: pool, images: try pool.images(), queryVectors: try task.table(),
            queries: try task.queryImages(), size: perQuery.map { .perQuery($0) } ?? .total(size ?? 0),
            strategy: rule)
        request.duplicateThreshold = dedup
        request.seed = UInt64(seed)
        if let state {
            request.searchCheckpoint = SearchCheckpoint(
                in: URL(filePath: state, directoryHint: .isDirectory),
                of: try pool.identity { SHA256.digest(of: $0) }, digest: { SHA256.digest(of: $0) })
        }
        var anonymous = ProcessMemory.anonymousBytes
        let result = try Curator.curate(request) { doing in
            anonymous = max(anonymous, ProcessMemory.anonymousBytes)
            console.note(doing)
        }
        anonymous = max(anonymous, ProcessMemory.anonymousBytes)
        try result.writeTransferSet(to: URL(filePath: out))
        if let report {
            let folder = URL(filePath: report, directoryHint: .isDirectory)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try result.write(to: folder)
        }
        request.searchCheckpoint?.remove()
        let summary = Summary(
            out: out, strategy: strategy.rawValue, selected: result.selections.count, gallery: pool.count,
            queries: task.count, dimension: pool.dimension, seconds: (clock.now - start) / .seconds(1),
            peakMemoryBytes: ProcessMemory.peakBytes, peakAnonymousBytes: anonymous, notes: result.notes)
        if global.json { return try console.print(json: summary) }
        for note in result.notes { console.note(note) }
        console.print("\(out): \(summary.selected) of \(summary.gallery) for \(summary.queries) queries")
    }

    private var rule: any CurationStrategy {
        switch strategy {
        case .queryBalanced: QueryBalanced()
        case .bestMatch: BestMatch()
        case .random: RandomSelection(seed: UInt64(seed))
        }
    }
}
