import Foundation
import Search
import TestSupport
import Testing
import Vision

/// `retort export images`: shards that go on working as data.
@Suite struct ExportImagesTests {
    private let retort: Retort
    private static let pictures = ["420", "422", "444", "best", "grey"]

    init() throws { retort = try Retort() }

    private func picture(_ name: String) throws -> Data {
        try Data(contentsOf: Fixtures.url("jpeg/\(name).jpg"))
    }

    private func run(_ arguments: String...) throws -> Retort.Outcome {
        try retort.run(["export", "images", "-C", retort.folder.url.path] + arguments)
    }

    /// A folder of labelled JPEG files, scanned.
    private func scan() throws {
        for (number, name) in Self.pictures.enumerated() {
            let file = retort.folder.appending("photos/all/\(number % 2 == 0 ? "even" : "odd")/\(name).jpg")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try picture(name).write(to: file)
        }
        try retort.folder.write(
            "retort: 1\nname: photos\ndata:\n  photos: {kind: imagefolder, root: photos}\n", to: "photos.yaml"
        )
        let outcome = try retort.run("run", retort.folder.appending("photos.yaml").path)
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    @Test func `a data set becomes shards with the same bytes, labels and contents`() throws {
        try scan()
        let outcome = try run("photos.all", "--out", "out", "--shard-size", "2", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let said = try outcome.json()
        #expect(said["images"] as? Int == 5 && said["shards"] as? Int == 3)
        let shards = (0..<3).map { retort.folder.appending("out/images-00000\($0).tar").path }
        let source = try WebDatasetSource(shards: shards)
        #expect(source.classes == ["even", "odd"])
        var contents: Set<Data> = []
        for member in source.members() {
            let data = try #require(try source.bytes(of: member.member))
            #expect(member.member.hasSuffix("#\(ContentID.of(data)).jpg"))
            contents.insert(data)
        }
        #expect(try contents == Set(Self.pictures.map(picture)))
        // The same bytes again, and nothing is written over.
        #expect(try run("photos.all", "--out", "again", "--shard-size", "2").code == 0)
        for shard in 0..<3 {
            #expect(
                try Data(contentsOf: retort.folder.appending("out/images-00000\(shard).tar"))
                    == Data(contentsOf: retort.folder.appending("again/images-00000\(shard).tar")))
        }
        let full = try run("photos.all", "--out", "out")
        #expect(full.code == 64 && full.errors.contains("is not empty"))
    }

    @Test func `an image that was changed since the scan is not exported`() throws {
        try scan()
        try picture("narrow-420").write(to: retort.folder.appending("photos/all/even/420.jpg"))
        let outcome = try run("photos", "--out", "out")
        #expect(outcome.code == 65)
        #expect(outcome.errors.contains("420.jpg: changed since it was scanned"))
        // Nothing half written is taken for whole, and what is left of it is in nobody's way.
        let left = try FileManager.default.contentsOfDirectory(atPath: retort.folder.appending("out").path)
        #expect(left == [])
        try picture("420").write(to: retort.folder.appending("photos/all/even/420.jpg"))
        #expect(try run("photos", "--out", "out").code == 0)
    }

    @Test func `rows of a curation without images find theirs in shards`() throws {
        for shard in 0..<2 {
            let tar = try TarWriter(retort.folder.appending("pool-\(shard).tar"))
            for name in Self.pictures[(shard * 2)...].prefix(2) { try tar.add("\(name).jpg", picture(name)) }
            try tar.finish()
        }
        let emb = retort.folder.appending("emb")
        for folder in ["img_emb", "metadata"] {
            try FileManager.default.createDirectory(
                at: emb.appending(path: folder), withIntermediateDirectories: true)
        }
        let angles: [Double] = [0, 0.1, 0.2, 0.3]
        try NpyFile.write(
            angles.flatMap { [Float(cos($0)), Float(sin($0))] }, shape: [4, 2], as: .float32,
            to: emb.appending(path: "img_emb/img_emb_0.npy"))
        try NpyFile.write([1, 0], shape: [1, 2], as: .float32, to: retort.folder.appending("q.npy"))
        let lines = try Self.pictures.prefix(4).enumerated().map { place, name in
            #"{"dataset":"pool","height":1,"width":1,"id":"\#(ContentID.of(try picture(name)))","#
                + #""member":"pool-\#(place / 2).tar#\#(name).jpg"}"#
        }
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(
            to: emb.appending(path: "metadata/metadata_0.jsonl"))
        let curated = try retort.run(
            "curate", "-C", retort.folder.url.path, "--gallery", "emb", "--queries", "q.npy", "--size", "3",
            "--out",
            "set.jsonl")
        #expect(curated.code == 0, "\(curated.errors)")
        let outcome = try run("set.jsonl", "--from", "pool-{0..1}.tar", "--out", "out")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let source = try WebDatasetSource(shards: [retort.folder.appending("out/images-000000.tar").path])
        let names = try Self.pictures.prefix(3).map {
            "images-000000.tar#\(ContentID.of(try picture($0))).jpg"
        }
        #expect(source.members().map(\.member) == names)
        // The second shard is missing: its image is named.
        let lost = try run("set.jsonl", "--from", "pool-0.tar", "--out", "lost")
        #expect(lost.code == 65 && lost.errors.contains("pool-1.tar#444.jpg"))
        #expect(try run("set.jsonl", "--out", "lost").code == 64)
    }

    @Test func `what is rendered or no image is told so`() throws {
        try retort.folder.write(
            "retort: 1\nname: w\ndata:\n  world: {kind: world, seed: 1, splits: {all: 3}}\n", to: "w.yaml")
        #expect(try retort.run("run", retort.folder.appending("w.yaml").path).code == 0)
        let outcome = try run("world.all", "--out", "out")
        #expect(outcome.code == 65 && outcome.errors.contains("it is rendered, and no file"))
        #expect(try run("nothing", "--out", "other").code == 64)
    }
}
