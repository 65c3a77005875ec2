import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Stages

/// Writes the images of a transfer set or a data set into WebDataset shards.
struct ExportImagesCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "images",
        abstract: "Write the images of a transfer set or a data set into WebDataset shards.",
        discussion: """
            Every image keeps its bytes and is called by its content id; a .json beside it says where it comes from, \
            and for which query it was chosen. The shards are data of kind webdataset. Rows that 'retort curate' \
            wrote about embeddings need --from, the shards or folders that their images are in.
            """)

    @Argument(
        help: "A curate stage or a data set of a run (pool.all), or the rows that 'retort curate' wrote.")
    var set: String
    @Option(help: "The folder to write; it must be empty.") var out: String
    @Option(help: "Images in each shard.") var shardSize = 1000
    @Option(
        help: ArgumentHelp(
            "For rows: a tar shard, shards with braces ('pool-{000..010}.tar'), or a folder.",
            valueName: "place"))
    var from: [String] = []
    @Option(help: "The run that a stage is from; by default the newest that has its artifact.") var run:
        String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if shardSize < 1 { throw ValidationError("--shard-size must be at least 1") }
        if set.hasSuffix(".jsonl"), from.isEmpty {
            throw ValidationError("rows name their images: say with --from where those are")
        }
    }

    func execute(_ console: Console) throws {
        let summary = try images().write(
            to: URL(filePath: out, directoryHint: .isDirectory), shardSize: shardSize)
        if global.json { return try console.print(json: summary) }
        console.print(
            "\(out): \(Wording.count(summary.images, "image")) in \(Wording.count(summary.shards, "shard")), "
                + Wording.bytes(summary.bytes))
    }

    private func images() throws -> ImageGathering {
        guard !set.hasSuffix(".jsonl") else {
            guard FileManager.default.fileExists(atPath: set) else {
                throw Diagnostic("there is no file \(set)", exitCode: .inputMissing)
            }
            return try ImageGathering(rows: URL(filePath: set), in: from)
        }
        // Only data sets have parts: a matrix point may have a dot of its own.
        let dot = set.hasSuffix("]") ? nil : set.lastIndex(of: ".")
        let folder = try ArtifactLookup(store.open()).artifact(
            of: dot.map { String(set[..<$0]) } ?? set, run: run
        ).folder.resolvingSymlinksInPath()
        return try ImageGathering(
            of: folder, selector: dot.map { String(set[set.index(after: $0)...]) },
            store: folder.deletingLastPathComponent())
    }
}
