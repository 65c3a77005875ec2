internal import Diagnostics

/// From which cosine an embedding counts as one of an evaluated image.
public enum LeakageThreshold: Hashable, Sendable {
    /// From as much as tells the evaluated images apart: see ``LeakageCalibration``.
    case calibrated
    /// From a given cosine.
    case cosine(Float)
    /// Embeddings are not compared.
    case off
}

/// A pool image that repeats a validation or test image, or seems to.
struct Leak {
    var row: Int
    var tier: LeakageReport.Tier
    var other: String
    var split: String
    var similarity: Float
    /// What a person decided about the image.
    var mark: Mark?

    /// Whether the image may be chosen after all: surer tiers leave nothing to decide.
    var isAccepted: Bool { tier == .embedding && mark == .accept }
    /// Whether nobody has decided what the image is.
    var isQueued: Bool { tier == .embedding && mark != .accept && mark != .leak }

    var drop: Funnel.Drop {
        let reason =
            switch tier {
            case .exact: "the content of an image of \(split)"
            case .perceptual: "the same picture as an image of \(split)"
            case .embedding:
                isQueued
                    ? "perhaps an image of \(split): waits for a mark" : "an image of \(split), by its mark"
            }
        return Funnel.Drop(row: row, reason: reason, other: other, similarity: similarity)
    }
}

/// Finds validation and test images in a pool: by content, by what they show, and by their embeddings.
struct LeakSearch {
    /// The threshold in force; nil when embeddings are not compared.
    let threshold: Float?
    /// Where it is from, unless it was given.
    let calibration: LeakageCalibration?
    private let request: CurationRequest
    private let ids: [String]
    private let splits: [String]
    private let sources: [String]
    private let vectors: VectorTable?
    private var rows: [String: Int] = [:]

    init(_ request: CurationRequest) throws {
        self.request = request
        let sets = request.evaluation
        splits = sets.flatMap { set in set.ids.map { _ in set.split } }
        sources = sets.flatMap(\.sources)
        ids = sets.flatMap(\.ids)
        for (row, id) in ids.enumerated() where rows[id] == nil { rows[id] = row }
        vectors = sets.first.map { first in
            VectorTable(
                sets.flatMap(\.vectors.values), dimension: first.vectors.dimension,
                name: sets.map(\.split).joined(separator: ", "))
        }
        switch request.leakage {
        case .off: (threshold, calibration) = (nil, nil)
        case .cosine(let cosine): (threshold, calibration) = (cosine, nil)
        case .calibrated:
            calibration = try vectors.flatMap { [ids] in try LeakageCalibration($0, ids: ids) }
            threshold = calibration?.threshold ?? LeakageCalibration.highest
        }
    }

    /// Whether there is anything to compare with.
    var isNeeded: Bool { !ids.isEmpty }

    /// Whether pictures are compared, and not only contents and embeddings.
    var comparesPictures: Bool { evidence != nil }

    private var evidence: (any PerceptualEvidence)? {
        request.comparesEvaluatedPictures ? request.evidence : nil
    }

    /// The leaks among some rows of the pool, in their order: of each the surest finding.
    func find(among candidates: [Int]) throws -> [Leak] {
        guard let vectors, isNeeded else { return [] }
        var found: [Int: Leak] = [:]
        func add(_ row: Int, _ tier: LeakageReport.Tier, _ other: Int, _ similarity: Float) {
            found[row] = Leak(
                row: row, tier: tier, other: sources[other], split: splits[other], similarity: similarity,
                mark: request.marks[request.images[row].id])
        }
        for row in candidates {
            if let other = rows[content(of: row)] { add(row, .exact, other, 1) }
        }
        if let evidence {
            // Pictures are compared whole: what shows part of a leak is one. So one row of an image stands for all.
            var parts: [String: [Int]] = [:]
            if request.hasCrops { parts = Dictionary(grouping: candidates, by: content) }
            let open = candidates.filter {
                found[$0] == nil && (parts.isEmpty || parts[content(of: $0)]?[0] == $0)
            }
            let matches = try PerceptualSearch.matches(
                of: open.map { .pool($0) }, among: ids.indices.map { .evaluated($0) }, by: evidence)
            for match in matches {
                // The other that it resembles most.
                let known = found[open[match.row]]?.similarity ?? 0
                if match.resemblance > known {
                    let row = open[match.row]
                    for row in parts[content(of: row)] ?? [row] {
                        add(row, .perceptual, match.other, match.resemblance)
                    }
                }
            }
        }
        if let threshold {
            let open = candidates.filter { found[$0] == nil }
            let nearest = try ExactSearch.nearest(
                to: VectorSubset(request.gallery, rows: open), among: vectors, order: TieOrder(ids: ids),
                checkpoint: request.searchCheckpoint)
            for (row, neighbour) in zip(open, nearest) where neighbour.similarity >= threshold {
                add(row, .embedding, neighbour.row, neighbour.similarity)
            }
        }
        return candidates.compactMap { found[$0] }
    }

    /// The content id of a row's image, whole.
    private func content(of row: Int) -> String {
        let id = request.images[row].id
        return request.hasCrops ? CropID.image(of: id) : id
    }

    /// The certificate of a choice: what was found in the pool, and what a second look finds in the choice itself.
    func certificate(_ leaks: [Leak], of selections: [Selection]) throws -> LeakageReport {
        let left = try find(among: selections.map(\.galleryRow))
        func count(_ tier: LeakageReport.Tier) -> Int { left.count { $0.tier == tier && !$0.isAccepted } }
        func hits(_ isMeant: (Leak) -> Bool) -> [LeakageReport.Hit] {
            leaks.filter(isMeant).map(hit).sorted {
                ($1.similarity, $0.source, $0.id) < ($0.similarity, $1.source, $1.id)
            }
        }
        return LeakageReport(
            exact: count(.exact), perceptual: comparesPictures ? count(.perceptual) : nil,
            embedding: threshold.map { _ in count(.embedding) }, threshold: threshold,
            calibration: calibration, excluded: hits { !$0.isQueued && !$0.isAccepted },
            queued: hits(\.isQueued), accepted: hits(\.isAccepted))
    }

    private func hit(_ leak: Leak) -> LeakageReport.Hit {
        let image = request.images[leak.row]
        return LeakageReport.Hit(
            id: image.id, source: image.source, other: leak.other, split: leak.split, tier: leak.tier,
            similarity: leak.similarity,
            decision: leak.tier == .embedding && !leak.isQueued ? leak.mark : nil)
    }
}
