internal import Diagnostics
public import Foundation

/// The rows of a gallery with the largest inner products, for vectors as they are: nothing is scaled.
///
/// The gallery is read once, block by block. Results are those of comparing all pairs in double, in a fixed order:
/// see `BlockSearch`. Between equal products the first row wins.
public struct NeighbourSearch {
    /// What was found, and how.
    public struct Outcome: Sendable {
        /// The rows.
        public var neighbours: NeighbourTable
        /// The number of shards that had been searched before.
        public var resumed: Int
    }

    /// A folder in which finished shards wait for the rest.
    public struct State {
        /// The folder; searches of other shards may share it.
        public var folder: URL
        /// A digest, under which what a shard has is found again.
        public var digest: (Data) -> String

        /// The most rows of a file that are searched at once and kept together.
        var pieceSize = 1 << 20

        /// Creates a state.
        public init(folder: URL, digest: @escaping (Data) -> String) {
            (self.folder, self.digest) = (folder, digest)
        }
    }

    /// The number of rows wanted for each query.
    public var k: Int
    /// Where finished shards wait; nil keeps nothing.
    public var state: State?

    /// Part of every digest: raised when results would be others.
    private static let revision = 1

    /// Creates a search.
    public init(k: Int, state: State? = nil) { (self.k, self.state) = (k, state) }

    /// Whether products are bf16 ones of a kernel of our own; the results are the same without.
    public static var hasKernel: Bool { BlockSearch.hasKernel }

    /// Searches rows that lie anywhere for the neighbours of some queries.
    /// - Throws: a `Diagnostic` for vectors of another length, and for rows that are not finite.
    public func search(_ queries: VectorTable, in gallery: some VectorSource) throws -> NeighbourTable {
        try check(queries, gallery)
        let search = try BlockSearch(
            queries, best: max(1, min(k, gallery.count)), similarity: .innerProduct)
        try compare(search, gallery, 0..<gallery.count) { _ in }
        return search.result().widened(to: k)
    }

    /// Searches a gallery on disk for the neighbours of some queries.
    ///
    /// With a state, every piece is searched by itself, and what it has is published when it is done: a search that
    /// was stopped goes on after the last one.
    /// - Throws: a `Diagnostic` for vectors of another length, for rows that are not finite, and for files.
    public func run(
        _ queries: VectorTable, in gallery: VectorGallery, progress: (_ rows: Int) throws -> Void = { _ in }
    ) throws -> Outcome {
        try check(queries, gallery)
        let places = min(k, gallery.count)
        let all = try BlockSearch(queries, best: places, similarity: .innerProduct)
        guard let state else {
            try compare(all, gallery, 0..<gallery.count, progress)
            return Outcome(neighbours: all.result().widened(to: k), resumed: 0)
        }
        let question = description(of: queries, places)
        var resumed = 0
        for piece in gallery.pieces(of: state.pieceSize) {
            let (found, wasKept) = try keep(piece, question, queries, gallery, places, state, progress)
            if wasKept { resumed += 1 }
            for query in 0..<found.queries {
                for neighbour in found[query] { all.offer(neighbour, to: query) }
            }
        }
        return Outcome(neighbours: all.result().widened(to: k), resumed: resumed)
    }

    /// Searches one of every `count` pieces of a gallery, and keeps what they have in the state.
    ///
    /// Several processes with one state share a search in this way, each with a `part` of its own; what they have is put
    /// together by ``run(_:in:progress:)``.
    ///
    /// - Precondition: there is a state.
    /// - Returns: how many pieces it found there.
    /// - Throws: as ``run(_:in:progress:)`` does.
    public func keep(
        _ queries: VectorTable, in gallery: VectorGallery, part: Int, of count: Int,
        progress: (_ rows: Int) throws -> Void = { _ in }
    ) throws -> Int {
        guard let state else { preconditionFailure("Retort bug: a part of a search needs a state") }
        try check(queries, gallery)
        let places = min(k, gallery.count)
        let question = description(of: queries, places)
        let pieces = gallery.pieces(of: state.pieceSize)
        var resumed = 0
        for number in stride(from: part, to: pieces.count, by: count) {
            let (_, wasKept) = try keep(pieces[number], question, queries, gallery, places, state, progress)
            if wasKept { resumed += 1 }
        }
        return resumed
    }

