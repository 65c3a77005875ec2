/// Chooses a transfer set: the funnel from pool to selection, and what can be said about it.
///
/// Pure and deterministic: the result depends on the request alone, and, with distinct ids, not on the order of
/// the pool's rows.
public enum Curator {
    /// Carries out a request; `checkpoint` is called between the long passes and may throw to stop.
    public static func curate(
        _ request: CurationRequest, checkpoint: (_ doing: String) throws -> Void = { _ in }
    ) throws -> CurationResult {
        try request.check()
        let pool = CandidatePool(
            queries: request.queryVectors, queryIDs: request.queries.map(\.id), gallery: request.gallery,
            galleryIDs: request.images.ids)
        var funnel = Funnel(images: request.images)

        try checkpoint("comparing the pool with the queries")
        let nearest = try pool.nearest()
        funnel.drop(rejected(request, nearest), at: .candidates)
        funnel.drop(repeated(request.images, kept: funnel.kept), at: .unique)
        try checkpoint("comparing the pool with validation and test images")
        let leaks = try LeakSearch(request.evaluation, threshold: request.leakageThreshold)
            .find(among: request.images, in: request.gallery, kept: funnel.kept)
        funnel.drop(leaks.map(\.drop), at: .leakage)
        pool.exclude(funnel.kept.indices.filter { !funnel.kept[$0] })

        let count = request.size.count(queries: request.queries.count)
        let chosen = try choose(count, from: pool, request, checkpoint)
        funnel.drop(chosen.duplicates, at: .dedup)
        let selections = chosen.result.selections

        try checkpoint("describing the choice")
        let report = CurationReport(request: request, pool: pool, selections: selections)
        return CurationResult(
            selections: selections, transferSet: report.transferSet(),
            funnel: funnel.steps(notes(request, chosen.result), final: selections.count),
            dropped: funnel.dropped,
            queries: try report.queries(), similarity: try report.similarity(nearest: nearest),
            balance: Balance(selections, queries: request.queries, classes: request.classes),
            leakage: leakageReport(leaks, selections, request), classes: request.classes,
            notes: chosen.result.notes)
    }

    /// Runs the strategy until the choice contains no near-duplicates.
    ///
    /// What is dropped leaves the pool, and the strategy runs again: the budget is met by the next in line.
    private static func choose(
        _ count: Int, from pool: CandidatePool, _ request: CurationRequest,
        _ checkpoint: (String) throws -> Void
    ) throws -> (result: StrategyResult, duplicates: [Funnel.Drop]) {
        var duplicates: [Funnel.Drop] = []
        var distinct = DistinctImages(gallery: pool.gallery, order: pool.galleryOrder)
        while true {
            try checkpoint("choosing images")
            let result = try request.strategy.select(count, from: pool)
            guard let threshold = request.duplicateThreshold else { return (result, []) }
            let found = try distinct.admit(result.selections, threshold: threshold)
            if found.isEmpty { return (result, duplicates) }
            pool.exclude(found.map(\.row))
            duplicates += found.map { duplicate in
                Funnel.Drop(
                    row: duplicate.row, reason: "nearly the same as an image already chosen",
                    other: request.images[duplicate.other].source, similarity: duplicate.similarity)
            }
        }
    }

    private static func rejected(_ request: CurationRequest, _ nearest: [Neighbour]) -> [Funnel.Drop] {
        guard !request.rejected.isEmpty || request.minimumSimilarity != nil else { return [] }
        return request.images.enumerated().compactMap { row, image in
            if let reason = request.rejected[image.id] { return Funnel.Drop(row: row, reason: reason) }
            guard let minimum = request.minimumSimilarity, !nearest.isEmpty, nearest[row].similarity < minimum
            else { return nil }
            return Funnel.Drop(
                row: row, reason: "less similar than \(minimum) to every query",
                similarity: nearest[row].similarity)
        }
    }

    /// All but the first, by source, of the images with the same content.
    private static func repeated(_ images: PoolImages, kept: [Bool]) -> [Funnel.Drop] {
        guard !images.ids.areDistinct else { return [] }
        var first: [String: Int] = [:]
        let bySource = images.indices.filter { kept[$0] }
            .sorted { (images[$0].source, $0) < (images[$1].source, $1) }
        return bySource.compactMap { row in
            guard let other = first[images[row].id] else {
                first[images[row].id] = row
                return nil
            }
            return Funnel.Drop(
                row: row, reason: "the same content as another image of the pool",
                other: images[other].source,
                similarity: 1)
        }
    }

    private static func notes(_ request: CurationRequest, _ result: StrategyResult) -> [FunnelStep.Name:
        String]
    {
        let minimum = request.minimumSimilarity.map { "at least \($0) similar to a query, " } ?? ""
        let near = request.leakageThreshold.map { ", or a cosine of \($0) or more with one" } ?? ""
        let dedup = request.duplicateThreshold.map {
            "chosen images with a cosine of \($0) or more count as one"
        }
        let strategy = type(of: request.strategy).name
        return [
            .pool: "all images with an embedding",
            .candidates: "\(minimum)not ruled out by a person",
            .unique: "one of each content",
            .leakage: "without the content of a validation or test image" + near,
            .dedup: dedup ?? "chosen images are not compared with each other",
            .final: ([strategy] + result.notes).joined(separator: ": "),
        ]
    }

    /// Counts the leaks that are left in the choice, which must be none, beside those that were found.
    private static func leakageReport(
        _ leaks: [Leak], _ selections: [Selection], _ request: CurationRequest
    ) -> LeakageReport {
        let chosen = Set(selections.map(\.galleryRow))
        let left = leaks.filter { chosen.contains($0.row) }
        return LeakageReport(
            exact: left.count { $0.isExact }, near: left.count { !$0.isExact },
            excludedExact: leaks.count { $0.isExact } - left.count { $0.isExact },
            excludedNear: leaks.count { !$0.isExact } - left.count { !$0.isExact },
            threshold: request.leakageThreshold,
            pairs: leaks.map { leak in
                let image = request.images[leak.row]
                return LeakageReport.Pair(
                    id: image.id, source: image.source, other: leak.other, similarity: leak.similarity,
                    split: leak.split)
            }
            .sorted { ($1.similarity, $0.source, $0.id) < ($0.similarity, $1.source, $1.id) })
    }
}
