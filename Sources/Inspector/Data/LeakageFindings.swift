import Report

/// What the leakage check found, in the form of this version or of the one before.
///
/// Now: what each tier left in the set, and the images that were excluded, that wait for a person's decision, and
/// that a person has accepted. Before: what was left in the set (`exact`, `near`), what was excluded, and all of it as `pairs`.
struct LeakageFindings: Decodable, Sendable {
    /// How a pair was found.
    enum Tier: String, Sendable, CaseIterable { case exact, perceptual, embedding }

    /// What became of a pair.
    enum State: Hashable, Sendable {
        case excluded
        /// It waits for a person's decision, and is kept out until then.
        case queued
        /// A person has looked at it, and it may be chosen.
        case accepted
    }

    /// A pool image and the evaluated image that it repeats.
    struct Pair: Hashable, Sendable {
        var id: String
        var source: String
        /// The evaluated image, as `dataset/member`.
        var other: String
        /// The id under which the evaluated image can be shown.
        var otherID: String
        var similarity: Double?
        var split: String?
        var tier: Tier
        var state: State
    }

    /// How many each tier found in the pool; a tier that was not applied has none.
    let counts: [Tier: Int]
    let threshold: Double?
    let calibration: String?
    let pairs: [Pair]
    /// The evaluated and pool images of the pairs, by id.
    let places: [String: ImageReference]

    private struct Row: Decodable {
        var id: String
        var source: String
        var other: String
        var otherID: String?
        var similarity: Double?
        var split: String?
        var tier: String?

        enum CodingKeys: String, CodingKey {
            case id, source, other, similarity, split, tier
            case otherID = "other_id"
        }
    }

    private enum CodingKeys: String, CodingKey {
        case exact, near, perceptual, embedding, threshold, calibration, excluded, queued, accepted, pairs
        case excludedExact = "excluded_exact"
        case excludedNear = "excluded_near"
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func count(_ key: CodingKeys) -> Int { (try? values.decode(Int.self, forKey: key)) ?? 0 }
        threshold = try values.decodeIfPresent(Double.self, forKey: .threshold)
        let lists: [(rows: [Row], state: State)]
        if values.contains(.excluded) {
            lists = [
                (try values.decode([Row].self, forKey: .excluded), .excluded),
                (try values.decodeIfPresent([Row].self, forKey: .queued) ?? [], .queued),
                (try values.decodeIfPresent([Row].self, forKey: .accepted) ?? [], .accepted),
            ]
            var counts: [Tier: Int] = [:]
            for tier in Tier.allCases {
                let key = CodingKeys(rawValue: tier.rawValue)
                // Null says that the tier was not applied.
                guard let key, try values.decodeIfPresent(Int.self, forKey: key) != nil else { continue }
                counts[tier] = lists.reduce(0) { $0 + $1.rows.count { $0.tier == tier.rawValue } }
            }
            self.counts = counts
        } else {
            counts = [
                .exact: count(.exact) + count(.excludedExact),
                .embedding: count(.near) + count(.excludedNear),
            ]
            lists = [((try? values.decode([Row].self, forKey: .pairs)) ?? [], .excluded)]
        }
        calibration = (try? values.decode(Text.self, forKey: .calibration))?.text
        pairs = lists.flatMap { rows, state in
            rows.map { row in
                // An evaluated image without a content id gets one from its place, so that it can be shown.
                Pair(
                    id: row.id, source: row.source, other: row.other,
                    otherID: row.otherID ?? "at-" + String(TextHash.hash(row.other), radix: 16),
                    similarity: row.similarity, split: row.split,
                    tier: row.tier.flatMap(Tier.init) ?? (row.similarity ?? 1 >= 1 ? .exact : .embedding),
                    state: state)
            }
        }
        var places: [String: ImageReference] = [:]
        for pair in pairs {
            places[pair.otherID] = ImageReference(id: pair.otherID, source: pair.other)
            places[pair.id] = ImageReference(id: pair.id, source: pair.source)
        }
        self.places = places
    }

    /// A value of any shape, in words.
    private struct Text: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            if let map = try? [String: Text](from: decoder) {
                text = map.sorted { $0.key < $1.key }.map {
                    "\($0.key.replacing("_", with: " ")) \($0.value.text)"
                }
                .joined(separator: ", ")
            } else {
                let value = try decoder.singleValueContainer()
                if let number = try? value.decode(Double.self) {
                    text = Format.short(number)
                } else {
                    text = try value.decode(String.self)
                }
            }
        }
    }
}
