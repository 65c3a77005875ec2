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
