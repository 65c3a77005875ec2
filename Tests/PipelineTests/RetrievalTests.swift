import Foundation
import Search
import TestSupport
import Testing

/// The verbs that need no pipeline, and the index's gate, as a user meets them.
@Suite struct RetrievalTests {
    private let retort: Retort

    init() throws { retort = try Retort() }

    /// Unit vectors on a circle, and a second dim that tells them apart, as `<name>.npy`.
    private func write(_ name: String, _ count: Int, from start: Double = 0) throws {
        let values = (0..<count).flatMap { row -> [Float] in
            let angle = start + Double(row) * 0.01
            return [Float(cos(angle)), Float(sin(angle))]
        }
        let file = retort.folder.appending(name + ".npy")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try NpyFile.write(values, shape: [count, 2], as: .float32, to: file)
    }

    @Test func `neighbours says what it found and how long it took`() throws {
        try write("gallery/a", 50)
        try write("gallery/b", 50, from: 0.5)
        try write("queries", 3, from: 0.2)
        let search = [
            "neighbours", "--gallery", "gallery/*.npy", "--queries", "queries.npy", "-k", "2", "--json",
            "--out",
        ]
        let exact = try run(search + ["a.npz"])
        #expect(exact.code == 0, "\(exact.errors)")
        let said = try exact.json()
        #expect(said["gallery"] as? Int == 100)
        #expect(said["engine"] as? String == "stream")
        #expect(said["seconds"] as? Double ?? 0 > 0)
        #expect(said["peak_memory_bytes"] as? Int ?? 0 > 1 << 20)
        let found = try NeighbourTable(reading: retort.folder.appending("a.npz"), queries: 3, k: 2)
        #expect(
            found.rows.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element) == [20, 21, 22])

        let indexed = try run(search + ["b.npz", "--engine", "faiss:Flat", "--recall"])
        #expect(try indexed.json()["recall"] as? Double == 1)
        #expect(try run(search + ["c.npz", "--state", "state"]).json()["resumed_shards"] as? Int == 0)
        #expect(try run(search + ["d.npz", "--state", "state"]).json()["resumed_shards"] as? Int == 2)
        let bytes = try ["a", "c", "d"].map { try Data(contentsOf: retort.folder.appending($0 + ".npz")) }
        #expect(bytes[0] == bytes[1] && bytes[1] == bytes[2])
        #expect(try run(search + ["e.npz", "-k", "0"]).code == 64)
        #expect(try run(search + ["e.npz", "--queries", "none.npy"]).code == 66)
    }

    @Test func `neighbours come from an index in a file, as autofaiss leaves it`() throws {
        try write("gallery/a", 100)
        try write("queries", 3, from: 0.2)
        let index = try VectorIndex.build(
            over: VectorGallery(retort.folder.appending("gallery").path).table(), factory: "IVF4,Flat"
        ).index
        try index.write(to: retort.folder.appending("knn.index"))
        let search = [
            "neighbours", "--queries", "queries.npy", "-k", "2", "--json", "--engine", "index:knn.index",
            "--out",
        ]
        try retort.folder.write(
            #"{"index_key": "IVF4,Flat", "index_param": "nprobe=4"}"#, to: "index_infos.json")
        let all = try run(search + ["a.npz", "--gallery", "gallery", "--recall"])
        #expect(all.code == 0, "\(all.errors)")
        #expect(try all.json()["recall"] as? Double == 1)
        #expect(try all.json()["engine"] as? String == "index:knn.index")
        let bare = try run(search + ["b.npz"])
        #expect(try bare.json()["gallery"] as? Int == 100)
        #expect(
            try Data(contentsOf: retort.folder.appending("a.npz"))
                == Data(contentsOf: retort.folder.appending("b.npz")))
        #expect(try run(search + ["c.npz", "--set", "nprobe=1"]).code == 0)
        #expect(try run(search + ["c.npz", "--set", "probes"]).code == 64)
        #expect(try run(search + ["c.npz", "--recall"]).code == 64)
        #expect(try run(["neighbours", "--queries", "queries.npy", "-k", "2", "--out", "c.npz"]).code == 64)
        let none = try run(search.map { $0 == "index:knn.index" ? "index:none" : $0 } + ["c.npz"])
        #expect(none.code != 0 && none.errors.contains("none"))
    }

    @Test func `processes that share a search find the same`() throws {
        for file in 0..<3 { try write("gallery/\(file)", 100, from: 0.3 * Double(file)) }
        try write("queries", 3, from: 0.2)
        let search = [
            "neighbours", "--gallery", "gallery", "--queries", "queries.npy", "-k", "5", "--json",
            "--threads",
            "1", "--out",
        ]
        let alone = try run(search + ["alone.npz"])
        #expect(alone.code == 0, "\(alone.errors)")
        let shared = try run(search + ["shared.npz", "--nproc", "2"])
        #expect(shared.code == 0, "\(shared.errors)")
        #expect(try shared.json()["processes"] as? Int == 2)
        let bytes = try Data(contentsOf: retort.folder.appending("alone.npz"))
        #expect(try Data(contentsOf: retort.folder.appending("shared.npz")) == bytes)
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("shared.npz.parts").path))
        // What is kept by one is found by several, and the other way round.
        #expect(try run(search + ["a.npz", "--state", "kept"]).code == 0)
        let resumed = try run(search + ["b.npz", "--state", "kept", "--nproc", "2"])
        #expect(try resumed.json()["resumed_shards"] as? Int == 3, "\(resumed.errors)")
        #expect(try Data(contentsOf: retort.folder.appending("b.npz")) == bytes)
        let refused = try run(search + ["c.npz", "--nproc", "2", "--engine", "faiss:Flat"])
        #expect(refused.code == 64 && refused.errors.contains("does not go with 2 processes"))
    }

    @Test func `embeddings leave as clip-retrieval has them, and are a gallery there`() throws {
        try write("pool/img_emb/img_emb_0", 60)
        try write("queries", 2, from: 0.305)
        try FileManager.default.createDirectory(
            at: retort.folder.appending("pool/metadata"), withIntermediateDirectories: true)
        try retort.folder.write(
            (0..<60).map { #"{"id":"image \#($0)","path":"\#($0).jpg","width":8,"height":9}"# + "\n" }
                .joined(),
            to: "pool/metadata/metadata_0.jsonl")
        let export = ["export", "embeddings", "pool", "--out", "clip"]
        let said = try run(export + ["--json"])
        #expect(said.code == 0, "\(said.errors)")
        #expect(try said.json()["rows"] as? Int == 60)
        let curate = ["curate", "--queries", "queries.npy", "--per-query", "3", "--gallery"]
        let sets = try ["pool", "clip"].map { gallery in
            let outcome = try run(curate + [gallery, "--out", "\(gallery).jsonl"])
            #expect(outcome.code == 0, "\(outcome.errors)")
            return try retort.folder.read("\(gallery).jsonl").split(separator: "\n").map {
                try JSONDecoder().decode(TransferSetRow.self, from: Data($0.utf8)).id
            }
        }
        #expect(sets[0] == sets[1] && sets[1].count == 6)
        let full = try run(export)
        #expect(full.code == 64 && full.errors.contains("is not empty"), "\(full.errors)")
        let none = try run(["export", "embeddings", "queries.npy", "--out", "other"])
        #expect(none.code != 0)
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("other").path))
    }

    @Test func `bare embeddings become a transfer set`() throws {
        try write("pool/img_emb/img_emb_0", 60)
        try Data((0..<60).map { "image \($0)\n" }.joined().utf8)
            .write(to: retort.folder.appending("pool/ids.txt"))
        try write("queries", 2, from: 0.305)
        let arguments = ["curate", "--gallery", "pool", "--queries", "queries.npy", "--out", "set.jsonl"]
        let outcome = try run(arguments + ["--per-query", "3", "--json"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try outcome.json()["selected"] as? Int == 6)
        let lines = try String(contentsOf: retort.folder.appending("set.jsonl"), encoding: .utf8)
            .split(separator: "\n")
        let rows = try lines.map { try JSONDecoder().decode(TransferSetRow.self, from: Data($0.utf8)) }
        #expect(Set(rows.map(\.id)) == Set((28...33).map { "image \($0)" }))
        #expect(rows.map(\.query) == ["0", "0", "0", "1", "1", "1"])
        #expect(rows[0].member.hasPrefix("img_emb_0.npy#"))
        #expect(try run(arguments).code == 64)
        let many = try run(arguments + ["--size", "61"])
        #expect(many.errors.contains("61 images are asked for, but only 60 of 60 may be chosen"))
    }

    @Test func `an index that finds too little fails its stage`() throws {
        let file = retort.folder.appending("index.yaml")
        try """
        retort: 1
        name: gate
        data:
          pool: {kind: world, seed: 3, splits: {all: 60}}
        stages:
          model: {uses: pretrain, images: pool.all, architecture: mobilenetv2_mini, steps: 1, batch_size: 8}
          embed: {uses: embed, model: model, images: [pool]}
          index: {uses: index, embeddings: embed, factory: "PQ1x1np", min_recall: 0.99}
        """.write(to: file, atomically: true, encoding: .utf8)
        let outcome = try retort.run("run", file.path)
        #expect(outcome.code == 3, "\(outcome.errors)")
        #expect(outcome.errors.contains("of the true neighbours, less than min_recall = 0.99"))
        let coarse = try retort.run("run", file.path, "-s", "index.min_recall=0")
        #expect(coarse.code == 0, "\(coarse.errors)")
        let record = try JSONSerialization.jsonObject(with: retort.artifact("index", "artifact.json"))
        let facts = (record as? [String: Any])?["facts"] as? [String: Any]
        #expect((facts?["recall"] as? Double).map { $0 > 0 && $0 < 0.99 } == true)
    }

    private func run(_ arguments: [String]) throws -> Retort.Outcome {
        let output = Pipe()
        let file = retort.folder.appending("stderr-\(UUID().uuidString)")
        try Data().write(to: file)
        let process = try retort.start(arguments, output: output, errors: FileHandle(forWritingTo: file))
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Retort.Outcome(
            code: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
            errors: try String(contentsOf: file, encoding: .utf8))
    }
}
