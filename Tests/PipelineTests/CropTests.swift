import Foundation
import Search
import TestSupport
import Testing
import Vision

/// Parts of images from the pool to the student, through the built program, on files.
@Suite struct CropPipelineTests {
    @Test func `parts of images are embedded, chosen, labelled and learned from`() throws {
        let retort = try Retort()
        // Each pool image shows four different squares; target images are such squares, alone.
        func square(_ number: Int, side: Int) -> [[UInt8]] {
            let colours: [[UInt8]] = [[230, 40, 40], [40, 200, 60], [50, 70, 230], [235, 220, 60]]
            return (0..<side * side).map { place in
                let stripe = (place % side + (number / 4) * (place / side)) / 4 % 2 == 0
                return colours[number % 4].map { stripe ? $0 : $0 / 3 }
            }
        }
        func write(_ image: Image, _ path: String) throws {
            let file = retort.folder.appending(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try ImageCodec.encodePNG(image).write(to: file)
        }
        for number in 0..<8 {
            let pixels = square(number, side: 24).flatMap { $0 }
            let split = number % 8 < 4 ? "train" : "test"
            try write(
                Image(width: 24, height: 24, pixels: pixels), "target/\(split)/c\(number % 2)/\(number).png")
        }
        for number in 0..<12 {
            let tiles = (0..<4).map { square(number + 5 * $0, side: 24) }
            let pixels = (0..<48 * 48).flatMap { place -> [UInt8] in
                let (x, y) = (place % 48, place / 48)
                return tiles[y / 24 * 2 + x / 24][y % 24 * 24 + x % 24]
            }
            try write(Image(width: 48, height: 48, pixels: pixels), "pool/all/x/\(number).png")
        }
        let file = try retort.folder.write(
            """
            retort: 1
            name: parts
            data:
              target: {kind: imagefolder, root: target}
              pool: {kind: imagefolder, root: pool}
            stages:
              teacher: {uses: fine-tune, architecture: dwcnn_xs, train: target.train, steps: 6, batch_size: 4}
              embed: {uses: embed, model: teacher, images: [target], cropped: [pool], crops: [0.5], storage: fp32}
              index: {uses: index, embeddings: embed}
              curate:
                uses: curate
                index: index
                queries: target.train
                exclude: [target.test]
                leakage: null
                per_query: 5
              transfer: {uses: distill, teacher: teacher, images: curate, student: dwcnn_xs, steps: 3, batch_size: 8, views: 2}
            """, to: "parts.yaml"
        ).path
        let run = try retort.run("run", file)
        #expect(run.code == 0, "\(run.errors)")

        // Eight whole target images, and of twelve pool images the whole and nine squares each.
        let path = try retort.run("path", "embed").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let shards = try EmbeddingShards(URL(filePath: path))
        #expect(shards.count == 8 + 12 * 10)
        #expect(shards.ids.count { CropID.box(of: $0) != nil } == 108)

        let rows = try String(decoding: retort.artifact("curate", "transfer-set.jsonl"), as: UTF8.self)
            .split(separator: "\n")
            .map { try JSONDecoder().decode(TransferSetRow.self, from: Data($0.utf8)) }
        #expect(rows.count == 20)
        let parts = rows.filter { $0.box != nil }
        #expect(!parts.isEmpty && parts.allSatisfy { $0.width == 24 && $0.height == 24 })
        for (query, rows) in Dictionary(grouping: rows, by: \.query) {
            #expect(Set(rows.map { CropID.image(of: $0.id) }).count == 5, "\(query ?? "")")
        }
        // By hand: each query's nearest unit of every image, best first.
        let table = try shards.table()
        let ids = shards.ids
        func similarity(_ a: Int, _ b: Int) -> Double {
            zip(table[a], table[b]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let best = try #require(rows.min { ($0.query ?? "", $0.rank) < ($1.query ?? "", $1.rank) })
        let query = try #require(ids.firstIndex { $0 == best.query })
        let nearest = (8..<ids.count).map { similarity(query, $0) }.max() ?? 0
        if best.rank == 1 { #expect(abs(Double(best.similarity ?? 0) - nearest) < 1e-4) }

        // The teacher was asked about the parts, by their own ids, and the student learned.
        let labels = try retort.run("path", "transfer-labels")
        #expect(labels.code == 0, "\(labels.errors)")
        let folder = URL(filePath: labels.output.trimmingCharacters(in: .whitespacesAndNewlines))
        let record =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: folder.appending(path: "artifact.json"))) as? [String: Any]
        #expect((record?["counts"] as? [String: Int])?["asked_images"] == 20)

        // A part can be asked about by its place, and the digits of an image mean the whole of it.
        let part = try #require(parts.first)
        let why = try retort.run("why", part.source, "--json")
        #expect(why.code == 0, "\(why.errors)")
        let answers = try JSONSerialization.jsonObject(with: Data(why.output.utf8)) as? [[String: Any]]
        let trace = try #require(answers?.first?["trace"] as? [String: Any])
        #expect(trace["outcome"] as? String == "chosen" && trace["id"] as? String == part.id)
        let digits = String(CropID.image(of: part.id).prefix(12))
        let like = try retort.run("query", "--index", "embed", "--id", digits, "-k", "3")
        #expect(like.code == 0, "\(like.errors)")

        // The static pages show the part, not the image it is from.
        let page = retort.folder.appending("page")
        #expect(try retort.run("inspect", "curate", "--static", page.path).code == 0)
        let thumbnails = try FileManager.default.contentsOfDirectory(
            atPath: page.appending(path: "thumbs").path)
        let sizes = try thumbnails.map { name in
            let image = try ImageCodec.decode(Data(contentsOf: page.appending(path: "thumbs/\(name)")))
            return image.width
        }
        #expect(sizes.contains(24))
        // The same bytes once more.
        let bytes = try retort.artifact("curate", "transfer-set.jsonl")
        #expect(try retort.run("run", file, "--force", "embed", "--force", "curate").code == 0)
        #expect(try retort.artifact("curate", "transfer-set.jsonl") == bytes)
    }
}
