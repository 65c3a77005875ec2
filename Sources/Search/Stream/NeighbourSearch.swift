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
    /// With a state, every shard is searched by itself, and what it has is published when it is done: a search that
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
        try FileManager.default.createDirectory(at: state.folder, withIntermediateDirectories: true)
        let question = description(of: queries, places)
        var resumed = 0
        for (shard, rows) in gallery.vectors.shards.enumerated() where !rows.isEmpty {
            let key = try state.digest(question + gallery.fingerprint(of: shard))
            let file = state.folder.appending(path: "shard-\(key).npz")
            var found: NeighbourTable
            if FileManager.default.fileExists(atPath: file.path) {
                found = try NeighbourTable(reading: file, queries: queries.count, k: places)
                resumed += 1
            } else {
                let search = try BlockSearch(queries, best: places, similarity: .innerProduct)
                try compare(search, gallery, rows, progress)
                found = search.result()
                found.shift(by: -rows.lowerBound)
                try found.write(to: file)
            }
            found.shift(by: rows.lowerBound)
            for query in 0..<found.queries {
                for neighbour in found[query] { all.offer(neighbour, to: query) }
            }
        }
        return Outcome(neighbours: all.result().widened(to: k), resumed: resumed)
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
    /// What tells a shard from another: its name, its size, and sixteen pieces of its contents.
    ///
    /// All of its contents would take as long to read as the search itself.
    func fingerprint(of shard: Int) throws -> Data {
        let handle = try FileHandle(forReadingFrom: files[shard])
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        var data = Data("\(files[shard].lastPathComponent) \(size)\n".utf8)
        for piece in 0..<UInt64(16) {
            try handle.seek(toOffset: size / 16 * piece)
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
