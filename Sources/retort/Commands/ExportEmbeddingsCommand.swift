import ArgumentParser
import Engine
import Foundation
import Search
import Stages

/// Writes embeddings as clip-retrieval has them.
struct ExportEmbeddingsCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "embeddings",
        abstract: "Write embeddings as clip-retrieval has them: img_emb/*.npy and metadata/*.parquet.",
        discussion: """
            The columns of the metadata are image_path, id and dataset, and width, height and label where every row \
            has them. autofaiss, embedding-reader and clip-retrieval read such a folder, and so does --gallery.
            """)

    @Argument(help: "An embed stage of a run, or a folder with img_emb/.") var embeddings: String
    @Option(help: "The folder to write; it must be empty.") var out: String
    @Option(help: "The run that a stage is from; by default the newest that has its artifact.") var run:
        String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let isFolder = FileManager.default.fileExists(atPath: embeddings + "/img_emb")
        let folder =
            isFolder
            ? URL(filePath: embeddings, directoryHint: .isDirectory)
            : try ArtifactLookup(store.open()).artifact(of: embeddings, run: run).folder
        let summary = try FolderDraft.write(URL(filePath: out, directoryHint: .isDirectory)) {
            try EmbeddingExport.write(folder.resolvingSymlinksInPath(), to: $0)
        }
        if global.json { return try console.print(json: summary) }
        console.print(
            "\(out): \(Wording.count(summary.rows, "row")) in \(Wording.count(summary.shards, "shard")), "
                + Wording.bytes(summary.bytes))
    }
}
