/// Neighbours by a FAISS index that is built for the occasion, for vectors as they are.
public struct IndexedNeighbours: Sendable {
    /// What the index found.
    public var neighbours: NeighbourTable
    /// The index: its factory string with `auto` resolved, and its parameters.
    public var description: IndexDescription
    /// The seconds that training and adding took.
    public var buildSeconds: Double
    /// The seconds that searching took.
    public var searchSeconds: Double

    /// Builds an index over a gallery and searches it.
    /// - Throws: a ``FaissError`` for a factory string that FAISS refuses, and what reading throws.
    public init(
        _ k: Int, of queries: VectorTable, in gallery: some VectorSource, factory: String,
        rule: IndexRule = IndexRule()
    ) throws {
        try ExactSearch.checkDimensions(queries, gallery)
        let clock = ContinuousClock()
        let start = clock.now
        let (index, description) = try VectorIndex.build(
            over: gallery, factory: factory, rule: rule, scaled: false)
        let built = clock.now
        neighbours = NeighbourTable(try index.search(queries, k: k), k: k)
        self.description = description
        buildSeconds = (built - start).inSeconds
        searchSeconds = (clock.now - built).inSeconds
    }
}

extension Duration {
    /// This duration in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
