/// A pool image that repeats a validation or test image.
struct Leak {
    var row: Int
    var isExact: Bool
    var other: String
    var split: String
    var similarity: Float

    var drop: Funnel.Drop {
        Funnel.Drop(
            row: row, reason: isExact ? "the content of an image of \(split)" : "nearly an image of \(split)",
            other: other, similarity: similarity)
    }
}

/// Finds validation and test images in a pool: by content, and by similarity where a threshold is given.
struct LeakSearch {
    private let threshold: Float?
    private let splits: [String]
    private let sources: [String]
    private let vectors: VectorTable?
    private let order: TieOrder
    private var rows: [String: Int] = [:]

    init(_ sets: [EvaluationSet], threshold: Float?) {
        self.threshold = threshold
        splits = sets.flatMap { set in set.ids.map { _ in set.split } }
        sources = sets.flatMap(\.sources)
        let ids = sets.flatMap(\.ids)
        order = TieOrder(ids: ids)
        for (row, id) in ids.enumerated() where rows[id] == nil { rows[id] = row }
        vectors = sets.first.map { first in
            VectorTable(
                sets.flatMap(\.vectors.values), dimension: first.vectors.dimension,
                name: sets.map(\.split).joined(separator: ", "))
        }
    }

    /// The leaks among the images that are still in the running, by row: the nearest original of each.
    func find(among images: PoolImages, in gallery: any VectorSource, kept: [Bool]) throws -> [Leak] {
        guard let vectors, vectors.count > 0 else { return [] }
        var nearest: [Neighbour] = []
        if threshold != nil { nearest = try ExactSearch.nearest(to: gallery, among: vectors, order: order) }
        return images.indices.filter { kept[$0] }.compactMap { row in
            if let other = rows[images[row].id] {
                return Leak(
                    row: row, isExact: true, other: sources[other], split: splits[other], similarity: 1)
            }
            guard let threshold, nearest[row].similarity >= threshold else { return nil }
            let other = nearest[row].row
            return Leak(
                row: row, isExact: false, other: sources[other], split: splits[other],
                similarity: nearest[row].similarity)
        }
    }
}

/// The chosen images that are no near-duplicates of each other.
///
/// What has been admitted stays: a strategy that loses one image takes another in its place and keeps the rest, so
/// every dropped image has its duplicate in the final choice.
struct DistinctImages {
    struct Duplicate {
        var row: Int
        var other: Int
        var similarity: Float
    }

    private let gallery: any VectorSource
    private let order: TieOrder
    private var admitted: Set<Int> = []

    init(gallery: any VectorSource, order: TieOrder) {
        self.gallery = gallery
        self.order = order
    }

    /// Admits the images not seen before, the most similar to their query first, and returns those that repeat one.
    mutating func admit(_ selections: [Selection], threshold: Float) throws -> [Duplicate] {
        let new = selections.filter { !admitted.contains($0.galleryRow) }
            .map { Neighbour(row: $0.galleryRow, similarity: $0.similarity ?? 0) }
            .sorted(by: order.precedes).map(\.row)
        let compared = admitted.sorted() + new
        var duplicates: [Duplicate] = []
        // Chunks bound the memory: each is compared with everything, one block at a time.
        for start in stride(from: 0, to: new.count, by: 4096) {
            let chunk = Array(new[start..<min(start + 4096, new.count)])
            let found = try ExactSearch.neighbours(
                atLeast: threshold, of: gallery.table(rows: chunk), in: VectorSubset(gallery, rows: compared))
            for (row, neighbours) in zip(chunk, found) {
                let repeats = neighbours.map { Neighbour(row: compared[$0.row], similarity: $0.similarity) }
                    .filter { admitted.contains($0.row) }
                if let other = repeats.min(by: order.precedes) {
                    duplicates.append(Duplicate(row: row, other: other.row, similarity: other.similarity))
                } else {
                    admitted.insert(row)
                }
            }
        }
        return duplicates
    }
}
