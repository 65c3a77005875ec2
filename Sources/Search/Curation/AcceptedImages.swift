/// The images that a person wants in the transfer set, as far as they may be chosen.
struct AcceptedImages {
    private let request: CurationRequest
    private let pool: CandidatePool
    private let rows: [Int]

    init(_ request: CurationRequest, _ pool: CandidatePool) {
        self.request = request
        self.pool = pool
        let accepted = Set(request.marks.effective.lazy.filter { $0.mark == .accept }.map(\.id))
        rows =
            accepted.isEmpty
            ? []
            : request.images.indices.filter { pool.eligible[$0] && accepted.contains(request.images[$0].id) }
    }

    /// Puts those that were not chosen in the place of others, as few as possible.
    ///
    /// Each takes the place of the last choice of its nearest query, else of the query's class, else of all that no
    /// person has accepted, and its rank with it; so the number of images of every query stays the same.
    func insert(into selections: inout [Selection]) throws {
        guard !rows.isEmpty else { return }
        let accepted = Set(rows)
        let chosen = Set(selections.map(\.galleryRow))
        let nearest = try pool.nearest()
        let missing = rows.filter { !chosen.contains($0) }
            .map { Neighbour(row: $0, similarity: nearest.isEmpty ? 0 : nearest[$0].similarity) }
            .sorted(by: pool.galleryOrder.precedes)
        guard !missing.isEmpty else { return }
        var places = Places(selections, accepted: accepted) { query in
            query.flatMap { pool.queryClasses.indices.contains($0) ? pool.queryClasses[$0] : nil }
        }
        for image in missing {
            let query = nearest.isEmpty ? nil : nearest[image.row].row
            guard let place = places.take(near: query) else { return }
            let old = selections[place]
            selections[place] = Selection(
                galleryRow: image.row, queryRow: query, rank: old.rank,
                similarity: nearest.isEmpty ? nil : image.similarity,
                reason: "accepted by a person, in the place of the last choice for its query")
        }
    }
}

/// The places that may be given to other images, the last choices first.
private struct Places {
    private var byQuery: [Int?: [Int]] = [:]
    private var byClass: [String?: [Int]] = [:]
    private var all: [Int]
    private var gone: Set<Int> = []
    private let className: (Int?) -> String?

    init(_ selections: [Selection], accepted: Set<Int>, className: @escaping (Int?) -> String?) {
        self.className = className
        // The best first: the last of a list is given away first.
        all = selections.indices.filter { !accepted.contains(selections[$0].galleryRow) }.sorted {
            let (a, b) = (selections[$0], selections[$1])
            return (b.similarity ?? 0, a.rank, $0) < (a.similarity ?? 0, b.rank, $1)
        }
        for place in all {
            byQuery[selections[place].queryRow, default: []].append(place)
            byClass[className(selections[place].queryRow), default: []].append(place)
        }
    }

    mutating func take(near query: Int?) -> Int? {
        let found =
            Self.last(&byQuery[query, default: []], gone) ?? Self.last(
                &byClass[className(query), default: []], gone)
            ?? Self.last(&all, gone)
        if let found { gone.insert(found) }
        return found
    }

    private static func last(_ places: inout [Int], _ gone: Set<Int>) -> Int? {
        while let place = places.popLast() {
            if !gone.contains(place) { return place }
        }
        return nil
    }
}
