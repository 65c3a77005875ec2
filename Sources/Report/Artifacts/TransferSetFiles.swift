import Diagnostics
import Foundation

/// A curated transfer set, as its files tell it.
struct TransferSetFiles: Sendable {
    let folder: ArtifactFolder
    var record: ArtifactFacts?
    var rows: [TransferRow]
    var classes: [String]
    var funnel: [FunnelStep]
    var dropped: [DroppedImage]
    var queries: [QueryNeighbours]
    var similarity: SimilarityCounts?
    var balance: Balance
    var leakage: Leakage?

    /// Reads the folder; only `transfer-set.jsonl` has to be there.
    init(_ url: URL) throws {
        folder = ArtifactFolder(url: url)
        guard let rows = try folder.rows("transfer-set.jsonl", as: TransferRow.self) else {
            throw Diagnostic(
                "\(url.path) holds no transfer-set.jsonl", hint: "name the artifact of a 'curate' stage",
                exitCode: .inputMissing)
        }
        self.rows = rows
        record = try folder.json("artifact.json")
        classes = try folder.text("classes.txt")?.split(separator: "\n").map(String.init) ?? []
        funnel = try folder.json("funnel.json") ?? []
        dropped = try folder.rows("dropped.jsonl") ?? []
        queries = try folder.rows("queries.jsonl") ?? []
        similarity = try folder.json("similarity.json")
        balance = try folder.json("balance.json") ?? Balance(of: rows)
        leakage = try folder.json("leakage.json")
    }

    /// The pipeline node that made it.
    var name: String { record?.node ?? folder.url.lastPathComponent }

    /// The classes that images were retrieved for, in the order of `classes.txt`.
    var retrievedClasses: [String] {
        let present = Set(rows.compactMap(\.queryClass))
        return classes.filter(present.contains) + present.subtracting(classes).sorted()
    }

    /// What the set was compared with, as the pipeline file names it; nil when that is not recorded.
    var comparedWith: [String]? {
        record?.inputs.map { inputs in
            inputs.filter { $0.name == "exclude" }.map { $0.node + ($0.selector.map { ".\($0)" } ?? "") }
        }
    }

    /// Whether there is anything to certify: comparing with nothing finds nothing.
    var isChecked: Bool { leakage != nil && comparedWith?.isEmpty != true }

    /// Pairs of an evaluated image and an image that is in the set after all, and that nobody has accepted.
    var leaks: [Leakage.Pair] {
        let ids = Set(rows.map(\.id))
        let accepted = Set((leakage?.accepted ?? []).map(\.id))
        return (leakage?.found ?? []).filter { ids.contains($0.id) && !accepted.contains($0.id) }
    }

    /// How many transfer images repeat an evaluated image; the pairs may not be listed.
    var leakCount: Int { max(leaks.count, leakage?.left ?? 0) }

    /// Where each query was found, by its content id.
    var querySources: [String: String] {
        Dictionary(queries.map { ($0.id, $0.source) }, uniquingKeysWith: { first, _ in first })
    }

    /// How many distinct queries found at least one image.
    var queryCount: Int { Set(rows.compactMap(\.query)).count }
}

/// One image of a transfer set and why it is there.
package struct TransferRow: Decodable, Sendable {
    package var id: String
    package var source: String
    package var dataset: String?
    package var member: String?
    package var width: Int?
    package var height: Int?
    package var query: String?
    package var queryClass: String?
    package var rank: Int?
    package var similarity: Double?
    package var reason: String?

    enum CodingKeys: String, CodingKey {
        case id, source, dataset, member, width, height, query, rank, similarity, reason
        case queryClass = "query_class"
    }

    package var image: ImageReference {
        ImageReference(id: id, source: source, dataset: dataset, member: member)
    }
}

/// One step of curation and what it left over.
package struct FunnelStep: Decodable, Sendable {
    package var step: String
    package var kept: Int
    package var dropped: Int?
    package var note: String?
}

/// An image that curation left out, and the other image that was the reason.
package struct DroppedImage: Decodable, Sendable {
    package var id: String
    package var source: String
    package var step: String
    package var reason: String
    package var other: String?
    package var similarity: Double?
    /// The image that it counts as one with.
    package var group: String?

    package var image: ImageReference { ImageReference(id: id, source: source) }
}

