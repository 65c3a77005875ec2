/// A line of `transfer-set.jsonl`: one chosen image.
public struct TransferSetRow: Codable, Hashable, Sendable {
    /// The content id.
    public var id: String
    /// `dataset/member`.
    public var source: String
    /// The data set's node.
    public var dataset: String
    /// The image's name within it.
    public var member: String
    /// The width in pixels.
    public var width: Int
    /// The height in pixels.
    public var height: Int
    /// Of part of an image: its first column, first row, columns and rows, as its names have them, too.
    public var box: [Int]?
    /// The content id of the query it was chosen for.
    public var query: String?
    /// That query's class.
    public var queryClass: String?
    /// Its place by the strategy's ranking, from 1.
    public var rank: Int
    /// Its similarity to that query.
    public var similarity: Float?
    /// Why it was chosen, in words.
    public var reason: String

    enum CodingKeys: String, CodingKey {
        case id, source, dataset, member, width, height, box, query, rank, similarity, reason
        case queryClass = "query_class"
    }
}

/// A line of `dropped.jsonl`: an image that was ruled out.
public struct DroppedRow: Codable, Hashable, Sendable {
    /// The content id.
    public var id: String
    /// `dataset/member`.
    public var source: String
    /// The step of the funnel that dropped it.
    public var step: FunnelStep.Name
    /// Why, in words.
    public var reason: String
    /// The image it duplicates, as `dataset/member`.
    public var other: String?
    /// The similarity to that image.
    public var similarity: Float?
    /// The content id of the image that stands for its group of duplicates.
    public var group: String?
}

/// An entry of `funnel.json`: how many images a step kept.
public struct FunnelStep: Codable, Hashable, Sendable {
    /// The steps, in order.
    public enum Name: String, Codable, Hashable, Sendable, CaseIterable {
        case pool, candidates, negatives, unique, leakage, marks, dedup, final
    }

    /// The step.
    public var step: Name
    /// The number of images that passed.
    public var kept: Int
    /// The number of images that did not.
    public var dropped: Int
    /// What the step does, in words.
    public var note: String
}

/// A line of `queries.jsonl`: a query and its neighbours on both sides of the cut.
public struct QueryRow: Codable, Hashable, Sendable {
    /// The content id.
    public var id: String
    /// `dataset/member`.
    public var source: String
    /// The class, by name.
    public var className: String?
    /// The class, as a number.
    public var label: Int?
    /// The text, where the query is one and no image.
    public var text: String?
    /// Neighbours by rank: those chosen for this query, and the nearest that nobody chose.
    public var neighbours: [NeighbourRow]

    enum CodingKeys: String, CodingKey {
        case id, source, label, text, neighbours
        case className = "class"
    }
}

/// One neighbour of a query.
public struct NeighbourRow: Codable, Hashable, Sendable {
    /// The content id.
    public var id: String
    /// `dataset/member`.
    public var source: String
    /// The similarity to the query.
    public var similarity: Float
    /// Its place among the eligible images by similarity to the query, from 1.
    public var rank: Int
    /// Whether it is in the transfer set.
    public var selected: Bool
}
