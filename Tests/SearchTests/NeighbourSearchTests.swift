import Diagnostics
import Foundation
import Testing

@testable import Search

@Suite struct NeighbourSearchTests {
    private let folder: TemporaryFolder
    private let table: VectorTable
    private let queries: VectorTable

    init() throws {
        folder = try TemporaryFolder()
        var generator = SeededGenerator(21)
        table = VectorTable(
            randomVectors(60, dimension: 6, using: &generator).values.map { Float(Float16(2 * $0)) },
            dimension: 6)
        queries = randomVectors(4, dimension: 6, using: &generator)
    }

    /// Writes the rows as files of some rows each.
    private func write(_ pieces: [(name: String, rows: Range<Int>)], as type: NpyType = .float16) throws {
        for (name, rows) in pieces {
            let file = folder.file(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try NpyFile.write(table.table(rows: rows).values, shape: [rows.count, 6], as: type, to: file)
        }
    }

    private func expected(_ k: Int) -> [[Int]] {
        (0..<queries.count).map { query in
            let scores = (0..<table.count).map { row in
                zip(queries[query], table[row]).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            }
            return scores.indices.sorted { (-Float(scores[$0]), $0) < (-Float(scores[$1]), $1) }
                .prefix(k).map { $0 }
        }
    }

    private func rows(_ path: String, k: Int = 5) throws -> [[Int]] {
        try NeighbourSearch(k: k).run(queries, in: VectorGallery(path)).neighbours.lists
            .map { $0.map(\.row) }
    }

    @Test func `a file, a folder, a pattern and clip-retrieval's folder hold the same rows`() throws {
        try write([("all.npy", 0..<60)])
        #expect(try rows(folder.file("all.npy").path) == expected(5))
        try write([("many/e2.npy", 0..<20), ("many/e10.npy", 20..<21), ("many/e100.npy", 21..<60)])
        #expect(try rows(folder.file("many").path) == expected(5))
        #expect(try rows(folder.file("many/e*.npy").path) == expected(5))
        try write(
            [("clip/img_emb/img_emb_0.npy", 0..<33), ("clip/img_emb/img_emb_1.npy", 33..<60)], as: .float32)
        #expect(try rows(folder.file("clip").path) == expected(5))
        #expect(try VectorGallery(folder.file("clip/img_emb").path).folder?.lastPathComponent == "clip")
    }

    @Test func `places without a row hold minus one`() throws {
        try write([("all.npy", 0..<60)])
        let found = try NeighbourSearch(k: 63).run(queries, in: VectorGallery(folder.file("all.npy").path))
            .neighbours
        #expect(found[2].map(\.row) == expected(60)[2])
        #expect(Array(found.rows[60..<63]) == [-1, -1, -1])
        #expect(found.scores[62] == -.infinity)
    }

    @Test func `an archive has the arrays that were written, at the places where a zip has them`() throws {
        let table = NeighbourTable(
            queries: 2, k: 3, rows: [5, 1, -1, 7, 8, 9], scores: [1, 0.5, -.infinity, 3, 2, 1])
        let file = folder.file("out.npz")
        try table.write(to: file)
        #expect(try NeighbourTable(reading: file, queries: 2, k: 3) == table)
        let data = try Data(contentsOf: file)
        // The directory's entry of `scores` points at its local header.
        let end = data.count - 22
        #expect(data[end..<end + 4].elementsEqual([0x50, 0x4b, 5, 6]))
        let start = Int(data[end + 16]) | Int(data[end + 17]) << 8
        #expect(data[start..<start + 4].elementsEqual([0x50, 0x4b, 1, 2]))
        let second = start + 46 + "ids.npy".utf8.count
        let offset = Int(data[second + 42]) | Int(data[second + 43]) << 8
        #expect(data[offset + 30..<offset + 40].elementsEqual("scores.npy".utf8))
        #expect(NpzFile.checksum(Data("123456789".utf8)) == 0xcbf4_3926)

        var damaged = data
        damaged[200] ^= 1
        try damaged.write(to: file)
        let error = #expect(throws: Diagnostic.self) { try NeighbourTable(reading: file, queries: 2, k: 3) }
        #expect(error?.message == "'out.npz' is not an archive that Retort has written")
    }

    @Test func `a search goes on where it was stopped`() throws {
        struct Stopped: Error {}
        try write([("s/a.npy", 0..<20), ("s/b.npy", 20..<45), ("s/c.npy", 45..<60)])
        let gallery = try VectorGallery(folder.file("s").path)
        let state = NeighbourSearch.State(folder: folder.file("state")) { data in
            String(NpzFile.checksum(data), radix: 16)
        }
        let search = NeighbourSearch(k: 5, state: state)
        #expect(throws: Stopped.self) {
            try search.run(queries, in: gallery) { if $0 > 20 { throw Stopped() } }
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: state.folder.path)
        #expect(files.count == 1)
        var searched: [Int] = []
        let outcome = try search.run(queries, in: gallery) { searched.append($0) }
        #expect(outcome.resumed == 1)
        #expect(searched == [45, 60])
        #expect(outcome.neighbours.lists.map { $0.map(\.row) } == expected(5))
        #expect(outcome.neighbours == (try NeighbourSearch(k: 5).run(queries, in: gallery).neighbours))

        // Shards that another search has done count, wherever they lie; other questions are asked anew.
        let later = try VectorGallery(folder.file("s/[bc].npy").path)
        #expect(try search.run(queries, in: later).resumed == 2)
        #expect(try NeighbourSearch(k: 6, state: state).run(queries, in: gallery).resumed == 0)
        #expect(
            try NeighbourSearch(k: 5, state: state).run(queries.table(rows: [1, 0, 2, 3]), in: gallery)
                .resumed == 0)
    }

    @Test func `parts of a search, of files in pieces, are put together`() throws {
        try write([("s/a.npy", 0..<20), ("s/b.npy", 20..<21), ("s/c.npy", 21..<60)])
        let gallery = try VectorGallery(folder.file("s").path)
        var state = NeighbourSearch.State(folder: folder.file("state")) { data in
            String(NpzFile.checksum(data), radix: 16)
        }
        state.pieceSize = 7
        let search = NeighbourSearch(k: 5, state: state)
        #expect(gallery.pieces(of: 7).map(\.rows).flatMap { $0 } == Array(0..<60))
        var searched: [Int] = []
        for part in [1, 0] {
            #expect(try search.keep(queries, in: gallery, part: part, of: 2) { searched.append($0) } == 0)
        }
        #expect(searched == [14, 21, 35, 49, 60, 7, 20, 28, 42, 56])
        let outcome = try search.run(queries, in: gallery) { _ in Issue.record("all of it is kept") }
        #expect(outcome.resumed == 10)
        #expect(outcome.neighbours == (try NeighbourSearch(k: 5).run(queries, in: gallery).neighbours))
    }

    @Test func `what cannot be searched is named`() throws {
        func message(_ path: String) -> String? {
            #expect(throws: Diagnostic.self) {
                try NeighbourSearch(k: 1).run(queries, in: VectorGallery(path))
            }?.message
        }
        let missing = folder.file("none").path
        #expect(message(missing) == "there is no '\(missing)'")
        #expect(message(missing + "*") == "nothing matches '\(missing)*'")
        try FileManager.default.createDirectory(at: folder.file("empty"), withIntermediateDirectories: true)
        #expect(
            message(folder.file("empty").path)?.hasSuffix("holds neither *.npy nor img_emb/*.npy") == true)
        try NpyFile.write([], shape: [0, 6], as: .float32, to: folder.file("zero.npy"))
        #expect(message(folder.file("zero.npy").path)?.hasSuffix("zero.npy' holds no vectors") == true)
        try NpyFile.write([1, 2, 3, 4, 5], shape: [1, 5], as: .float32, to: folder.file("five.npy"))
        #expect(message(folder.file("five.npy").path) == "vectors has 6 values a row, but five.npy has 5")
        try NpyFile.write([1, 2], shape: [2], as: .float32, to: folder.file("flat.npy"))
        #expect(message(folder.file("flat.npy").path) == "'flat.npy' has the shape [2], not rows of 1")
        try write([("bad/e0.npy", 0..<9)])
        var values = table.table(rows: 0..<7).values
        values[6 * 3 + 1] = .nan
        try NpyFile.write(values, shape: [7, 6], as: .float16, to: folder.file("bad/e1.npy"))
        #expect(message(folder.file("bad").path) == "row 3 of e1.npy is not a finite vector")
        try Data(contentsOf: folder.file("bad/e0.npy")).dropLast(3).write(to: folder.file("cut.npy"))
        #expect(message(folder.file("cut.npy").path)?.contains("where its header promises") == true)
        #expect(message(fixture("fortran.npy").path)?.contains("Fortran order") == true)
        #expect(message(fixture("integers.npy").path)?.contains("elements of type") == true)
    }

    @Test func `an index of vectors as they are finds them`() throws {
        try write([("all.npy", 0..<60)])
        let gallery = try VectorGallery(folder.file("all.npy").path)
        let truth = try NeighbourSearch(k: 5).run(queries, in: gallery).neighbours
        let flat = try IndexedNeighbours(5, of: queries, in: gallery, factory: "Flat")
        #expect(
            try Recall.measure(flat.neighbours, truth: truth, queries: queries, gallery: gallery).value == 1)
        var few = flat.neighbours
        few.rows[0] = -1
        let part = try Recall.measure(few, truth: truth, queries: queries, gallery: gallery)
        #expect(part.value == 0.75)
    }
}
