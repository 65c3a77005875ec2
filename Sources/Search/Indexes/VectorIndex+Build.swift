/// What `index.json` says about an index.
public struct IndexDescription: Codable, Hashable, Sendable {
    /// The factory string, with `auto` resolved.
    public var factory: String
    /// The number of rows.
    public var count: Int
    /// The number of values in a row.
    public var dimension: Int
    /// The measure of similarity: always `inner_product`.
    public var metric: String
    /// Search parameters set on top of FAISS's defaults.
    public var parameters: [String: Int]
    /// The share of true neighbours found; nil when it was not measured.
    public var recall: Recall?

    /// Creates a description.
    public init(
        factory: String, count: Int, dimension: Int, metric: String = "inner_product",
        parameters: [String: Int] = [:], recall: Recall? = nil
    ) {
        self.factory = factory
        self.count = count
        self.dimension = dimension
        self.metric = metric
        self.parameters = parameters
        self.recall = recall
    }
}

extension VectorIndex {
    /// Builds an index over all rows of a source, reading it block by block, and measures its recall.
    ///
    /// The training sample is every so many-th row (at least 65,536 rows and 256 a list where there are as many), so
    /// the result depends on the rows alone. Rows that are not `scaled` are indexed as they are, and their recall is
    /// left to be measured on real queries.
    /// - Parameters:
    ///   - checkpoint: where the index is kept while it is made, and found again; what was learned and added is not
    ///     done twice, and the result is the same (but for the graph of `HNSW`, whose levels are drawn anew).
    ///   - progress: called with the rows that are in the index; what it throws leaves a checkpoint.
    public static func build(
        over source: some VectorSource, factory: String = "auto", rule: IndexRule = IndexRule(),
        scaled: Bool = true, checkpoint: IndexCheckpoint? = nil,
        progress: (_ added: Int) throws -> Void = { _ in }
    ) throws -> (index: VectorIndex, description: IndexDescription) {
        let resolved = rule.factory(factory, count: source.count, dimension: source.dimension)
        let index =
            try checkpoint?.load(resolved, for: source)
            ?? VectorIndex(factory: resolved, dimension: source.dimension)
        if try !index.isTrained {
            let wanted = max(256 * (IndexRule.lists(in: resolved) ?? 0), 65_536)
            let step = max(1, (source.count + wanted - 1) / wanted)
            let sample = try source.table(rows: Array(stride(from: 0, to: source.count, by: step)))
            try index.train(on: scaled ? unit(sample) : sample)
            try checkpoint?.save(index, resolved)
        }
        var added = try index.count
        func add(_ rows: Int, _ block: UnsafeBufferPointer<Float>) throws {
            try index.add(VectorTable(Array(block), dimension: source.dimension, name: source.name))
            added += rows
            do {
                try progress(added)
            } catch {
                try checkpoint?.save(index, resolved)
                throw error
            }
            try checkpoint?.saveNowAndThen(index, resolved)
        }
        if scaled {
            try source.forEachUnitBlock(from: added) { try add($0.count, $1) }
        } else {
            try source.forEachBlock(from: added) { try add($0.count, UnsafeBufferPointer($1)) }
        }
        var parameters: [String: Int] = [:]
        if let probes = IndexRule.probes(for: resolved) {
            parameters["nprobe"] = probes
            try index.set("nprobe", to: probes)
        }
        let description = IndexDescription(
            factory: resolved, count: source.count, dimension: source.dimension, parameters: parameters,
            recall: scaled ? try Recall.measure(index, over: source) : nil)
        return (index, description)
    }
}
