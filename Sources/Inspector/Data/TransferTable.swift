import Diagnostics
import Foundation
import Report
import Synchronization

/// The rows of a transfer set as columns: what sorting, filtering and counting need, about 50 bytes for each image.
///
/// A million rows are 300 MB of JSON; read by several threads they take a fraction of a second, and a page decodes
/// only the rows that it shows.
struct TransferTable: Sendable {
    /// What stands for "none" in a column of numbers.
    static let none = UInt32.max

    let file: MappedFile
    /// Where each row begins in the file.
    private(set) var offsets: [UInt64] = []
    /// The hash of each image's content id.
    private(set) var ids: [UInt64] = []
    /// The similarity to the query, or NaN.
    private(set) var similarities: [Float] = []
    private(set) var ranks: [UInt32] = []
    private(set) var widths: [UInt32] = []
    /// Indices into ``queryNames``, ``classNames`` and ``datasetNames``.
    private(set) var queries: [UInt32] = []
    private(set) var classes: [UInt32] = []
    private(set) var datasets: [UInt32] = []
    /// The names, in the order in which they first occur.
    private(set) var queryNames: [String] = []
    private(set) var classNames: [String] = []
    private(set) var datasetNames: [String] = []
    /// The rows, each at the place that the hash of its id gives or at the next free one.
    private var slots: [UInt32] = []

    var count: Int { offsets.count }

    /// Reads `transfer-set.jsonl`.
    init(_ folder: URL) throws {
        guard let file = try MappedFile(folder.appending(path: "transfer-set.jsonl")) else {
            throw Diagnostic(
                "\(folder.path) holds no transfer-set.jsonl", hint: "name the artifact of a 'curate' stage",
                exitCode: .inputMissing)
        }
        self.file = file
        // Small ones, so that no thread is left alone with a large one, and little of the file is in memory.
        let pieces = file.pieces(file.bytes.count >> 22)
        let parsed = Mutex([Result<TablePiece, Diagnostic>?](repeating: nil, count: pieces.count))
        DispatchQueue.concurrentPerform(iterations: pieces.count) { number in
            let result = Result { () throws(Diagnostic) in try TablePiece(file, pieces[number]) }
            file.release(pieces[number])
            parsed.withLock { $0[number] = result }
        }
        try append(parsed.withLock { $0 }.compactMap { try $0?.get() })
        fillSlots()
    }

    private mutating func append(_ pieces: [TablePiece]) throws {
        let count = pieces.reduce(0) { $0 + $1.offsets.count }
        offsets.reserveCapacity(count)
        ids.reserveCapacity(count)
        similarities.reserveCapacity(count)
        var names = (query: NameTable(), kind: NameTable(), dataset: NameTable())
        for piece in pieces {
            offsets += piece.offsets
            ids += piece.ids
            similarities += piece.similarities
            ranks += piece.ranks
            widths += piece.widths
            queries += names.query.merge(piece.queryNames, piece.queries)
            classes += names.kind.merge(piece.classNames, piece.classes)
            datasets += names.dataset.merge(piece.datasetNames, piece.datasets)
        }
        queryNames = names.query.names
        classNames = names.kind.names
        datasetNames = names.dataset.names
    }

    private mutating func fillSlots() {
        var size = 16
        while size < 2 * count { size *= 2 }
        var slots = [UInt32](repeating: Self.none, count: size)
        ids.withUnsafeBufferPointer { ids in
            slots.withUnsafeMutableBufferPointer { slots in
                for row in ids.indices {
                    var place = Int(truncatingIfNeeded: ids[row]) & (size - 1)
                    while slots[place] != Self.none { place = (place + 1) & (size - 1) }
                    slots[place] = UInt32(row)
                }
            }
        }
        self.slots = slots
    }

    /// The row of an image; nil when the image is not in the set.
    func row(of id: String) -> Int? {
        let hash = TextHash.hash(id)
        var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[place] != Self.none {
            let row = Int(slots[place])
            if ids[row] == hash, (try? image(row))?.id == id { return row }
            place = (place + 1) & (slots.count - 1)
        }
        return nil
    }

    /// The row of an image by the hash of its id.
    ///
    /// Among a million images, two share one with a chance of 1 : 30 million.
    func row(hash: UInt64) -> Int? {
        var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[place] != Self.none {
            if ids[Int(slots[place])] == hash { return Int(slots[place]) }
            place = (place + 1) & (slots.count - 1)
        }
        return nil
    }

    /// The class of the query for which a row was chosen.
    func className(of row: Int) -> String? {
        classes[row] == Self.none ? nil : classNames[Int(classes[row])]
    }

