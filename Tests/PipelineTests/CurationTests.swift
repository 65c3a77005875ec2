import Foundation
import TestSupport
import Testing
import Vision

/// Curation through the built program, on files: a pool with planted copies of test images, and marks.
@Suite struct CurationTests {
    /// What was done to a test image before it was put into the pool, and what has to find it.
    private static let plants:
        [(name: String, tiers: Set<String>, change: @Sendable (Image) throws -> Data)] = [
            ("same", ["exact"], { try ImageCodec.encodePNG($0) }),
            ("recompressed", ["perceptual"], { try ImageCodec.encodeJPEG($0, quality: 60) }),
            ("resized", ["perceptual"], { try ImageCodec.encodePNG($0.resized(width: 64, height: 48)) }),
            (
                "enlarged", ["perceptual"],
                { try ImageCodec.encodeJPEG($0.resized(width: 160, height: 120), quality: 85) }
            ),
            ("flipped", ["perceptual"], { try ImageCodec.encodePNG($0.changed { $0.width - 1 - $1 }) }),
            ("brightened", ["perceptual"], { try ImageCodec.encodePNG($0.brightened(by: 1.3)) }),
            (
                "cropped", ["perceptual"],
                { try ImageCodec.encodeJPEG($0.cropped(left: 7, top: 3, share: 0.9), quality: 85) }
            ),
            (
                "all of it", ["perceptual"],
                {
                    try ImageCodec.encodeJPEG(
                        $0.changed { $0.width - 1 - $1 }.cropped(left: 2, top: 5, share: 0.9).brightened(
                            by: 1.15
                        )
                        .resized(width: 80, height: 60), quality: 75)
                }
            ),
        ]

    private struct Setup {
        let retort: Retort
        let pipeline: String
        /// The content ids of planted images, by what was done to them.
        var planted: [String: [String]] = [:]

        init(_ curate: String = "") throws {
            retort = try Retort()
            let root = retort.folder
            func write(_ data: Data, _ path: String) throws {
                let file = root.appending(path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try data.write(to: file)
            }
            var images: [Image] = []
            for number in 0..<32 {
                let image = Image.scene(number)
                let split = number < 16 ? "train" : "test"
                try write(
                    ImageCodec.encodePNG(image),
                    "target/\(split)/\(number % 2 == 0 ? "a" : "b")/\(number).png")
                if split == "test" { images.append(image) }
            }
            for number in 0..<120 {
                try write(
                    ImageCodec.encodeJPEG(.scene(1000 + number), quality: 90), "pool/all/x/\(number).jpg")
            }
            for (number, plant) in CurationTests.plants.enumerated() {
                for copy in 0..<2 {
                    let data = try plant.change(images[2 * number + copy])
                    planted[plant.name, default: []].append(ContentID.of(data))
                    try write(data, "pool/all/x/planted-\(number)-\(copy).jpg")
                }
            }
            pipeline = try root.write(
                """
                retort: 1
                name: firewall
                data:
                  generic: {kind: world, seed: 5, splits: {train: 128}}
                  target: {kind: imagefolder, root: target}
                  pool: {kind: imagefolder, root: pool}
                stages:
                  vfm: {uses: pretrain, images: generic.train, architecture: dwcnn_xs, steps: 30, batch_size: 32}
                  embed: {uses: embed, model: vfm, images: [pool, target]}
                  index: {uses: index, embeddings: embed}
                  curate: {uses: curate, index: index, queries: target.train, exclude: [target.test], size: 48\(curate)}
                  labels: {uses: label, teacher: vfm, images: curate, views: 2}
                gates: [curate.leakage.exact == 0, curate.leakage.perceptual == 0]
                """, to: "pipeline.yaml"
            ).path
        }

        func json(_ stage: String, _ file: String) throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: retort.artifact(stage, file))
            return object as? [String: Any] ?? [:]
        }

        func chosen() throws -> [String] {
            try String(decoding: retort.artifact("curate", "transfer-set.jsonl"), as: UTF8.self)
                .split(separator: "\n").map { line in
                    let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    return row?["id"] as? String ?? ""
                }
        }

