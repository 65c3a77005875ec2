/// The images most similar to any query, however few queries they belong to.
///
/// An image's score is its similarity to its nearest query. A selection's rank is the image's place among all
/// eligible images by that score.
public struct BestMatch: CurationStrategy {
    /// The word for it in a pipeline file.
    public static let name = "best-match"

    /// Creates the strategy.
    public init() {}

    /// Chooses `count` different eligible images.
    public func select(_ count: Int, from pool: CandidatePool) throws -> StrategyResult {
        try pool.checkQueries(for: Self.name)
        try pool.checkBudget(count)
        let nearest = try pool.nearest()
        let ranked = nearest.indices.filter { pool.eligible[$0] }
            .map { Neighbour(row: $0, similarity: nearest[$0].similarity) }
            .sorted(by: pool.galleryOrder.precedes)
        var parts = pool.crops?.firstParts()
        var chosen: [(place: Int, image: Neighbour)] = []
        for (place, image) in ranked.enumerated() {
            guard chosen.count < count else { break }
            if parts?.admits(image.row, nearest[image.row].row) ?? true { chosen.append((place, image)) }
        }
        guard chosen.count == count else { throw pool.shortage(count, chosen.count) }
        return StrategyResult(
            chosen.map { place, image in
                Selection(
                    galleryRow: image.row, queryRow: nearest[image.row].row, rank: place + 1,
                    similarity: image.similarity,
                    reason: "place \(place + 1) of \(ranked.count) by similarity")
            })
    }
}
