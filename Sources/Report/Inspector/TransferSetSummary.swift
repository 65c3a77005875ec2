import Foundation

/// A transfer set in numbers, for programs: what `retort inspect --json` prints.
public struct TransferSetSummary: Encodable, Sendable {
    /// One step of curation.
    struct Step: Encodable {
        let step: String
        let kept: Int
        let dropped: Int?
    }

    /// What the leakage check left in the set, and what it kept out.
    struct LeakageCounts: Encodable {
        let exact: Int
        let perceptual, embedding: Int?
        let threshold: Double?
        let found: [String: Int]
        let queued, accepted: Int
    }

    let node: String
    let artifact: String
    let images: Int
    let queries: Int
    let funnel: [Step]
    let perClass: [String: Int]
    let imagesPerQuery: [String: Double]?
    let leakage: LeakageCounts?

    enum CodingKeys: String, CodingKey {
        case node, artifact, images, queries, funnel, leakage
        case perClass = "per_class"
        case imagesPerQuery = "images_per_query"
    }

    init(_ set: TransferSetFiles) {
        node = set.name
        artifact = set.folder.url.path
        images = set.rows.count
        queries = set.queryCount
        funnel = set.funnel.map { Step(step: $0.step, kept: $0.kept, dropped: $0.dropped) }
        perClass = set.balance.perClass ?? [:]
        imagesPerQuery = set.balance.perQuery.map {
            ["min": $0.min, "max": $0.max, "mean": $0.mean, "gini": $0.gini, "effective": $0.effective]
        }
        leakage =
            set.isChecked
            ? set.leakage.map {
                LeakageCounts(
                    exact: $0.exact, perceptual: $0.perceptual, embedding: $0.embedding,
                    threshold: $0.threshold,
                    found: Dictionary(uniqueKeysWithValues: $0.foundByTier.map { ($0.tier, $0.count) }),
                    queued: $0.queued?.count ?? 0, accepted: $0.accepted?.count ?? 0)
            } : nil
    }
}
