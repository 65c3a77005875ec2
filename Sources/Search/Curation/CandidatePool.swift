internal import Diagnostics

/// The images a strategy may choose from, and what it may ask about them.
///
/// Similarities are computed when they are first asked for, and kept: excluding more images costs no new search.
public final class CandidatePool {
    /// The embeddings of the queries.
    public let queries: VectorTable
    /// The content id of each query.
    public let queryIDs: [String]
    /// The embeddings of the pool.
    public let gallery: any VectorSource
    /// The content id of each image of the pool.
    public let galleryIDs: PoolIDs
    /// The class of each query, where it has one.
    public var queryClasses: [String?] = []
    /// Which rows are of one image, where some are parts of images; nil where each is an image of its own.
    public var crops: CropRule?
    /// Keeps what long searches have found; nil keeps nothing.
    public var searchCheckpoint: SearchCheckpoint?
    /// Decides between images of equal similarity.
    public let galleryOrder: TieOrder
    /// Decides between queries of equal similarity.
    public let queryOrder: TieOrder
    /// Whether each image may be chosen.
    public private(set) var eligible: [Bool]
    /// The number of images that may be chosen.
    public private(set) var eligibleCount: Int

    /// The images that were eligible when the first list was asked for; the lists name these.
    private lazy var searchable = eligible
    private lazy var searchableCount = searchable.count { $0 }
    private var lists: [[Neighbour]]
    private var nearestQueries: [Neighbour]?
    private var foundation: [Bool]?
    private var clusterCentres: VectorTable?

    /// Creates a pool; without a mask, every image is eligible.
    public init(
        queries: VectorTable, queryIDs: [String], gallery: any VectorSource,
        galleryIDs: some Collection<String>,
        eligible: [Bool]? = nil
    ) {
        precondition(
            queries.count == queryIDs.count && gallery.count == galleryIDs.count
                && (eligible?.count ?? gallery.count) == gallery.count,
            "vectors, ids and mask differ in number: this is a bug in Retort")
        self.queries = queries
        self.queryIDs = queryIDs
        self.gallery = gallery
        self.galleryIDs = PoolIDs(galleryIDs)
        galleryOrder = self.galleryIDs.order
        queryOrder = TieOrder(ids: queryIDs)
        self.eligible = eligible ?? Array(repeating: true, count: gallery.count)
        eligibleCount = self.eligible.count { $0 }
        lists = Array(repeating: [], count: queries.count)
    }

    /// Takes images out of the pool.
    public func exclude(_ rows: some Sequence<Int>) {
        for row in rows where eligible[row] {
            eligible[row] = false
            eligibleCount -= 1
        }
    }

    /// Remembers which images are eligible now, as those that clusters are found among.
    func settle() { foundation = eligible }

    /// The cluster centres of the pool, found once and then kept.
    ///
    /// - Parameter find: finds centres among the images that were eligible when the pool was settled.
    func clusters(_ find: (_ eligible: [Bool]) throws -> VectorTable) rethrows -> VectorTable {
        if let clusterCentres { return clusterCentres }
        let found = try find(foundation ?? eligible)
        clusterCentres = found
        return found
    }

    /// The most similar query of each image of the pool; empty without queries.
    public func nearest() throws -> [Neighbour] {
        if let nearestQueries { return nearestQueries }
        let found = try ExactSearch.nearest(
            to: gallery, among: queries, order: queryOrder, checkpoint: searchCheckpoint)
        nearestQueries = found
        return found
    }

    /// The nearest images of a query, best first, as far as they are known.
    ///
    /// Images excluded since the first list was made are still in it.
    func neighbours(of query: Int) -> [Neighbour] { lists[query] }

    /// Whether a query's list names every image there is.
    func isComplete(_ query: Int) -> Bool { lists[query].count >= searchableCount }

    /// Makes the lists of some queries at least `count` long, as far as there are images.
    func extend(_ chosen: [Int], to count: Int) throws {
        let count = min(count, searchableCount)
        let short = chosen.filter { lists[$0].count < count }
        guard !short.isEmpty else { return }
        let found = try ExactSearch.topK(
            count, for: queries.table(rows: short), in: gallery, eligible: searchable, order: galleryOrder,
            checkpoint: searchCheckpoint)
        for (query, list) in zip(short, found) { lists[query] = list }
    }

    /// Throws when more images are asked for than there are.
    func checkBudget(_ count: Int) throws(Diagnostic) {
        guard count > eligibleCount else { return }
        throw Diagnostic(
            "\(count) images are asked for, but only \(eligibleCount) of \(gallery.count) may be chosen",
            hint: "ask for fewer, or add images to the pool")
    }

    /// What is thrown when the parts of images run out, of which a query takes one of each image.
    func shortage(_ count: Int, _ found: Int) -> Diagnostic {
        Diagnostic(
            "\(count) images are asked for, but only \(found) may be chosen: no query takes two parts of an image",
            hint: "ask for fewer, or add images to the pool")
    }

    /// Throws when a strategy needs queries and there are none.
    func checkQueries(for strategy: String) throws(Diagnostic) {
        guard queries.count == 0 else { return }
        throw Diagnostic("strategy '\(strategy)' needs at least one query")
    }
}
