import Engine
import Foundation
import Manifest
import Report
import TestSupport
import Testing
import Vision

/// The shipped pipelines that train CLIP with experts, run small.
@Suite struct CLIPPipelinesTests {
    private static func file(_ name: String) -> URL { Retort.root.appending(path: "Pipelines/\(name).yaml") }

    private func json(_ retort: Retort, _ stage: String) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: retort.artifact(stage, "metrics.json")) as? [String: Any]
            ?? [:]
    }

    @Test func `the grid has every subset of experts and shares what clip-experts has made`() throws {
        let retort = try Retort()
        let grid = try retort.run("run", Self.file("clip-experts-grid").path, "-p", "smoke")
        #expect(grid.code == 0, "\(grid.errors)")
        let zeroShot = try json(retort, "zero-shot")
        let groups = zeroShot["groups"] as? [[String: Any]] ?? []
        // Eight subsets, three other weights, the truth, two shares of noise, and the CLIP before all.
        let names = Set(groups.compactMap { $0["name"] as? String })
        #expect(names.count == 15)
        for name in ["clip", "weighted[lambda=0.1]", "noisy[noise=0.5]", "truth", "only-depth"] {
            #expect(names.contains(name), "\(names)")
        }
        for group in groups where group["name"] as? String != "clip-ft" {
            let versus = group["versus"] as? [String: Any]
            #expect(versus?["baseline"] as? String == "clip-ft")
            #expect((versus?["tost"] as? [String: Any])?["verdict"] as? String == "not shown")
        }
        for text in [
            "clip-experts against clip-ft, 1 seed", "noisy[noise=0.25] against clip-ft, 1 seed",
            "25\u{202F}% of its answers misplaced", "depth: learned from the truth",
            "expert depth-expert: rmse", "without looking (depth-answers)",
        ] { #expect(grid.output.contains(text), "\(text)\n\(grid.output)") }

        let alone = try retort.run("run", Self.file("clip-experts").path, "-p", "smoke", "--json")
        #expect(alone.code == 0, "\(alone.errors)")
        let stages = try alone.json()["stages"] as? [String: [String: Any]] ?? [:]
        for name in ["clip", "clip-ft", "clip-experts"] {
            #expect(stages["\(name)[seed=0]"]?["state"] as? String == "cached", "\(name)")
        }
        #expect(stages["depth-labels"]?["state"] as? String == "cached")
    }

    @Test func `the arms of the grid differ in what they learn from, and in nothing else`() throws {
        let spec = try load(file: Self.file("clip-experts-grid"), environment: [:])
        let graph = try Graph(spec, catalog: stageCatalog)
        let arms = graph.nodes.filter { node in
            node.kind.description == "train-clip" && node.inputs.contains { $0.input == "model" }
        }
        #expect(arms.count == 14)
        func settings(_ node: Graph.Node) -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: node.spec.entries.compactMap { entry in
                    entry.value.scalar.map { (entry.key, $0) }
                }
            ).filter { !["images", "segmentation", "depth", "normals", "lambda"].contains($0.key) }
        }
        let control = try #require(arms.first { $0.name == "clip-ft[seed=0]" })
        for arm in arms { #expect(settings(arm) == settings(control), "\(arm.name)") }
    }

    @Test func `real photographs and a TorchScript expert go through clip-real`() throws {
        let retort = try Retort()
        try writeBundle(in: retort)
        let expert = Fixtures.url("experts/segmentation.pt").path
        let overrides = [
            "vars.data=\(retort.folder.url.path)", "expert.file=\(expert)", "expert.output_part=out",
            "expert.classes=[dark, red, green, blue]", "expert.image_size=24", "clip.batch_size=8",
            "clip-ft.batch_size=8", "clip-experts.batch_size=8",
        ].flatMap { ["-s", $0] }
        let outcome = try retort.run(["run", Self.file("clip-real").path, "-p", "smoke"] + overrides)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let retrieval = try json(retort, "retrieval")
        #expect(retrieval["zero_shot_top1"] == nil)
        #expect((retrieval["retrieval"] as? [String: Any])?["captions"] as? Int == 8)
        let comparisons = retrieval["comparisons"] as? [[String: Any]] ?? []
        #expect(comparisons.first?["metric"] as? String == "image_to_text_r1" && comparisons.count == 6)
        #expect((comparisons.first?["groups"] as? [Any])?.count == 3)
        #expect(
            outcome.output.contains("retrieval: 8 captions and 4 images of each other"), "\(outcome.output)")
        let page = String(decoding: try retort.artifact("page", "report.html"), as: UTF8.self)
        for text in ["Images beside their maps", "text_to_image_r10", "clip-experts"] {
            #expect(page.contains(text), "\(text)")
        }
    }

    /// Two shards of captioned pictures where clip-real.yaml looks for them.
    private func writeBundle(in retort: Retort) throws {
        for (split, count) in [("train", 12), ("val", 4)] {
            let folder = retort.folder.appending(split)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for index in 0..<count {
                let pixels = (0..<40 * 30 * 3).map { UInt8(($0 * (index + 3) + split.count * 31) % 251) }
                let image = try ImageCodec.encodePNG(Image(width: 40, height: 30, pixels: pixels))
                try image.write(to: folder.appending(path: "\(split)\(index).png"))
                let captions =
                    #"{"captions": ["picture \#(index) of \#(split)", "stripes number \#(index)"]}"#
                try Data(captions.utf8).write(to: folder.appending(path: "\(split)\(index).json"))
            }
            let shards = retort.folder.appending("captions")
            try FileManager.default.createDirectory(at: shards, withIntermediateDirectories: true)
            try writeTar(of: folder, to: shards.appending(path: "captions-\(split)-000000.tar"))
        }
    }
}
