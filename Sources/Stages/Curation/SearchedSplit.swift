internal import Diagnostics
internal import Engine
internal import Search
internal import Vision

/// The embedded images of one split of a data set.
struct EmbeddedSplit {
    let name: String
    let rows: [EmbeddingSet.Row]
    let vectors: VectorTable

    init(
        _ set: ImageSet, rows all: [EmbeddingSet.Row], shards: EmbeddingShards, purpose: String
    ) throws {
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

/// Queries with their vectors, from one artifact: images that were embedded with the pool, or texts.
struct SearchedSet {
    let queries: [QueryImage]
    let vectors: VectorTable

    /// - Throws: a `Diagnostic` for images without an embedding, and for texts that cannot be compared with the pool.
    init(
        _ set: QuerySet, in embeddings: EmbeddingSet, rows: [EmbeddingSet.Row], shards: EmbeddingShards,
        purpose: String
    ) throws {
        switch set {
        case .images(let images):
            let split = try EmbeddedSplit(images, rows: rows, shards: shards, purpose: purpose)
            let classes = images.classes
            queries = split.rows.map { row in
                QueryImage(
                    id: row.id, source: row.source, label: row.label,
                    className: row.label.flatMap { classes.indices.contains($0) ? classes[$0] : nil })
            }
            vectors = split.vectors
        case .texts(let texts):
            let stored = try StoredEncoder(of: embeddings, store: embeddings.location.store)
            // Weights that are gone from the store matter no more: the texts have their vectors.
            if let refusal = stored.refusalOfTexts, stored.space == nil { throw refusal }
            guard try texts.encoderDigest() == stored.digest else {
                throw Diagnostic(
                    "'\(texts.location.node)' (\(purpose)) was embedded by another model than '\(stored.node)', and their vectors cannot be compared",
                    hint: "give both stages the same model:", exitCode: .badData)
            }
            queries = try texts.queries()
            vectors = try texts.vectors()
        }
    }

    /// Joins sets in their order; their own labels are kept by the first alone, since those of others are numbers of
    /// other classes.
    static func joined(_ sets: [SearchedSet], dimension: Int) -> (queries: [QueryImage], vectors: VectorTable)
    {
        let queries = sets.enumerated().flatMap { number, set in
            set.queries.map { query in
                var query = query
                if number > 0 { (query.label, query.className) = (nil, nil) }
                return query
            }
        }
        return (queries, VectorTable(sets.flatMap(\.vectors.values), dimension: dimension))
    }
}