        func counts(_ stage: String) throws -> [String: Int] {
            try json(stage, "artifact.json")["counts"] as? [String: Int] ?? [:]
        }
    }

    @Test func `planted test images are found, each by its tier, and kept out`() throws {
        let setup = try Setup()
        let run = try setup.retort.run("run", setup.pipeline)
        #expect(run.code == 0, "\(run.errors)")
        let certificate = try setup.json("curate", "leakage.json")
        let excluded = try #require(certificate["excluded"] as? [[String: Any]])
        let queued = try #require(certificate["queued"] as? [[String: Any]])
        var tiers: [String: String] = [:]
        for hit in excluded + queued { tiers[hit["id"] as? String ?? ""] = hit["tier"] as? String }
        for plant in Self.plants {
            for id in setup.planted[plant.name] ?? [] {
                #expect(
                    plant.tiers.contains(tiers[id] ?? "none"), "\(plant.name): \(tiers[id] ?? "not found")")
            }
        }
        let planted = Set(setup.planted.values.joined())
        #expect(
            excluded.allSatisfy { planted.contains($0["id"] as? String ?? "") }, "nothing else is excluded")
        #expect(try planted.isDisjoint(with: setup.chosen()))
        #expect(certificate["exact"] as? Int == 0 && certificate["perceptual"] as? Int == 0)
        #expect((certificate["calibration"] as? [String: Any])?["images"] as? Int == 16)

        // Why: of a planted image by its source, of a chosen one by its content id.
        let why = try setup.retort.run("why", "pool/all/x/planted-4-0.jpg")
        #expect(why.code == 0, "\(why.errors)")
        #expect(
            why.output.contains("curate: ruled out at 'leakage': the same picture as an image of target.test")
        )
        #expect(why.output.contains("leakage: perceptual, target/test/"))
        let first = try #require(try setup.chosen().first)
        let answer = try setup.retort.run("why", String(first.prefix(10)), "--json")
        let answers = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [[String: Any]]
        let trace = try #require(answers?.first?["trace"] as? [String: Any])
        #expect(trace["outcome"] as? String == "chosen" && trace["id"] as? String == first)
        #expect(answers?.first?["used_by"] as? [String] == ["labels"])
        let places = try #require(trace["queries"] as? [[String: Any]])
        let chosen = try #require(trace["chosen"] as? [String: Any])
        let place = try #require(places.first { $0["id"] as? String == chosen["query"] as? String })
        #expect(place["rank"] as? Int == chosen["rank"] as? Int)
        #expect(place["similarity"] as? Double == chosen["similarity"] as? Double)
        // Query: a test image finds itself, then what was made of it, and any embedded image can be asked about.
        let file = setup.retort.folder.appending("target/test/a/16.png").path
        let query = try setup.retort.run("query", "--index", "curate", "--image", file, "-k", "3", "--json")
        #expect(query.code == 0, "\(query.errors)")
        let hits = try #require(
            try JSONSerialization.jsonObject(with: Data(query.output.utf8)) as? [[String: Any]])
        #expect(hits.count == 3 && hits.first?["rank"] as? Int == 1)
        #expect((hits.first?["similarity"] as? Double ?? 0) > 0.9999)
        let sources = hits.prefix(2).compactMap { $0["source"] as? String }
        #expect(Set(sources) == ["target/test/a/16.png", "pool/all/x/planted-0-0.jpg"])
        let planted0 = try #require(setup.planted["same"]?.first)
        let like = try setup.retort.run(
            "query", "--index", "embed", "--id", String(planted0.prefix(8)), "-k", "2")
        #expect(like.code == 0 && !like.output.contains("planted-0-0"), "\(like.errors)")
        let none = try setup.retort.run("query", "--index", "vfm", "--image", file)
        #expect(none.code == 64 && none.errors.contains("is made from no embeddings"), "\(none.errors)")

        let unknown = try setup.retort.run("why", "pool/none.jpg")
        #expect(unknown.code == 66 && unknown.errors.contains("knows no image 'pool/none.jpg'"))
    }

    @Test func `rejecting images re-runs curation and what follows, and labels only what is new`() throws {
        let setup = try Setup(", leakage: null, marks: marks/curate.jsonl")
        #expect(try setup.retort.run("run", setup.pipeline).code == 0)
        let before = try setup.chosen()
        let gone = before.prefix(10)
        let marks = setup.retort.folder.appending("marks/curate.jsonl")
        let lines = gone.map { #"{"id":"\#($0)","mark":"reject","time":"2026-11-21T12:00:00Z","by":"ada"}"# }
        try setup.retort.folder.write(lines.map { $0 + "\n" }.joined(), to: "marks/curate.jsonl")

        let plan = try setup.retort.run("plan", setup.pipeline, "--json").json()
        let stages = try #require(plan["stages"] as? [String: [String: Any]])
        let states = stages.mapValues { $0["state"] as? String ?? "" }
        #expect(states.filter { $0.value != "cached" }.keys.sorted() == ["curate", "labels"], "\(states)")

        let run = try setup.retort.run("run", setup.pipeline)
        #expect(run.code == 0, "\(run.errors)")
        let after = try setup.chosen()
        #expect(after.count == 48 && Set(after).isDisjoint(with: gone))
        #expect(Set(before).subtracting(gone).isSubset(of: after))
        #expect(try setup.counts("labels")["asked_views"] == 20)
        #expect(try setup.counts("labels")["reused_views"] == 76)
        #expect(try setup.counts("labels")["asked_images"] == 10)

        // Times, authors and notes are no part of the key; nor is a mark that changes nothing.
        let others =
            gone.map { #"{"id":"\#($0)","mark":"reject","by":"bob"}"# } + [#"{"id":"z","mark":"unsure"}"#]
        try Data(others.map { $0 + "\n" }.joined().utf8).write(to: marks)
        #expect(try setup.retort.run("plan", setup.pipeline, "--detailed-exitcode").code == 0)
    }
}

extension Image {
    /// A smooth picture of soft blobs and a slope, different for every number.
    fileprivate static func scene(_ number: Int) -> Image {
        var state = UInt64(number) &* 0x9e37_79b9_7f4a_7c15 &+ 1
        func random() -> Double {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Double(state >> 11) / Double(1 << 53)
        }
        for _ in 0..<20 { _ = random() }
        let (width, height) = (96, 72)
        let slope = (random() - 0.5, random() - 0.5, 60 + 120 * random())
        let blobs = (0..<9).map { _ in
            (
                x: random() * 96, y: random() * 72, r: 5 + 14 * random(),
                c: (0..<3).map { _ in 160 * random() - 80 }
            )
        }
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    var value = slope.2 + slope.0 * Double(x) + slope.1 * Double(y)
                    for blob in blobs {
                        let (dx, dy) = (Double(x) - blob.x, Double(y) - blob.y)
                        value += blob.c[channel] * exp(-(dx * dx + dy * dy) / (2 * blob.r * blob.r))
                    }
                    pixels.append(UInt8(max(0, min(200, value))))
                }
            }
        }
        return Image(width: width, height: height, pixels: pixels)
    }

    /// The image with each column taken from another.
    fileprivate func changed(_ column: (Image, Int) -> Int) -> Image {
        var changed: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let start = (y * width + column(self, x)) * 3
                changed += pixels[start..<start + 3]
            }
        }
        return Image(width: width, height: height, pixels: changed)
    }

    fileprivate func brightened(by factor: Double) -> Image {
        Image(width: width, height: height, pixels: pixels.map { UInt8(min(255, Double($0) * factor)) })
    }

    /// The part from a corner that takes a share of both sides.
    fileprivate func cropped(left: Int, top: Int, share: Double) -> Image {
        let (columns, rows) = (Int(Double(width) * share), Int(Double(height) * share))
        var part: [UInt8] = []
        for y in top..<top + rows {
            let start = (y * width + left) * 3
            part += pixels[start..<start + columns * 3]
        }
        return Image(width: columns, height: rows, pixels: part)
    }
}
