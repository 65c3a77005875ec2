/// Describes a choice: its rows, the queries' neighbours, and the similarities around it.
struct CurationReport {
    let request: CurationRequest
    let pool: CandidatePool
    let selections: [Selection]

    func transferSet() -> [TransferSetRow] {
        selections.map { selection in
            let image = request.images[selection.galleryRow]
            let query = selection.queryRow.map { request.queries[$0] }
            return TransferSetRow(
                id: image.id, source: image.source, dataset: image.dataset, member: image.member,
                width: image.width, height: image.height,
                box: request.hasCrops ? CropID.box(of: image.id) : nil, query: query?.id,
                queryClass: query?.className,
                rank: selection.rank, similarity: selection.similarity, reason: selection.reason)
        }
    }

    /// Each query with what was chosen for it and the nearest images that nobody chose.
    ///
    /// Chosen images beyond the last of those are left out: they are not neighbours but chance finds of `random`.
    func queries() throws -> [QueryRow] {
        let chosen = Set(selections.map(\.galleryRow))
        let free = pool.eligible.enumerated().map { row, isEligible in isEligible && !chosen.contains(row) }
        let missed = try ExactSearch.topK(
            request.missed, for: pool.queries, in: pool.gallery, eligible: free, order: pool.galleryOrder,
            checkpoint: request.searchCheckpoint)
        var listed = missed
        for selection in selections {
            guard let query = selection.queryRow, let similarity = selection.similarity else { continue }
            let neighbour = Neighbour(row: selection.galleryRow, similarity: similarity)
            let isWithin = missed[query].last.map { pool.galleryOrder.precedes(neighbour, $0) } ?? true
            if isWithin || missed[query].count < request.missed { listed[query].append(neighbour) }
        }
        for query in listed.indices { listed[query].sort(by: pool.galleryOrder.precedes) }
        let ranks = try ExactSearch.ranks(
            of: listed, for: pool.queries, in: pool.gallery, eligible: pool.eligible,
            order: pool.galleryOrder,
            checkpoint: request.searchCheckpoint)
        return zip(request.queries, zip(listed, ranks)).map { query, found in
            QueryRow(
                id: query.id, source: query.source, className: query.className, label: query.label,
                text: query.text,
                neighbours: zip(found.0, found.1).map { neighbour, rank in
                    let image = request.images[neighbour.row]
                    return NeighbourRow(
                        id: image.id, source: image.source, similarity: neighbour.similarity, rank: rank,
                        selected: chosen.contains(neighbour.row))
                })
        }
    }

    func similarity(nearest: [Neighbour]) throws -> SimilarityHistograms {
        let sample = RandomSelection.draw(
            request.randomPoolSample, of: nearest.indices, ids: request.images.ids, seed: request.seed)
        let test = try request.evaluation.flatMap { set in
            try ExactSearch.nearest(to: set.vectors, among: pool.queries, order: pool.queryOrder)
        }
        return SimilarityHistograms(
            selected: selections.compactMap(\.similarity),
            candidates: nearest.indices.filter { pool.eligible[$0] }.map { nearest[$0].similarity },
            randomPool: sample.map { nearest[$0].similarity }, test: test.map(\.similarity))
    }
}
