/// `leakage.json`: the certificate that a transfer set holds none of the images that the student is measured on.
public struct LeakageReport: Codable, Hashable, Sendable {
    /// How an image was found, from the surest to the least sure.
    public enum Tier: String, Codable, Hashable, Sendable, CaseIterable {
        /// The same bytes.
        case exact
        /// The same picture: recompressed, resized, brightened, mirrored or cropped.
        case perceptual
        /// An embedding more similar than those of different evaluated images are to each other.
        case embedding
    }

    /// One pool image and the evaluated image that it repeats, or seems to.
    public struct Hit: Codable, Hashable, Sendable {
        /// The pool image's content id.
        public var id: String
        /// The pool image, as `dataset/member`.
        public var source: String
        /// The evaluated image, as `dataset/member`.
        public var other: String
        /// The split of the evaluated image.
        public var split: String
        /// How it was found.
        public var tier: Tier
        /// 1 for the same bytes, the resemblance of the pixels, or the cosine of the embeddings.
        public var similarity: Float
        /// What a person decided: `leak`, or `accept`.
        public var decision: Mark?
    }

    /// Images of the transfer set with the content of an evaluated image.
    public var exact: Int
    /// Images of the transfer set that show what an evaluated image shows; null when pictures were not compared.
    public var perceptual: Int?
    /// Images of the transfer set above the threshold that nobody has accepted; null when embeddings were not compared.
    public var embedding: Int?
    /// The cosine from which an embedding counts as one of an evaluated image.
    public var threshold: Float?
    /// Where the threshold is from; null when it was given.
    public var calibration: LeakageCalibration?
    /// Images that are kept out for good: all exact and perceptual hits, and what a person has called a leak.
    public var excluded: [Hit]
    /// Embedding hits that wait for a decision, the most similar first; they are kept out until then.
    public var queued: [Hit]
    /// Embedding hits that a person has accepted: they may be chosen.
    public var accepted: [Hit]

    /// Writes what was not compared as null, so that its key is there.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(exact, forKey: .exact)
        try container.encode(perceptual, forKey: .perceptual)
        try container.encode(embedding, forKey: .embedding)
        try container.encode(threshold, forKey: .threshold)
        try container.encode(calibration, forKey: .calibration)
        try container.encode(excluded, forKey: .excluded)
        try container.encode(queued, forKey: .queued)
        try container.encode(accepted, forKey: .accepted)
    }

    /// The figures for `artifact.json`, by dotted name; what was not compared has none.
    var counts: [String: Int] {
        var counts = [
            "leakage.exact": exact, "leakage.queued": queued.count, "leakage.accepted": accepted.count,
        ]
        for tier in Tier.allCases {
            counts["leakage.excluded_\(tier.rawValue)"] = excluded.count { $0.tier == tier }
        }
        counts["leakage.perceptual"] = perceptual
        counts["leakage.embedding"] = embedding
        // For gates that ask as in earlier versions.
        counts["leakage.near"] = (perceptual ?? 0) + (embedding ?? 0)
        return counts
    }
}

/// How similar different evaluated images are to each other, and the threshold that follows.
///
/// The threshold is a quantile of the cosine of each evaluated image to its nearest neighbour among the others. An
/// unrelated pool image of the same domain is no nearer to them than they are to each other: about a hundredth of
/// such images is queued for nothing.
public struct LeakageCalibration: Codable, Hashable, Sendable {
    /// The quantile that is taken.
    public static let quantile = 0.99
    /// The highest threshold: at 1 not even the same embedding would be told, for rounding.
    static let highest: Float = 0.9999

    /// Whether the encoder takes different evaluated images for the same: then what it says of others means little.
    public var isSaturated: Bool { threshold >= Self.highest }

    /// How it is done.
    public var method: String
    /// The quantile.
    public var quantile: Double
    /// The number of evaluated images.
    public var images: Int
    /// The median cosine to the nearest other image.
    public var median: Float
    /// The largest.
    public var largest: Float
    /// The threshold, rounded up to four digits.
    public var threshold: Float

    /// Measures the evaluated images; nil when there are fewer than two different ones.
    init?(_ vectors: VectorTable, ids: [String]) throws {
        let copies = Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
        guard copies.count > 1 else { return nil }
        let lists = try ExactSearch.topK(
            1 + (copies.values.max() ?? 1), for: vectors, in: vectors, order: TieOrder(ids: ids))
        let nearest = lists.enumerated().compactMap { row, list in
            list.first { ids[$0.row] != ids[row] }?.similarity
        }.sorted()
        func value(at share: Double) -> Float {
            nearest[max(0, Int((share * Double(nearest.count)).rounded(.up)) - 1)]
        }
        method = "quantile of the cosine of each evaluated image to its nearest among the others"
        quantile = Self.quantile
        images = ids.count
        median = value(at: 0.5)
        largest = value(at: 1)
        threshold = min(Self.highest, (value(at: Self.quantile) * 10_000).rounded(.up) / 10_000)
    }
}
