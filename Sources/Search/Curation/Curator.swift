internal import Diagnostics

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
        pool.queryClasses = request.queries.map(\.className)
        pool.searchCheckpoint = request.searchCheckpoint
        if request.hasCrops { pool.crops = CropRule(ids: request.images.ids) }
        var funnel = Funnel(images: request.images)

        try checkpoint("comparing the pool with the queries")
        let nearest = try pool.nearest()
        funnel.drop(dissimilar(request, nearest), at: .candidates)
        if request.negatives != nil {
            try checkpoint("comparing the pool with what is not wanted")
            funnel.drop(try negative(request, nearest, kept: funnel.kept), at: .negatives)
        }
        funnel.drop(repeated(request.images, kept: funnel.kept), at: .unique)
        try checkpoint("comparing the pool with validation and test images")
        let search = try LeakSearch(request)
        let leaks =
            search.isNeeded ? try search.find(among: funnel.kept.indices.filter { funnel.kept[$0] }) : []
        funnel.drop(leaks.filter { !$0.isAccepted }.map(\.drop), at: .leakage)
        pool.exclude(funnel.kept.indices.filter { !funnel.kept[$0] })
        // Clusters are found before marks rule anything out, so that marks change only what they are about.
        pool.settle()
        let marked = ruledOut(request, kept: funnel.kept)
        funnel.drop(marked, at: .marks)
        pool.exclude(marked.map(\.row))

        let count = request.size.count(queries: request.queries.count)
        let queued = leaks.count(where: \.isQueued)
        if count > pool.eligibleCount, queued > 0 {
            throw Diagnostic(
                "\(count) images are asked for, but only \(pool.eligibleCount) of \(request.images.count) may be chosen: "
                    + "\(queued) wait for a mark, because they may be of a validation or test split",
                hint:
                    "ask for fewer, mark them, or set leakage: to a cosine above \(search.threshold ?? 1), or to null"
            )
        }
        let chosen = try choose(count, from: pool, request, checkpoint)
        funnel.drop(chosen.duplicates, at: .dedup)
        let selections = chosen.result.selections

        try checkpoint("describing the choice")
        let report = CurationReport(request: request, pool: pool, selections: selections)
        return CurationResult(
            selections: selections, transferSet: report.transferSet(),
            funnel: funnel.steps(notes(request, search, chosen.result), final: selections.count),
            dropped: funnel.dropped,
            queries: try report.queries(), similarity: try report.similarity(nearest: nearest),
            balance: Balance(selections, queries: request.queries, classes: request.classes),
            leakage: try search.certificate(leaks, of: selections), classes: request.classes,
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
        var distinct = DistinctImages(request, gallery: pool.gallery, order: pool.galleryOrder)
        while true {
            try checkpoint("choosing images")
            var result = try request.strategy.select(count, from: pool)
            try AcceptedImages(request, pool).insert(into: &result.selections)
            guard distinct.isNeeded else { return (result, []) }
            let found = try distinct.admit(result.selections)
            if found.isEmpty { return (result, duplicates) }
            pool.exclude(found.map(\.row))
            duplicates += found.map { duplicate in
                let kept = request.images[duplicate.other]
                return Funnel.Drop(
                    row: duplicate.row,
                    reason: duplicate.isSamePicture
                        ? "the same picture as an image already chosen"
                        : "nearly the same as an image already chosen",
                    other: kept.source, similarity: duplicate.similarity, group: kept.id)
            }
        }
    }

    private static func dissimilar(_ request: CurationRequest, _ nearest: [Neighbour]) -> [Funnel.Drop] {
        guard let minimum = request.minimumSimilarity, !nearest.isEmpty else { return [] }
        return nearest.indices.filter { nearest[$0].similarity < minimum }.map { row in
            Funnel.Drop(
                row: row, reason: "less similar than \(minimum) to every query",
                similarity: nearest[row].similarity)
        }
    }

    private static func negative(
        _ request: CurationRequest, _ nearest: [Neighbour], kept: [Bool]
    ) throws -> [Funnel.Drop] {
        guard let negatives = request.negatives, negatives.vectors.count > 0 else { return [] }
        let found = try ExactSearch.nearest(
            to: request.gallery, among: negatives.vectors, checkpoint: request.searchCheckpoint)
        return kept.indices.filter { row in
            guard kept[row] else { return false }
            let positive = nearest.isEmpty ? -1 : nearest[row].similarity
            return found[row].similarity > positive + negatives.margin
        }
        .map { row in
            Funnel.Drop(
                row: row, reason: "nearer to an image of what is not wanted than to every query",
                other: negatives.sources[found[row].row], similarity: found[row].similarity)
        }
    }

    private static func ruledOut(_ request: CurationRequest, kept: [Bool]) -> [Funnel.Drop] {
        guard request.marks.effective.contains(where: \.mark.rulesOut) else { return [] }
        return request.images.enumerated().compactMap { row, image in
            guard kept[row], let mark = request.marks[image.id], mark.rulesOut else { return nil }
            return Funnel.Drop(row: row, reason: "marked as \(mark.rawValue)")
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
                similarity: 1, group: images[row].id)
        }
    }

    private static func notes(
        _ request: CurationRequest, _ search: LeakSearch, _ result: StrategyResult
    ) -> [FunnelStep.Name: String] {
        let leakage =
            ["without the content of a validation or test image"]
            + (search.comparesPictures ? ["nor the picture of one"] : [])
            + (search.threshold.map { ["nor a cosine of \($0) or more with one unless it is accepted"] } ?? [])
        let isCompared = request.comparesChosenPictures && request.evidence != nil
        let dedup =
            (request.duplicateThreshold.map { ["with a cosine of \($0) or more"] } ?? [])
            + (isCompared ? ["of the same picture"] : [])
        let strategy = type(of: request.strategy).name
        var notes: [FunnelStep.Name: String] = [
            .pool: "all images with an embedding",
            .candidates: request.minimumSimilarity.map { "at least \($0) similar to a query" }
                ?? "all of them",
            .unique: "one of each content",
            .leakage: leakage.joined(separator: ", "),
            .dedup: dedup.isEmpty
                ? "chosen images are not compared with each other"
                : "chosen images \(dedup.joined(separator: ", or ")) count as one",
            .final: ([strategy] + result.notes).joined(separator: ": "),
        ]
        if request.hasCrops {
            notes[.pool] = "all images with an embedding, and their parts"
            notes[.final] = (notes[.final] ?? "") + ", at most one part of an image for each query"
        }
        if request.negatives != nil { notes[.negatives] = "not nearer to what is not wanted than to a query" }
        if !request.marks.effective.isEmpty { notes[.marks] = "not ruled out by a person" }
        return notes
    }
}
