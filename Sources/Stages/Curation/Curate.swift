internal import Diagnostics
internal import Engine
internal import Foundation
internal import Search
internal import Training
internal import Vision

/// Retrieves a transfer set from a pool: the images most useful for a task of which a few examples are at hand.
///
/// The strategies are those of Vemulapalli et al. 2023: query-balanced retrieval takes equally many images for
/// every query. Candidates are always compared exactly, by streamed matrix products.
struct Curate: Stage {
    static let name: StageName = "curate"
    static let revision = 1
    static let summary = "Retrieves a transfer set from a pool, by similarity to the images of the task."

    /// The rule that chooses.
    enum Strategy: String, CaseIterable, SettingValue {
        case queryBalanced = "query-balanced"
        case bestMatch = "best-match"
        case random
    }

    @Input("The index over pool and task images.") var index: SearchIndex
    @Input("The images for which similar ones are sought.", role: .queries) var queries: ImageSet
    @Input("Images that must not come back, nor copies of them.", role: .exclusion, isOptional: true)
    var exclude: [ImageSet]
    @Setting("The rule that chooses.") var strategy: Strategy = .queryBalanced
    @Setting("The number of images in all.", in: 1...) var size: Int?
    @Setting("The number of images for each query, in place of size.", in: 1...) var perQuery: Int?
    @Setting("Cosine from which two chosen images count as one; null keeps both.", in: 0...1) var dedup:
        Double?
    @Setting(
        "Cosine from which an image counts as a copy of an excluded one; null compares content alone.",
        in: 0...1)
    var leakage: Double? = 0.98
    @Setting("Images less similar to every query are not candidates.", in: -1...1) var minSimilarity: Double?
    @Setting("Decides the choice of random, and the samples in the report.", in: 0...) var seed = 0

    func validate() throws { try requireOne(size != nil, perQuery != nil, "size", "per_query") }

    func run(in context: StageContext) throws -> TransferSet {
        _ = try context.prepareDevice()
        let embeddings = try index.embeddings()
        let shards = try embeddings.shards()
        let rows = try embeddings.rows(of: shards)
        let task = try EmbeddedSplit(queries, rows: rows, shards: shards, purpose: "queries")
        // Images of the data sets that supply the queries are never candidates.
        let excludedDatasets = Set([queries.location.node] + exclude.map(\.location.node))
        let gallery = rows.indices.filter { !excludedDatasets.contains(rows[$0].dataset) }
        guard !gallery.isEmpty else {
            throw Diagnostic(
                "there is no pool: every embedded image belongs to the data sets of the queries or of exclude",
                at: context.sourceLocation(of: "index"), hint: "embed a pool, too: images: [pool, target]",
                exitCode: .badData)
        }
        let classes = queries.classes
        var request = CurationRequest(
            gallery: VectorSubset(shards, rows: gallery),
            images: gallery.map { rows[$0] }.map {
                PoolImage(
                    id: $0.id, dataset: $0.dataset, member: $0.member, width: $0.width, height: $0.height)
            },
            queryVectors: task.vectors,
            queries: task.rows.map { row in
                QueryImage(
                    id: row.id, source: "\(row.dataset)/\(row.member)", label: row.label,
                    className: row.label.flatMap { classes.indices.contains($0) ? classes[$0] : nil })
            },
            size: perQuery.map { .perQuery($0) } ?? .total(size ?? 0), strategy: rule)
        request.classes = classes
        request.duplicateThreshold = dedup.map(Float.init)
        request.leakageThreshold = leakage.map(Float.init)
        request.minimumSimilarity = minSimilarity.map(Float.init)
        request.seed = UInt64(seed)
        request.evaluation = try exclude.map { set in
            let split = try EmbeddedSplit(set, rows: rows, shards: shards, purpose: "exclude")
            return EvaluationSet(
                split: split.name, ids: split.rows.map(\.id),
                sources: split.rows.map { "\($0.dataset)/\($0.member)" }, vectors: split.vectors)
        }
        var phase = 0
        let result = try Curator.curate(request) { doing in
            context.log(doing)
            phase += 1
            try context.advance(to: min(phase, 5), of: 6)
        }
        try result.write(to: context.output)
        try Datasets(of: [embeddings.location, queries.location]).write(to: context.output)
        for note in result.notes { context.log(note) }
        for (name, count) in result.counts.sorted(by: { $0.key < $1.key }) { context.count(name, count) }
        context.fact("leakage", ["exact": result.leakage.exact, "near": result.leakage.near])
        try context.advance(to: 6, of: 6)
        return try TransferSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }

    private var rule: any CurationStrategy {
        switch strategy {
        case .queryBalanced: QueryBalanced()
        case .bestMatch: BestMatch()
        case .random: RandomSelection(seed: UInt64(seed))
        }
    }
}

/// The embeddings of one split of a data set.
private struct EmbeddedSplit {
    let name: String
    let rows: [EmbeddingSet.Row]
    let vectors: VectorTable

    init(_ set: ImageSet, rows all: [EmbeddingSet.Row], shards: EmbeddingShards, purpose: String) throws {
        let wanted = Set(try set.records().map(\.member))
        let dataset = set.location.node
        let indices = all.indices.filter { all[$0].dataset == dataset && wanted.contains(all[$0].member) }
        name = dataset + (set.location.selector.map { ".\($0)" } ?? "")
        guard indices.count == wanted.count else {
            throw Diagnostic(
                "\(wanted.count - indices.count) of the \(wanted.count) images of '\(name)' (\(purpose)) have no embedding",
                hint: "let the embed stage read '\(dataset)', too: images: [pool, \(dataset)]",
                exitCode: .badData)
        }
        rows = indices.map { all[$0] }
        vectors = try shards.table(rows: indices)
    }
}
