import Diagnostics
import Foundation
import Report

extension QueryNeighbours {
    /// The neighbours in order of rank, up to the last that was chosen, and those after it.
    var cut: (taken: [Neighbour], missed: [Neighbour]) {
        let sorted = neighbours.sorted { ($0.rank, $0.id) < ($1.rank, $1.id) }
        let last = sorted.lastIndex { $0.selected } ?? -1
        return (Array(sorted.prefix(last + 1)), Array(sorted.dropFirst(last + 1)))
    }
}

/// `queries.jsonl`: who the queries are, and where each image occurs among their neighbours.
struct QueryTable: Sendable {
    /// What is kept of each query.
    struct Entry: Sendable {
        let offset: Int
        let id: String
        let source: String
        let className: String?
        /// The text, where the query is one and no image.
        var text: String?
        /// How many neighbours are in the transfer set.
        var selected = 0
        /// The similarity of the nearest neighbour.
        var best = Float.nan
    }

    private let file: MappedFile?
    private(set) var entries: [Entry] = []
    private var index: [String: Int] = [:]
    /// Each neighbour's hashed id and the number of its query, in order of the hash.
    private var occurrences: [(id: UInt64, query: UInt32)] = []

    /// Reads the file; a set without one has no queries.
    init(_ folder: URL) throws {
        file = try MappedFile(folder.appending(path: "queries.jsonl"))
        guard let file else { return }
        var scanner = RowScanner(file.bytes, 0..<file.bytes.count)
        while scanner.peek() != 0 {
            let offset = scanner.position
            do throws(RowScanner.Malformed) {
                try read(&scanner, at: offset)
            } catch {
                throw file.damage(at: offset, "it is not valid JSON")
            }
        }
        occurrences.sort { ($0.id, $0.query) < ($1.id, $1.query) }
        for (number, entry) in entries.enumerated() { index[entry.id] = number }
        file.release()
    }

    private mutating func read(_ scanner: inout RowScanner, at offset: Int) throws(RowScanner.Malformed) {
        var (id, source, className, text) = ("", "", String?.none, String?.none)
        var (selected, best) = (0, Float.nan)
        let number = UInt32(entries.count)
        try scanner.expect(UInt8(ascii: "{"))
        var isFirst = true
        while let key = try scanner.key(isFirst: &isFirst) {
            if scanner.holds(key, "id") {
                id = scanner.text(try scanner.string())
            } else if scanner.holds(key, "source") {
                source = scanner.text(try scanner.string())
            } else if scanner.holds(key, "class") {
                className = try scanner.optionalString().map { scanner.text($0) }
            } else if scanner.holds(key, "text") {
                text = try scanner.optionalString().map { scanner.text($0) }
            } else if scanner.holds(key, "neighbours") {
                try scanner.expect(UInt8(ascii: "["))
                while !scanner.take(UInt8(ascii: "]")) {
                    let neighbour = try neighbour(&scanner)
                    occurrences.append((neighbour.id, number))
                    selected += neighbour.isSelected ? 1 : 0
                    if !(neighbour.similarity <= best) { best = neighbour.similarity }
                    _ = scanner.take(UInt8(ascii: ","))
                }
            } else {
                try scanner.skipValue()
            }
        }
        entries.append(
            Entry(
                offset: offset, id: id, source: source, className: className, text: text, selected: selected,
                best: best))
    }

    private func neighbour(_ scanner: inout RowScanner) throws(RowScanner.Malformed)
        -> (id: UInt64, similarity: Float, isSelected: Bool)
    {
        var (id, similarity, isSelected) = (UInt64(0), Float.nan, false)
        try scanner.expect(UInt8(ascii: "{"))
        var isFirst = true
        while let key = try scanner.key(isFirst: &isFirst) {
            if scanner.holds(key, "id") {
                id = scanner.hash(try scanner.string())
            } else if scanner.holds(key, "similarity") {
                similarity = Float(try scanner.number())
            } else if scanner.holds(key, "selected") {
                isSelected = scanner.peek() == UInt8(ascii: "t")
                try scanner.skipValue()
            } else {
                try scanner.skipValue()
            }
        }
        return (id, similarity, isSelected)
    }

    /// The number of a query; nil when there is none with this id.
    func number(of id: String) -> Int? { index[id] }

    /// A query with its neighbours.
    func query(_ number: Int) throws -> QueryNeighbours {
        guard let file else { preconditionFailure("a query without a file: this is a bug in Retort") }
        do {
            return try JSONDecoder().decode(
                QueryNeighbours.self, from: Data(file.line(at: entries[number].offset)))
        } catch {
            throw file.damage(at: entries[number].offset, "it is not a query with its neighbours")
        }
    }

    /// The numbers of the queries among whose neighbours an image is.
    func queries(near id: String) -> [Int] {
        let hash = TextHash.hash(id)
        var (low, high) = (0, occurrences.count)
        while low < high {
            let middle = (low + high) / 2
            if occurrences[middle].id < hash { low = middle + 1 } else { high = middle }
        }
        return occurrences[low...].prefix { $0.id == hash }.map { Int($0.query) }
    }

    /// Of images by their hashed ids: the number of queries among whose neighbours each is.
    func occurrenceCounts(of ids: [UInt64]) -> [UInt32] {
        var counts = [UInt64: UInt32](minimumCapacity: ids.count)
        for occurrence in occurrences { counts[occurrence.id, default: 0] += 1 }
        return ids.map { counts[$0] ?? 0 }
    }

    /// From how many queries on an image counts as a hub: four times the mean over the neighbours, and at least eight.
    var hubLimit: Int {
        var different = 0
        for number in occurrences.indices
        where number == 0 || occurrences[number].id != occurrences[number - 1].id {
            different += 1
        }
        return max(8, 4 * occurrences.count / max(1, different))
    }

    /// Where an image lies that is a neighbour of some query, chosen or not.
    func place(of id: String) throws -> ImageReference? {
        for number in queries(near: id).prefix(1) {
            if let found = try query(number).neighbours.first(where: { $0.id == id }) {
                return ImageReference(id: found.id, source: found.source)
            }
        }
        return nil
    }
}
