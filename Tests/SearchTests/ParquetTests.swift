import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Search

/// Files of pyarrow and pandas (Scripts/fixtures/parquet_files.py), and what they must not do.
@Suite struct ParquetTests {
    private static func file(_ name: String) -> URL { Fixtures.url("parquet/\(name).parquet") }

    private static func expected() throws -> [String: [String: [Any]]] {
        let data = try Data(contentsOf: Fixtures.url("parquet/expected.json"))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: [String: [Any]]])
    }

    @Test(arguments: ["pandas", "groups", "plain", "second", "second-plain", "empty", "tiny", "tiny-second"])
    func `columns are those that pyarrow reads`(_ name: String) throws {
        let file = try ParquetFile(Self.file(name))
        let expected = try #require(try Self.expected()[name])
        #expect(file.names == Set(expected.keys))
        for (column, values) in expected {
            let read = try #require(try file.column(column))
            #expect(read.count == values.count && file.count == values.count)
            for (row, value) in values.enumerated() {
                switch value {
                case let text as String: #expect(read.text(row) == text, "\(column) \(row)")
                case let number as NSNumber: #expect(read.int(row) == number.intValue, "\(column) \(row)")
                default: #expect(read.text(row) == nil && read.int(row) == nil, "\(column) \(row)")
                }
            }
        }
        #expect(try file.column("nested") == nil)
    }

    @Test func `what is not read is said by name`() throws {
        func message(_ name: String, _ column: String) throws -> String? {
            let file = try ParquetFile(Self.file(name))
            return #expect(throws: Diagnostic.self) { try file.column(column) }?.message
        }
        #expect(
            try message("zstd", "key")?.hasSuffix("column 'key': it is compressed with Zstandard") == true)
        #expect(
            try message("delta", "image_path")?.hasSuffix(
                "column 'image_path': its values are in encoding 7, which is not read here") == true)
        let text = #expect(throws: Diagnostic.self) {
            try ParquetFile(Fixtures.url("parquet/expected.json"))
        }
        #expect(text?.message.hasSuffix("its first or last four bytes are not PAR1") == true)
    }

    @Test(arguments: ["pandas", "groups", "second-plain"])
    func `damaged files are errors, or other values, and nothing worse`(_ name: String) throws {
        let whole = [UInt8](try Data(contentsOf: Self.file(name)))
        var generator = SeededGenerator(7)
        var errors = 0
        for round in 0..<3000 {
            var bytes = whole
            // The description, at the end, is hit as often as the rest.
            let from = round.isMultiple(of: 2) ? 0 : max(0, bytes.count - 2_000)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: from..<bytes.count - 8, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            do throws(ParquetProblem) {
                let file = try ParquetFile(bytes, file: name)
                guard file.count < 10_000 else { continue }
                for column in file.names {
                    let read = try file.values(column)
                    #expect(read?.count == file.count)
                }
            } catch {
                errors += 1
            }
        }
        #expect(errors > 300)
        for length in stride(from: 0, to: whole.count, by: 97) {
            #expect(throws: ParquetProblem.self) { try ParquetFile(Array(whole[..<length]), file: name) }
        }
    }

    @Test func `clip-retrieval's metadata names the rows of its folder`() throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(5)
        let table = randomVectors(520, dimension: 4, repeats: false, using: &generator)
        for (shard, name) in ["pandas", "groups"].enumerated() {
            let rows = Array(shard * 260..<(shard + 1) * 260)
            try EmbeddingShards.write(
                shard: shard, table.table(rows: rows), metadata: rows.map { _ in "{}" }, to: folder.url)
            let metadata = folder.file("metadata")
            let lines = try FileManager.default.contentsOfDirectory(atPath: metadata.path)
            for line in lines where line.hasSuffix(".jsonl") {
                try FileManager.default.removeItem(at: metadata.appending(path: line))
            }
            try FileManager.default.copyItem(
                at: Self.file(name), to: metadata.appending(path: "metadata_\(shard).parquet"))
        }
        let images = try VectorGallery(folder.url.path).images()
        #expect(images.count == 520)
        #expect(images[0].id == "000000000" && images[260].dataset == "laion")
        // Without a key, an image goes by its path.
        #expect(images[263].id == "photos/0757/ü-3.jpg" && images[263].member == "photos/0757/ü-3.jpg")
        #expect(images[300].width == 0 && images[301].width == 1 && images[301].height == 1 << 40 + 41)
        let labels = try VectorGallery(folder.url.path).queryImages().prefix(3).map(\.label)
        #expect(labels == [nil, 1, 2])
        try FileManager.default.removeItem(at: folder.file("metadata/metadata_1.parquet"))
        #expect(
            #expect(throws: Diagnostic.self) { try VectorGallery(folder.url.path).images() }?.message
                == "'\(folder.url.lastPathComponent)' has 520 vectors but 260 rows of metadata")
    }

    private static let written: [(name: String, values: ParquetWriter.Values)] = [
        ("image_path", .texts((0..<20).map { "photos/ü \($0).jpg" })),
        ("width", .numbers((0..<20).map { 7 - $0 * $0 })),
        ("id", .texts((0..<20).map { String(repeating: "x", count: $0 * 9) })),
    ]

    /// The fixtures' script asserts that pyarrow reads these rows from the file.
    @Test func `what is written is what pyarrow was shown`() throws {
        let data = ParquetWriter.file(Self.written)
        #expect(try data == Data(contentsOf: Self.file("written")))
    }

    @Test func `what is written can be read, in groups of rows`() throws {
        let count = 100_001
        let bytes = [UInt8](
            ParquetWriter.file([
                ("a", .numbers(Array(0..<count))), ("b", .texts((0..<count).map { "\($0)" })),
            ]))
        let file = try ParquetFile(bytes, file: "x")
        #expect(file.count == count)
        let (a, b) = (try #require(try file.values("a")), try #require(try file.values("b")))
        #expect((0..<count).allSatisfy { a.int($0) == $0 && b.text($0) == "\($0)" })
        let none = try ParquetFile([UInt8](ParquetWriter.file([("a", .numbers([]))])), file: "x")
        #expect(try none.values("a")?.count == 0)
    }

    @Test func `exported embeddings are the same rows under the same names`() throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(5)
        let table = randomVectors(30, dimension: 4, repeats: false, using: &generator)
        for shard in 0..<2 {
            let rows = shard * 20..<min(30, shard * 20 + 20)
            let lines = rows.map {
                #"{"id": "i\#($0)", "dataset": "d", "member": "m\#($0).jpg", "width": \#($0), "label": 1}"#
            }
            try EmbeddingShards.write(
                shard: shard, table.table(rows: Array(rows)), metadata: lines, as: .float32,
                to: folder.file("own"))
        }
        try FileManager.default.createDirectory(at: folder.file("clip"), withIntermediateDirectories: true)
        let summary = try EmbeddingExport.write(folder.file("own"), to: folder.file("clip"))
        #expect(summary.rows == 30 && summary.shards == 2)
        let (own, clip) = (
            try VectorGallery(folder.file("own").path), try VectorGallery(folder.file("clip").path)
        )
        #expect(clip.files.map(\.lastPathComponent) == ["img_emb_0000.npy", "img_emb_0001.npy"])
        #expect(try clip.table().values == own.table().values)
        #expect(Array(try clip.images()) == Array(try own.images()))
        #expect(try clip.queryImages().map(\.label) == Array(repeating: 1, count: 30))
        let metadata = try ParquetFile(folder.file("clip/metadata/metadata_0001.parquet"))
        #expect(metadata.names == ["image_path", "id", "dataset", "width", "label"])
    }
}
