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
        let exact, near: Int
        let excludedExact, excludedNear: Int?
        let threshold: Double?

        enum CodingKeys: String, CodingKey {
            case exact, near, threshold
            case excludedExact = "excluded_exact"
            case excludedNear = "excluded_near"
        }
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
                    exact: $0.exact, near: $0.near, excludedExact: $0.excludedExact,
                    excludedNear: $0.excludedNear, threshold: $0.threshold)
            } : nil
    }
}
