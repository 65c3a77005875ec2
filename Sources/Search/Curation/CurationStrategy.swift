/// A rule that chooses images from a pool.
public protocol CurationStrategy: Sendable {
    /// The word for it in a pipeline file.
    static var name: String { get }

    /// Chooses `count` different eligible images, in an order that depends on content alone.
    func select(_ count: Int, from pool: CandidatePool) throws -> StrategyResult
}

/// One chosen image.
public struct Selection: Hashable, Sendable {
    /// Its row in the gallery.
    public var galleryRow: Int
    /// The query it was chosen for, or is nearest to; nil without queries.
    public var queryRow: Int?
    /// Its place, from 1, in the order in which the strategy ranks images; see the strategy.
    public var rank: Int
    /// The similarity to that query.
    public var similarity: Float?
    /// Why it was chosen, in words.
    public var reason: String

    /// Creates a selection.
    public init(galleryRow: Int, queryRow: Int?, rank: Int, similarity: Float?, reason: String) {
        self.galleryRow = galleryRow
        self.queryRow = queryRow
        self.rank = rank
        self.similarity = similarity
        self.reason = reason
    }
}

/// What a strategy chose.
public struct StrategyResult: Hashable, Sendable {
    /// The chosen images.
    public var selections: [Selection]
    /// What a reader should know about the choice.
    public var notes: [String]

    /// Creates a result.
    public init(_ selections: [Selection], notes: [String] = []) {
        self.selections = selections
        self.notes = notes
    }
}