    /// A row as the file has it.
    func image(_ row: Int) throws -> TransferRow {
        let line = file.line(at: Int(offsets[row]))
        do {
            return try JSONDecoder().decode(TransferRow.self, from: Data(line))
        } catch {
            throw file.damage(at: Int(offsets[row]), "it is not one of a transfer set")
        }
    }
}

/// The rows of one piece of the file.
private struct TablePiece: Sendable {
    var offsets: [UInt64] = []
    var ids: [UInt64] = []
    var similarities: [Float] = []
    var ranks: [UInt32] = []
    var widths: [UInt32] = []
    var queries: [UInt32] = []
    var classes: [UInt32] = []
    var datasets: [UInt32] = []
    var queryNames: [String] = []
    var classNames: [String] = []
    var datasetNames: [String] = []

    init(_ file: MappedFile, _ range: Range<Int>) throws(Diagnostic) {
        var scanner = RowScanner(file.bytes, range)
        var (query, kind, dataset) = (LocalNames(), LocalNames(), LocalNames())
        let estimate = range.count / 240
        offsets.reserveCapacity(estimate)
        ids.reserveCapacity(estimate)
        while scanner.peek() != 0 {
            let offset = scanner.position
            do throws(RowScanner.Malformed) {
                try read(&scanner, at: offset, &query, &kind, &dataset)
            } catch {
                throw file.damage(at: offset, "it is not valid JSON")
            }
            guard ids.count == offsets.count else { throw file.damage(at: offset, "'id' is missing") }
        }
        queryNames = query.names
        classNames = kind.names
        datasetNames = dataset.names
    }

    private mutating func read(
        _ scanner: inout RowScanner, at offset: Int, _ query: inout LocalNames, _ kind: inout LocalNames,
        _ dataset: inout LocalNames
    ) throws(RowScanner.Malformed) {
        var similarity = Float.nan
        var (rank, width) = (TransferTable.none, TransferTable.none)
        var (queryIndex, kindIndex, datasetIndex) = (rank, rank, rank)
        try scanner.expect(UInt8(ascii: "{"))
        var isFirst = true
        while let key = try scanner.key(isFirst: &isFirst) {
            if scanner.holds(key, "id") {
                guard let id = try scanner.optionalString() else { continue }
                ids.append(scanner.hash(id))
            } else if scanner.holds(key, "similarity") {
                similarity = Float(try scanner.number())
            } else if scanner.holds(key, "rank") {
                rank = UInt32(exactly: try scanner.number()) ?? TransferTable.none
            } else if scanner.holds(key, "width") {
                width = UInt32(exactly: try scanner.number()) ?? TransferTable.none
            } else if scanner.holds(key, "query") {
                queryIndex = query.index(of: try scanner.optionalString(), scanner)
            } else if scanner.holds(key, "query_class") {
                kindIndex = kind.index(of: try scanner.optionalString(), scanner)
            } else if scanner.holds(key, "dataset") {
                datasetIndex = dataset.index(of: try scanner.optionalString(), scanner)
            } else {
                try scanner.skipValue()
            }
        }
        offsets.append(UInt64(offset))
        similarities.append(similarity)
        ranks.append(rank)
        widths.append(width)
        queries.append(queryIndex)
        classes.append(kindIndex)
        datasets.append(datasetIndex)
    }
}

/// The distinct names of one column in one piece; neighbouring rows mostly have the same.
private struct LocalNames {
    private(set) var names: [String] = []
    private var known: [UInt64: UInt32] = [:]
    private var last: (range: Range<Int>, index: UInt32)?

    mutating func index(of range: Range<Int>?, _ scanner: RowScanner) -> UInt32 {
        guard let range else { return TransferTable.none }
        if let last, scanner.areEqual(last.range, range) { return last.index }
        let hash = scanner.hash(range)
        var index = known[hash] ?? TransferTable.none
        // Two names with one hash would be confused for good: the second gets an entry of its own each time.
        if index == TransferTable.none || names[Int(index)] != scanner.text(range) {
            index = UInt32(names.count)
            names.append(scanner.text(range))
            known[hash] = index
        }
        last = (range, index)
        return index
    }
}

/// The distinct names of one column of the whole file.
private struct NameTable {
    private(set) var names: [String] = []
    private var known: [String: UInt32] = [:]

    /// Takes a piece's names in, and returns its column with indices into all names.
    mutating func merge(_ local: [String], _ column: [UInt32]) -> [UInt32] {
        let translation = local.map { name -> UInt32 in
            if let index = known[name] { return index }
            let index = UInt32(names.count)
            names.append(name)
            known[name] = index
            return index
        }
        return column.map { $0 == TransferTable.none ? $0 : translation[Int($0)] }
    }
}
