internal import Dispatch

/// An image that is compared: of the pool, or one that a student is measured on.
public enum ImagePlace: Hashable, Sendable {
    /// A row of the pool.
    case pool(Int)
    /// A place in the evaluation sets, counted through all of them in order.
    case evaluated(Int)
}

/// What perceptual comparison has to know of images: hashes to find candidates by, and pixels to judge them by.
public protocol PerceptualEvidence {
    /// The difference hashes of an image, two words each: of ``PerceptualSearch/windows`` windows, the whole image first,
    /// then of the same windows mirrored.
    func fingerprint(of image: ImagePlace) throws -> [UInt64]

    /// How alike two images are when one is laid over the other: 1 for the same picture, 0 for nothing in common.
    func resemblance(_ a: ImagePlace, _ b: ImagePlace) throws -> Float
}

/// Two images that show the same.
struct PerceptualMatch: Hashable {
    var row: Int
    var other: Int
    var resemblance: Float
}

/// Finds images that are the same picture, recompressed, resized, brightened, mirrored or cropped by a tenth.
///
/// Hashes propose, pixels decide: pairs whose hashes differ in few bits are compared cell by cell. All of one image is
/// held against all and against five windows of the other, so either may be a crop of the other. For every pair of
/// images, that is an exclusive or and a count of bits for each of 22 pairs of hashes.
public enum PerceptualSearch {
    /// The number of windows of an image that are hashed.
    public static let windows = 6
    /// The words of a hash.
    static let words = 2
    /// Hashes that differ in more of their 128 bits propose nothing.
    ///
    /// Of 1,000 photographs of 64 pixels cropped by a tenth of their sides, 99.4 % are found, and 97.4 % with 28 bits;
    /// of 50 million unrelated pairs, 23,000 are compared by their pixels, and 7,400 with 28.
    static let distance = 31
    /// The resemblance from which two images count as one picture; of those 50 million pairs none reaches it.
    public static let resemblance: Float = 0.97
    /// So many candidates of an image are compared by their pixels, the closest hashes first.
    static let candidates = 32

    /// Which images of `rows` show what which of `others` show, row by row.
    ///
    /// - Parameter skipping: pairs, by place, that are not compared.
    static func matches(
        of rows: [ImagePlace], among others: [ImagePlace], by evidence: any PerceptualEvidence,
        skipping: (_ row: Int, _ other: Int) -> Bool = { _, _ in false }
    ) throws -> [PerceptualMatch] {
        guard !rows.isEmpty, !others.isEmpty else { return [] }
        let prints = try others.flatMap { try evidence.fingerprint(of: $0) }
        var matches: [PerceptualMatch] = []
        for start in stride(from: 0, to: rows.count, by: 8192) {
            let block = start..<min(start + 8192, rows.count)
            let own = try block.flatMap { try evidence.fingerprint(of: rows[$0]).prefix(words * windows) }
            for (row, found) in zip(block, proposals(own, prints)) {
                for other in found.filter({ !skipping(row, $0) }).prefix(candidates) {
                    let resemblance = try evidence.resemblance(rows[row], others[other])
                    guard resemblance >= Self.resemblance else { continue }
                    matches.append(PerceptualMatch(row: row, other: other, resemblance: resemblance))
                }
            }
        }
        return matches
    }

    /// For each of some images, those whose hashes are close, closest first.
    private static func proposals(_ own: [UInt64], _ prints: [UInt64]) -> [[Int]] {
        let step = words * windows
        let count = own.count / step
        return [[Int]](unsafeUninitializedCapacity: count) { lists, initialized in
            // Each iteration writes its own element and reads what none writes.
            nonisolated(unsafe) let lists = lists
            own.withUnsafeBufferPointer { own in
                prints.withUnsafeBufferPointer { prints in
                    nonisolated(unsafe) let (own, prints) = (own, prints)
                    DispatchQueue.concurrentPerform(iterations: count) { row in
                        let hashes = UnsafeBufferPointer(rebasing: own[row * step..<(row + 1) * step])
                        lists.initializeElement(at: row, to: close(to: hashes, among: prints))
                    }
                }
            }
            initialized = count
        }
    }

    private static func close(
        to hashes: UnsafeBufferPointer<UInt64>, among prints: UnsafeBufferPointer<UInt64>
    ) -> [Int] {
        var found: [(distance: Int, other: Int)] = []
        let step = 2 * words * windows
        func distance(_ own: Int, _ other: Int) -> Int {
            (hashes[own] ^ prints[other]).nonzeroBitCount
                + (hashes[own + 1] ^ prints[other + 1]).nonzeroBitCount
        }
        for other in 0..<prints.count / step {
            let start = other * step
            var least = 128
            for window in stride(from: 0, to: step, by: words) {
                least = min(least, distance(0, start + window))
            }
            for window in stride(from: words, to: words * windows, by: words) {
                least = min(least, distance(window, start), distance(window, start + words * windows))
            }
            if least <= Self.distance { found.append((least, other)) }
        }
        return found.sorted { $0 < $1 }.map(\.other)
    }
}
