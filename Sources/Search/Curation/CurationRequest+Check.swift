internal import Diagnostics

extension CurationRequest {
    /// Finds everything that makes the request impossible, before the first long pass.
    func check() throws(Problems) {
        var problems = Problems()
        func compare(_ rows: Int, _ items: Int, _ what: String) {
            guard rows != items else { return }
            problems.report(
                Diagnostic("\(what): \(rows) embeddings but \(items) images", exitCode: .badData))
        }
        compare(gallery.count, images.count, "pool")
        compare(queryVectors.count, queries.count, "queries")
        for set in evaluation {
            compare(set.vectors.count, set.ids.count, set.split)
            compare(set.sources.count, set.ids.count, set.split)
        }
        if let negatives { compare(negatives.vectors.count, negatives.sources.count, "negatives") }
        let others =
            evaluation.map { ($0.split, $0.vectors) } + (negatives.map { [("negatives", $0.vectors)] } ?? [])
        for (name, vectors) in [("queries", queryVectors)] + others
        where vectors.count > 0 && gallery.count > 0 && vectors.dimension != gallery.dimension {
            problems.report(
                Diagnostic(
                    "\(name): embeddings of \(vectors.dimension) values, but the pool's have \(gallery.dimension)",
                    hint: "embed both with the same checkpoint", exitCode: .badData))
        }
        if size.count(queries: queries.count) < 1 {
            problems.report(Diagnostic("a transfer set needs at least one image"))
        }
        try problems.check()
    }
}
