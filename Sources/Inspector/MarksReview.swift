public import Foundation
import Report
import Search

/// What a marks file says in numbers, and what it would change in the set that it is about.
public struct MarksReview: Encodable, Sendable {
    /// Counts of one class.
    public struct ClassCounts: Encodable, Hashable, Sendable {
        /// The class, or an empty text for images without one.
        public let name: String
        /// Images with each mark.
        public let marks: [String: Int]
    }

    /// Images with each mark.
    public let marks: [String: Int]
    /// The same for each class of the set.
    public let classes: [ClassCounts]
    /// Images of the set that the marks take out; curation refills their places.
    public let leaving: Int
    /// Marked images outside the set that curation would choose first.
    public let entering: Int
    /// Excluded images outside the set: they can no longer come in by a refill.
    public let barred: Int
    /// The queries that lose an image, and how many each loses.
    public let queries: [String: Int]
    /// Lines of the file that stop short and were passed over, with their places.
    public let warnings: [String]

    /// Reads a marks file and compares it with a transfer set.
    public init(marks file: URL, artifact: URL) throws {
        let set = try InspectedSet(artifact)
        let all = try Marks(file: file)
        var perClass: [String: [String: Int]] = [:]
        var (leaving, entering, barred, queries) = (0, 0, 0, [String: Int]())
        for (id, mark) in all.all {
            let image = try set.table.row(of: id).map(set.table.image)
            perClass[image?.queryClass ?? "", default: [:]][mark.rawValue, default: 0] += 1
            switch (image, mark.rulesOut) {
            case (let image?, true):
                leaving += 1
                if let query = image.query { queries[query, default: 0] += 1 }
            case (nil, true): barred += 1
            case (nil, false): entering += mark == .accept ? 1 : 0
            case (_?, false): break
            }
        }
        marks = Dictionary(all.counts.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: +)
        classes = (set.classes + [""]).compactMap { name in
            perClass[name].map { ClassCounts(name: name, marks: $0) }
        }
        (self.leaving, self.entering, self.barred, self.queries) = (leaving, entering, barred, queries)
        warnings = all.warnings
    }

    /// The marks there are, in the order in which they are listed.
    public static let names = Mark.judgements.map(\.rawValue)

    /// Writes the lines of several marks files, ordered by their time, into one, and returns how many there are.
    ///
    /// Of lines that several files share, one is kept; of lines with the same time, the later file's comes later.
    @discardableResult
    public static func merge(_ files: [URL], into output: URL) throws -> Int {
        var seen = Set<MarkEntry>()
        let entries = try files.flatMap { try Marks(file: $0).entries }.filter { seen.insert($0).inserted }
        let sorted = entries.enumerated().sorted {
            ($0.element.time ?? "", $0.offset) < ($1.element.time ?? "", $1.offset)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines = try sorted.reduce(into: Data()) { $0 += try encoder.encode($1.element) + Data("\n".utf8) }
        try FileManager.default.createDirectory(
            at: output.deletingLastPathComponent(), withIntermediateDirectories: true)
        try lines.write(to: output, options: .atomic)
        return sorted.count
    }
}