    /// What a piece has, from the state or searched now and kept there.
    private func keep(
        _ piece: VectorGallery.Piece, _ question: Data, _ queries: VectorTable, _ gallery: VectorGallery,
        _ places: Int, _ state: State, _ progress: (Int) throws -> Void
    ) throws -> (NeighbourTable, wasKept: Bool) {
        let key = try state.digest(question + gallery.fingerprint(of: piece))
        let file = state.folder.appending(path: "shard-\(key).npz")
        let start = piece.rows.lowerBound
        if FileManager.default.fileExists(atPath: file.path) {
            var found = try NeighbourTable(reading: file, queries: queries.count, k: places)
            found.shift(by: start)
            return (found, true)
        }
        let search = try BlockSearch(queries, best: places, similarity: .innerProduct)
        try compare(search, gallery, piece.rows, progress)
        var found = search.result()
        found.shift(by: -start)
        try FileManager.default.createDirectory(at: state.folder, withIntermediateDirectories: true)
        try found.write(to: file)
        found.shift(by: start)
        return (found, false)
    }

    private func compare(
        _ search: BlockSearch, _ gallery: some VectorSource, _ rows: Range<Int>,
        _ progress: (Int) throws -> Void
    ) throws {
        try gallery.forEachBlock(in: rows) { some, block in
            do {
                try search.add(block, rows: BlockRows(some))
            } catch let bad as NotFinite {
                throw Self.notFinite(gallery.place(of: some.lowerBound + bad.position))
            }
            try progress(some.upperBound)
        }
    }

    private func check(_ queries: VectorTable, _ gallery: some VectorSource) throws {
        try ExactSearch.checkDimensions(queries, gallery)
        if let row = (0..<queries.count).first(where: { !queries[$0].allSatisfy(\.isFinite) }) {
            throw Self.notFinite(queries.place(of: row))
        }
    }

    private func description(of queries: VectorTable, _ places: Int) -> Data {
        Data("neighbours \(Self.revision) \(queries.count) \(queries.dimension) \(places)\n".utf8)
            + queries.values.withUnsafeBytes { Data($0) }
    }

    private static func notFinite(_ place: String) -> Diagnostic {
        Diagnostic(
            "\(place) is not a finite vector", hint: "embed the image again, or take the row out",
            exitCode: .badData)
    }
}

extension VectorGallery {
    /// Rows of one file that are searched by themselves.
    struct Piece {
        var shard: Int
        var rows: Range<Int>
        /// The number of the piece among those of its file; nil where the file is one piece.
        var number: Int?
    }

    /// The files in their order, large ones in pieces of so many rows.
    func pieces(of size: Int) -> [Piece] {
        vectors.shards.enumerated().flatMap { shard, rows -> [Piece] in
            guard rows.count > size else {
                return rows.isEmpty ? [] : [Piece(shard: shard, rows: rows)]
            }
            return stride(from: rows.lowerBound, to: rows.upperBound, by: size).enumerated().map {
                Piece(shard: shard, rows: $1..<min($1 + size, rows.upperBound), number: $0)
            }
        }
    }

    /// What tells the gallery from others, file by file, without reading all of it.
    public func identity(_ digest: (Data) -> String) throws -> Data {
        let digests = try vectors.shards.indices.map { shard in
            try digest(fingerprint(of: Piece(shard: shard, rows: vectors.shards[shard])))
        }
        return Data(digests.joined(separator: "\n").utf8)
    }

    /// What tells a piece from others: its file's name, size, and sixteen pieces of its contents.
    ///
    /// All of its contents would take as long to read as the search itself.
    func fingerprint(of piece: Piece) throws -> Data {
        let file = files[piece.shard]
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        let part = piece.number.map { " \($0)" } ?? ""
        var data = Data("\(file.lastPathComponent) \(size)\(part)\n".utf8)
        for sample in 0..<UInt64(16) {
            try handle.seek(toOffset: size / 16 * sample)
            data += try handle.read(upToCount: 65_536) ?? Data()
        }
        return data
    }
}

extension NeighbourTable {
    /// Numbers the rows anew.
    fileprivate mutating func shift(by distance: Int) {
        for place in rows.indices where rows[place] >= 0 { rows[place] += Int64(distance) }
    }

    /// The same neighbours with room for more.
    fileprivate func widened(to wider: Int) -> NeighbourTable {
        wider == k ? self : NeighbourTable(lists, k: wider)
    }
}
