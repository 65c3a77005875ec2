public import Foundation

/// Two transfer sets in numbers: what they share, class by class, and how their similarities differ.
public struct CurationComparison: Encodable, Sendable {
    /// The counts of one class.
    public struct ClassCounts: Encodable, Hashable, Sendable {
        /// The class, or an empty text for images without one.
        public let name: String
        /// The images of the first set, of the second, and of both.
        public let first, second, common: Int
    }

    /// The nodes that made them.
    public let names: [String]
    /// The images of each.
    public let images: [Int]
    /// Images in both.
    public let common: Int
    /// The share of common images among all.
    public let jaccard: Double
    /// The mean similarity of each set's images to their queries; absent where there is none.
    public let meanSimilarity: [Double?]
    /// By how much the common images are more similar to their query in the second set, on average.
    public let shift: Double?
    /// The counts of each class.
    public let classes: [ClassCounts]

    enum CodingKeys: String, CodingKey {
        case names, images, common, jaccard, shift, classes
        case meanSimilarity = "mean_similarity"
    }

    /// Compares two artifacts of curate stages.
    public init(_ first: URL, _ second: URL) throws {
        let sets = [try InspectedSet(first), try InspectedSet(second)]
        let difference = SetDifference(sets[0], sets[1])
        names = sets.map(\.name)
        images = sets.map(\.table.count)
        common = difference.common
        jaccard = difference.jaccard
        meanSimilarity = [difference.meanLeft, difference.meanRight]
        shift = difference.shift
        classes = difference.perClass.map {
            ClassCounts(name: $0.name, first: $0.left, second: $0.right, common: $0.common)
        }
    }
}
