/// Ids of parts of images: the image's id, and the rectangle behind it as in `9c1e…#xywh=8,0,16,16`.
public enum CropID {
    private static let mark = "#xywh="

    /// The id of the image that a part belongs to; of a whole image its own.
    public static func image(of id: String) -> String {
        rectangle(of: id).map { String(id[..<$0.start]) } ?? id
    }

    /// The first column, the first row, the columns and the rows of a part; nil for a whole image.
    public static func box(of id: String) -> [Int]? { rectangle(of: id)?.numbers }

    private static func rectangle(of id: String) -> (start: String.Index, numbers: [Int])? {
        guard let mark = id.ranges(of: mark).last else { return nil }
        let words = id[mark.upperBound...].split(separator: ",", omittingEmptySubsequences: false)
        let numbers = words.compactMap { Int($0) }
        return words.count == 4 && numbers.count == 4 ? (mark.lowerBound, numbers) : nil
    }
}

/// At most one part of an image for each query: the whole image counts as a part of itself.
///
/// Different queries may take different parts of an image, as two things on one photograph may be alike to two queries.
public struct CropRule: Sendable {
    /// The number of each row's image.
    let images: [Int32]

    init(ids: some Collection<String>) {
        var numbers: [String: Int32] = [:]
        images = ids.map { id in
            let image = CropID.image(of: id)
            let number = numbers[image] ?? Int32(numbers.count)
            numbers[image] = number
            return number
        }
    }

    /// The parts that come first, in whatever order they are asked about.
    func firstParts() -> FirstParts { FirstParts(images: images) }

    /// Admits the first part of an image for a query, and no other.
    struct FirstParts {
        private struct Pair: Hashable {
            let image: Int32
            let query: Int
        }

        let images: [Int32]
        private var seen: Set<Pair> = []

        init(images: [Int32]) { self.images = images }

        mutating func admits(_ row: Int, _ query: Int) -> Bool {
            seen.insert(Pair(image: images[row], query: query)).inserted
        }
    }
}