/// A query and what was nearest to it, on both sides of the cut.
package struct QueryNeighbours: Decodable, Sendable {
    package struct Neighbour: Decodable, Sendable {
        package var id: String
        package var source: String
        package var similarity: Double
        package var rank: Int
        package var selected: Bool
    }

    package var id: String
    package var source: String
    package var className: String?
    package var label: Int?
    /// The text, where the query is one and no image.
    package var text: String?
    package var neighbours: [Neighbour]

    enum CodingKeys: String, CodingKey {
        case id, source, label, text, neighbours
        case className = "class"
    }
}

/// Histograms of the similarity to the nearest query, all over the same edges.
package struct SimilarityCounts: Decodable, Sendable {
    package var edges: [Double]
    package var selected: [Double]?
    package var candidates: [Double]?
    package var randomPool: [Double]?
    package var test: [Double]?

    enum CodingKeys: String, CodingKey {
        case edges, selected, candidates, test
        case randomPool = "random_pool"
    }
}

/// How evenly the images are spread over queries and classes.
struct Balance: Decodable, Sendable {
    struct PerQuery: Decodable, Sendable {
        var min: Double
        var max: Double
        var mean: Double
        var gini: Double
        var effective: Double
    }

    var perQuery: PerQuery?
    var perClass: [String: Int]?

    enum CodingKeys: String, CodingKey {
        case perQuery = "per_query"
        case perClass = "per_class"
    }
}

/// What the leakage check found: what it left in the set, which should be nothing, and what it kept out.
///
/// Certificates of earlier versions know only contents and embeddings, and list all pairs together.
struct Leakage: Decodable, Sendable {
    struct Pair: Decodable, Sendable {
        var id: String
        var source: String
        var other: String
        var similarity: Double?
        var split: String?
        var tier: String?
        var decision: String?
    }

    struct Calibration: Decodable, Sendable {
        var quantile: Double
        var images: Int
        var median: Double?
        var largest: Double?
    }

    var exact: Int
    var perceptual: Int?
    var embedding: Int?
    var threshold: Double?
    var calibration: Calibration?
    var excluded: [Pair]?
    var queued: [Pair]?
    var accepted: [Pair]?

    private var near: Int?
    private var excludedExact: Int?
    private var excludedNear: Int?
    private var pairs: [Pair]?

    enum CodingKeys: String, CodingKey {
        case exact, perceptual, embedding, threshold, calibration, excluded, queued, accepted, near, pairs
        case excludedExact = "excluded_exact"
        case excludedNear = "excluded_near"
    }

    /// How many transfer images repeat an evaluated one.
    var left: Int {
        // The first version counted what it had found.
        if excluded == nil, excludedExact == nil { return 0 }
        return exact + (perceptual ?? 0) + (embedding ?? near ?? 0)
    }

    /// Everything that was found in the pool, surest first.
    var found: [Pair] { pairs ?? (excluded ?? []) + (queued ?? []) + (accepted ?? []) }

    /// How many images of the pool each tier found, surest first.
    var foundByTier: [(tier: String, count: Int)] {
        guard excluded != nil else {
            return [("exact", exact + (excludedExact ?? 0)), ("near", (near ?? 0) + (excludedNear ?? 0))]
        }
        let counts = Dictionary(found.map { ($0.tier ?? "", 1) }, uniquingKeysWith: +)
        return [("exact", exact), ("perceptual", perceptual), ("embedding", embedding)].compactMap {
            $1 == nil ? nil : ($0, counts[$0] ?? 0)
        }
    }

    /// What the pool held, in words.
    var foundInWords: String {
        foundByTier.map { "\($0.count) \($0.tier)" }.joined(separator: ", ")
    }
}

extension Balance {
    /// The balance of a set whose `balance.json` is not there.
    init(of rows: [TransferRow]) {
        perClass = Dictionary(rows.compactMap(\.queryClass).map { ($0, 1) }, uniquingKeysWith: +)
        let counts = Dictionary(rows.compactMap(\.query).map { ($0, 1) }, uniquingKeysWith: +).values.sorted()
        guard let first = counts.first, let last = counts.last else { return }
        let total = Double(counts.reduce(0, +))
        let number = Double(counts.count)
        let weighted = counts.enumerated().reduce(0.0) { $0 + Double($1.offset + 1) * Double($1.element) }
        let entropy = -counts.reduce(0.0) { $0 + Double($1) / total * log(Double($1) / total) }
        perQuery = PerQuery(
            min: Double(first), max: Double(last), mean: total / number,
            gini: 2 * weighted / (number * total) - (number + 1) / number, effective: exp(entropy))
    }
}
