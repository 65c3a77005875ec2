/// Which of several images that count as one is kept.
public enum KeepPolicy: String, Hashable, Sendable, CaseIterable {
    /// The most similar to its query.
    case mostSimilar = "most-similar"
    /// The first by `dataset/member`.
    case first
    /// The one with the most pixels.
    case largest
}

/// The chosen images that are no near-duplicates of each other.
///
/// Images are taken in the order of the policy, those that a person has accepted before all others. One that repeats an
/// image taken before it, by embedding or by what it shows, is dropped into that image's group: so all of a group repeat
/// the image that stands for it, and groups do not chain. Memory is that of the repeats that are found.
///
/// What has been admitted stays: a strategy that loses one image takes another in its place and keeps the rest, so
/// every dropped image has its duplicate in the final choice.
struct DistinctImages {
    struct Duplicate {
        var row: Int
        var other: Int
        var similarity: Float
        /// Whether the pixels tell, and not the embeddings.
        var isSamePicture: Bool
    }

    private let request: CurationRequest
    private let gallery: any VectorSource
    private let order: TieOrder
    private var admitted: Set<Int> = []

    init(_ request: CurationRequest, gallery: any VectorSource, order: TieOrder) {
        self.request = request
        self.gallery = gallery
        self.order = order
    }

    /// Whether chosen images are compared with each other at all.
    var isNeeded: Bool { request.duplicateThreshold != nil || evidence != nil }

    private var evidence: (any PerceptualEvidence)? {
        request.comparesChosenPictures ? request.evidence : nil
    }

    /// Admits the images not seen before, in the order of the policy, and returns those that repeat one.
    mutating func admit(_ selections: [Selection]) throws -> [Duplicate] {
        let new = sorted(selections.filter { !admitted.contains($0.galleryRow) })
        let compared = admitted.sorted() + new
        var duplicates: [Duplicate] = []
        // Chunks bound the memory: each is compared with everything, one block at a time.
        for start in stride(from: 0, to: new.count, by: 4096) {
            let chunk = start..<min(start + 4096, new.count)
            let repeats = try repeats(of: chunk, of: new, in: compared)
            for (row, found) in zip(chunk.map { new[$0] }, repeats) {
                let known = found.filter { admitted.contains($0.other) }
                if let best = known.min(by: precedes) {
                    duplicates.append(best)
                } else {
                    admitted.insert(row)
                }
            }
        }
        return duplicates
    }

    /// The surest repeat first: the same picture, then the most similar.
    private func precedes(_ a: Duplicate, _ b: Duplicate) -> Bool {
        a.isSamePicture == b.isSamePicture
            ? order.precedes(
                Neighbour(row: a.other, similarity: a.similarity),
                Neighbour(row: b.other, similarity: b.similarity))
            : a.isSamePicture
    }

    /// Rows in the order in which they are admitted.
    private func sorted(_ selections: [Selection]) -> [Int] {
        func precedes(_ a: Selection, _ b: Selection) -> Bool {
            let (x, y) = (request.images[a.galleryRow], request.images[b.galleryRow])
            let (isFirst, isSecond) = (request.marks[x.id] == .accept, request.marks[y.id] == .accept)
            if isFirst != isSecond { return isFirst }
            switch request.keep {
            case .mostSimilar: break
            case .first: if x.source != y.source { return x.source < y.source }
            case .largest:
                let (area, other) = (x.width * x.height, y.width * y.height)
                if area != other { return area > other }
            }
            return order.precedes(
                Neighbour(row: a.galleryRow, similarity: a.similarity ?? 0),
                Neighbour(row: b.galleryRow, similarity: b.similarity ?? 0))
        }
        return selections.sorted(by: precedes).map(\.galleryRow)
    }

    /// What each row of a chunk repeats of all that is compared.
    private func repeats(of chunk: Range<Int>, of new: [Int], in compared: [Int]) throws -> [[Duplicate]] {
        let rows = Array(new[chunk])
        var repeats = [[Duplicate]](repeating: [], count: rows.count)
        if let threshold = request.duplicateThreshold {
            let found = try ExactSearch.neighbours(
                atLeast: threshold, of: gallery.table(rows: rows),
                in: VectorSubset(gallery, rows: compared))
            for (place, neighbours) in found.enumerated() {
                repeats[place] += neighbours.map {
                    Duplicate(
                        row: rows[place], other: compared[$0.row], similarity: $0.similarity,
                        isSamePicture: false)
                }
            }
        }
        if let evidence {
            let before = compared.count - new.count + chunk.lowerBound
            let matches = try PerceptualSearch.matches(
                of: rows.map { .pool($0) }, among: compared.map { .pool($0) }, by: evidence
            ) { place, other in other >= before + place }
            for match in matches {
                repeats[match.row].append(
                    Duplicate(
                        row: rows[match.row], other: compared[match.other], similarity: match.resemblance,
                        isSamePicture: true))
            }
        }
        return repeats
    }
}
