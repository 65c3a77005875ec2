internal import Diagnostics
internal import Engine
internal import Foundation
internal import Search
internal import Training

/// Builds a FAISS index over embeddings and measures what it finds.
struct BuildIndex: Stage {
    static let name: StageName = "index"
    static let revision = 1
    static let summary = "Builds a FAISS index over embeddings and measures its recall."

    @Input("The embeddings.") var embeddings: EmbeddingSet
    @Setting("FAISS's factory string; auto is exact while the vectors fit the memory budget.")
    var factory = "auto"
    @Setting("The memory that auto may use for exact search, in MiB.", in: 1...) var memoryBudget = 2048
    @Setting("The recall at 10, against exact search, below which the stage fails.", in: 0...1)
    var minRecall = 0.0

    func run(in context: StageContext) throws -> SearchIndex {
        _ = try context.prepareDevice()
        let shards = try embeddings.shards()
        let (index, description) = try VectorIndex.build(
            over: shards, factory: factory, rule: IndexRule(memoryBudget: memoryBudget << 20),
            checkpoint: IndexCheckpoint(in: context.state)
        ) { try context.advance(to: $0, of: shards.count) }
        if let recall = description.recall {
            context.fact("recall", recall.value)
            guard recall.value >= minRecall else {
                throw Diagnostic(
                    "index \(description.factory) finds \(recall.value) of the true neighbours, less than min_recall = \(minRecall)",
                    at: context.sourceLocation(of: "min_recall"),
                    hint: "choose a finer index (factory: Flat is exact) or lower min_recall",
                    exitCode: .gateFailed)
            }
        }
        try index.write(to: context.output.appending(path: SearchIndex.indexFile))
        try JSONFiles.write(description, to: context.output.appending(path: SearchIndex.descriptionFile))
        try Data((embeddings.location.directory.lastPathComponent + "\n").utf8)
            .write(to: context.output.appending(path: SearchIndex.embeddingsFile), options: .atomic)
        context.count("vectors", description.count)
        context.count("dimension", description.dimension)
        return try SearchIndex(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }
}
