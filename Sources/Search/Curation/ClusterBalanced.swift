/// The same number of images from every cluster of candidates: near the queries, and unlike each other.
///
/// Candidates are the eligible images most similar to any query, four for each image that is wanted. Their embeddings
/// are clustered by spherical k-means, once for a pool; then clusters give images in rounds, each its most similar
/// to any query that is left. A cluster that has no more is passed over. A selection's rank is the image's place in
/// its cluster, its query the nearest one.
public struct ClusterBalanced: CurationStrategy {
    /// The word for it in a pipeline file.
    public static let name = "cluster-balanced"
    /// The candidates for each image that is wanted.
    static let oversampling = 4
    /// The candidates that decide where a centre lies.
    static let sample = 256

    /// The number of clusters; nil takes the square root of the number of images.
    public var clusters: Int?
    /// The seed of k-means.
    public var seed: UInt64

    /// Creates the strategy.
    public init(clusters: Int? = nil, seed: UInt64 = 0) {
        self.clusters = clusters
        self.seed = seed
    }

    /// Chooses `count` different eligible images.
    public func select(_ count: Int, from pool: CandidatePool) throws -> StrategyResult {
        try pool.checkQueries(for: Self.name)
        try pool.checkBudget(count)
        let nearest = try pool.nearest()
        let centres = try pool.clusters { eligible in
            let rows = candidates(count, nearest, eligible, pool).sorted {
                pool.galleryOrder[$0] < pool.galleryOrder[$1]
            }
            let wanted = clusters ?? Int(Double(count).squareRoot().rounded())
            let number = max(1, min(wanted, rows.count))
            let sampled = min(rows.count, number * Self.sample)
            let sample = (0..<sampled).map { rows[$0 * rows.count / sampled] }
            return try KMeans.centroids(of: pool.gallery.table(rows: sample), count: number, seed: seed)
        }
        let rows = candidates(count, nearest, pool.eligible, pool)
        let cluster = try ExactSearch.nearest(
            to: VectorSubset(pool.gallery, rows: rows), among: centres, checkpoint: pool.searchCheckpoint)
        // Candidates come best first, so clusters are numbered by their best image, and their lists are in order.
        var numbers: [Int: Int] = [:]
        var lists: [[Int]] = []
        var parts = pool.crops?.firstParts()
        for (row, centre) in zip(rows, cluster.map(\.row)) where parts?.admits(row, nearest[row].row) ?? true
        {
            let number = numbers[centre] ?? lists.count
            if number == lists.count {
                numbers[centre] = number
                lists.append([])
            }
            lists[number].append(row)
        }
        let admitted = lists.reduce(0) { $0 + $1.count }
        guard admitted >= count else { throw pool.shortage(count, admitted) }
        return StrategyResult(
            choose(count, lists, nearest, pool),
            notes: ["\(lists.count) clusters of the \(rows.count) nearest candidates"])
    }

    /// The eligible images most similar to any query, best first.
    private func candidates(
        _ count: Int, _ nearest: [Neighbour], _ eligible: [Bool], _ pool: CandidatePool
    ) -> [Int] {
        eligible.indices.filter { eligible[$0] }
            .map { Neighbour(row: $0, similarity: nearest[$0].similarity) }
            .sorted(by: pool.galleryOrder.precedes).prefix(Self.oversampling * count).map(\.row)
    }

    private func choose(
        _ count: Int, _ lists: [[Int]], _ nearest: [Neighbour], _ pool: CandidatePool
    ) -> [Selection] {
        var chosen: [(cluster: Int, place: Int)] = []
        var round = 0
        while chosen.count < count {
            let next = lists.indices.filter { round < lists[$0].count }.sorted { a, b in
                let (x, y) = (lists[a][round], lists[b][round])
                return pool.galleryOrder.precedes(
                    Neighbour(row: x, similarity: nearest[x].similarity),
                    Neighbour(row: y, similarity: nearest[y].similarity))
            }
            chosen += next.prefix(count - chosen.count).map { ($0, round) }
            round += 1
        }
        return chosen.sorted { $0 < $1 }.map { cluster, place in
            let row = lists[cluster][place]
            return Selection(
                galleryRow: row, queryRow: nearest[row].row, rank: place + 1,
                similarity: nearest[row].similarity,
                reason: "place \(place + 1) of \(lists[cluster].count) in cluster \(cluster + 1)")
        }
    }
}
