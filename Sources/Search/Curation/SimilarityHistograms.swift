/// `similarity.json`: how similar images are to their nearest query, in equal bins.
public struct SimilarityHistograms: Codable, Hashable, Sendable {
    /// The limits of the bins, ascending: one more than there are bins.
    public var edges: [Double]
    /// The chosen images, by similarity to the query they were chosen for.
    public var selected: [Int]
    /// All eligible images.
    public var candidates: [Int]
    /// A sample of the whole pool.
    public var randomPool: [Int]
    /// The validation and test images.
    public var test: [Int]

    enum CodingKeys: String, CodingKey {
        case edges, selected, candidates, test
        case randomPool = "random_pool"
    }

    /// Counts similarities in bins 0.02 wide, from the lowest that occurs up to 1.
    init(selected: [Float], candidates: [Float], randomPool: [Float], test: [Float]) {
        let lowest = [selected, candidates, randomPool, test].compactMap { $0.min() }.min() ?? 0
        let first = Self.bin(lowest)
        // Fiftieths, so that the edges are the shortest decimals.
        edges = (first...50).map { Double($0) / 50 }
        func count(_ similarities: [Float]) -> [Int] {
            var counts = [Int](repeating: 0, count: 50 - first)
            for similarity in similarities { counts[Self.bin(similarity) - first] += 1 }
            return counts
        }
        self.selected = count(selected)
        self.candidates = count(candidates)
        self.randomPool = count(randomPool)
        self.test = count(test)
    }

    /// The bin, in fiftieths, that a similarity falls into; 1 belongs to the last.
    private static func bin(_ similarity: Float) -> Int {
        min(49, Int((Double(similarity) * 50).rounded(.down)))
    }
}
