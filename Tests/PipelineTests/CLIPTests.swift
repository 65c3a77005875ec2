import Foundation
import Safetensors
import TestSupport
import Testing

/// CLIP from captions to figures, and from published files, as users run it.
@Suite struct CLIPTests {
    private static let pipeline = Retort.root.appending(path: "Pipelines/clip-experts.yaml").path

    private func json(_ data: Data) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    @Test func `captions make a CLIP, which is trained on, measured and asked`() throws {
        let retort = try Retort()
        let outcome = try retort.run("run", Self.pipeline, "--profile", "smoke")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let metrics = try json(retort.artifact("zero-shot", "metrics.json"))
        let top1 = try #require(metrics["zero_shot_top1"] as? Double)
        #expect((0...1).contains(top1))
        #expect((metrics["floor"] as? [String: Any])?["random"] as? Double == 0.1)
        #expect((metrics["retrieval"] as? [String: Any])?["captions"] as? Int == 20)
        #expect((metrics["groups"] as? [[String: Any]])?.count == 3)

        // The vocabulary was learned from the captions, and both arms have it.
        let path = try retort.run("path", "clip-ft[seed=0]").output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        #expect(
            try retort.artifact("clip[seed=0]", "vocabulary.txt")
                == retort.artifact("clip-ft[seed=0]", "vocabulary.txt"))
        try retort.folder.write("a striped cone\na dotted box\na striped cone\n", to: "texts.txt")
        let embedded = try retort.run(
            "embed", "--checkpoint", "\(path)/model.safetensors", "--texts", "texts.txt", "--out", "t.npy")
        #expect(embedded.code == 0, "\(embedded.errors)")
        #expect(embedded.output.contains("t.npy: 3 x 128"))
        let rows = try vectors("t.npy", in: retort, columns: 128)
        #expect(rows.count == 3 && rows[0] == rows[2] && rows[0] != rows[1])
        for row in rows { #expect(abs(row.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4) }
    }

    /// The rows of an array of fp32 numbers, which follow its header.
    private func vectors(_ file: String, in retort: Retort, columns: Int) throws -> [[Float]] {
        let bytes = [UInt8](try Data(contentsOf: retort.folder.appending(file)))
        let header = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        let numbers = bytes[header...].withUnsafeBytes { raw in
            (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        }
        return stride(from: 0, to: numbers.count, by: columns).map { Array(numbers[$0..<$0 + columns]) }
    }

    @Test func `a killed training goes on to the same bytes`() throws {
        func pipeline(_ retort: Retort) throws -> String {
            try retort.folder.write(
                """
                retort: 1
                name: killed
                data:
                  corpus: {kind: world, domain: generic, seed: 1, splits: {train: 64}}
                stages:
                  clip:
                    uses: train-clip
                    images: corpus.train
                    architecture: clip_vit_mini
                    steps: 24
                    batch_size: 32
                    micro_batch: 8
                    ema: 0.9

                """, to: "clip.yaml"
            ).path
        }
        let files = ["model.safetensors", "clip.safetensors", "vocabulary.txt"]
        let whole = try Retort()
        #expect(try whole.run("run", pipeline(whole)).code == 0)
        let killed = try Retort()
        let file = try pipeline(killed)
        let process = try killed.start(["run", file])
        // Until the loop has written a checkpoint.
        var isSaved = false
        while process.isRunning, !isSaved {
            let names = FileManager.default.enumerator(atPath: killed.folder.url.path)
            isSaved = names?.contains { ($0 as? String)?.hasSuffix("/training.safetensors") == true } ?? false
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(isSaved && process.terminationReason == .uncaughtSignal)
        let resumed = try killed.run("run", file)
        #expect(resumed.code == 0, "\(resumed.errors)")
        for name in files {
            #expect(try whole.artifact("clip", name) == killed.artifact("clip", name), "\(name)")
        }
    }

    // MARK: Published files

    /// The tensors of a small CLIP under OpenCLIP's names.
    private var tensors: [(name: String, shape: [Int])] {
        func blocks(_ prefix: String, _ depth: Int, _ width: Int) -> [(String, [Int])] {
            (0..<depth).flatMap { index -> [(String, [Int])] in
                let block = "\(prefix)transformer.resblocks.\(index)."
                let norms = ["ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias"].map { ($0, [width]) }
                let maps = [
                    ("attn.in_proj_weight", [3 * width, width]), ("attn.in_proj_bias", [3 * width]),
                    ("attn.out_proj.weight", [width, width]), ("attn.out_proj.bias", [width]),
                    ("mlp.c_fc.weight", [4 * width, width]), ("mlp.c_fc.bias", [4 * width]),
                    ("mlp.c_proj.weight", [width, 4 * width]), ("mlp.c_proj.bias", [width]),
                ]
                return (norms + maps).map { (block + $0, $1) }
            }
        }
        return [
            ("visual.class_embedding", [192]), ("visual.positional_embedding", [65, 192]),
            ("visual.proj", [192, 128]), ("visual.conv1.weight", [192, 3, 4, 4]),
            ("visual.ln_pre.weight", [192]), ("visual.ln_pre.bias", [192]),
            ("visual.ln_post.weight", [192]), ("visual.ln_post.bias", [192]),
            ("positional_embedding", [16, 128]), ("token_embedding.weight", [674, 128]),
            ("ln_final.weight", [128]), ("ln_final.bias", [128]), ("text_projection", [128, 128]),
            ("logit_scale", []),
        ] + blocks("visual.", 4, 192) + blocks("", 2, 128)
    }

    private func write(
        _ tensors: [(name: String, shape: [Int])], _ file: String, in retort: Retort
    ) throws -> String {
        let url = retort.folder.appending(file)
        try SafetensorsFile.write(
            tensors.map { TensorToStore($0.name, $0.shape, Fixtures.noise($0.name, $0.shape)) }, to: url)
        return url.path
    }

    @Test func `a published file is told, embeds texts with its vocabulary, and is imported whole`() throws {
        let retort = try Retort()
        let file = try write(tensors, "clip.safetensors", in: retort)
        let vocabulary = Fixtures.url("clip/vocabulary.txt.gz").path
        let info = try retort.run("model", "info", file)
        #expect(info.code == 0, "\(info.errors)")
        #expect(info.output.contains("dialect       openclip\narchitecture  clip_vit_mini\n"))
        #expect(info.output.contains("text tower    loaded 30/30 tensors, 100 %\n"))
        #expect(info.output.contains("2 blocks of width 128, 674 tokens, captions of 16, embeddings of 128"))
        let text = try retort.run("model", "info", file, "--json").json()["text"] as? [String: Any]
        #expect(text?["loaded"] as? Int == 30 && text?["total"] as? Int == 30)

        try retort.folder.write("a dog\n\n" + "dog " + String(repeating: "dog ", count: 40), to: "texts.txt")
        let arguments = ["embed", "--arch", "clip_vit_mini", "--checkpoint", file, "--texts", "texts.txt"]
        func embed(_ more: String...) throws -> Retort.Outcome {
            let all = arguments + ["--out", "t.npy"] + more
            let errors = retort.folder.appending("embed-errors")
            try Data().write(to: errors)
            let process = try retort.start(all, errors: FileHandle(forWritingTo: errors))
            process.waitUntilExit()
            return .init(
                code: process.terminationStatus, output: "",
                errors: try String(contentsOf: errors, encoding: .utf8))
        }
        let without = try embed()
        #expect(without.code == 64)
        #expect(without.errors.contains("texts need the vocabulary that the weights were trained with"))
        let with = try embed("--vocabulary", vocabulary)
        #expect(with.code == 0, "\(with.errors)")
        #expect(with.errors.contains("reads 16 tokens, and the end of 1 line was not read: 3"))
        #expect(try vectors("t.npy", in: retort, columns: 128).count == 3)

        let pipeline = try retort.folder.write(
            """
            retort: 1
            name: published
            data:
              corpus: {kind: world, domain: objects, seed: 1, splits: {train: 32, test: 20}}
            models:
              clip: {uses: import-model, file: clip.safetensors, architecture: clip_vit_mini, \
            vocabulary: \(vocabulary)}
            stages:
              tuned: {uses: train-clip, model: clip, images: corpus.train, steps: 2, batch_size: 16}
              scores: {uses: evaluate-clip, models: [tuned, clip], images: corpus.test, pairs: corpus.test}
              probe: {uses: fine-tune, model: tuned, train: corpus.train, mode: probe, steps: 2}

            """, to: "published.yaml")
        let outcome = try retort.run("run", pipeline.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try json(retort.artifact("scores", "metrics.json"))["zero_shot_top1"] is Double)
    }

    @Test func `a CLIP leaves in OpenCLIP's form and comes back with the same vectors`() throws {
        let retort = try Retort()
        let pipeline = try retort.folder.write(
            """
            retort: 1
            name: leaving
            data:
              corpus: {kind: world, domain: generic, seed: 1, splits: {train: 32}}
            stages:
              clip: {uses: train-clip, images: corpus.train, architecture: clip_vit_mini, steps: 2, batch_size: 16}
              cnn: {uses: train-clip, images: corpus.train, architecture: clip_mobilenetv2_mini, steps: 1, batch_size: 16}

            """, to: "leaving.yaml")
        #expect(try retort.run("run", pipeline.path).code == 0)
        let export = try retort.run(
            "export", "model", "clip", "--to", "openclip", "--out", "out/clip.safetensors")
        #expect(export.code == 0, "\(export.errors)")
        let config = try json(Data(contentsOf: retort.folder.appending("out/open_clip_config.json")))
        let model = try #require(config["model_cfg"] as? [String: Any])
        #expect(model["embed_dim"] as? Int == 128)
        #expect((model["vision_cfg"] as? [String: Any])?["head_width"] as? Int == 64)
        let info = try retort.run("model", "info", "out/clip.safetensors")
        #expect(info.code == 0 && info.output.contains("tensors, 100 %"), "\(info.output)\(info.errors)")

        try retort.folder.write("a striped cone\na dotted box\n", to: "texts.txt")
        let pictures = retort.folder.appending("pictures")
        try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Fixtures.url("vision/exif-1.jpg"), to: pictures.appending(path: "one.jpg"))
        let stored = try retort.run("path", "clip").output.trimmingCharacters(in: .whitespacesAndNewlines)
        for (kind, place) in [("--texts", "texts.txt"), ("--images", "pictures")] {
            let vocabulary = kind == "--texts" ? ["--vocabulary", "out/vocabulary.txt"] : []
            let own = try retort.run(
                "embed", "--checkpoint", "\(stored)/model.safetensors", kind, place, "--out", "own.npy")
            let back = try retort.run(
                [
                    "embed", "--arch", "clip_vit_mini", "--checkpoint", "out/clip.safetensors", kind, place,
                    "--out", "back.npy",
                ]
                    + vocabulary)
            #expect(own.code == 0 && back.code == 0, "\(own.errors)\(back.errors)")
            let (a, b) = (
                try vectors("own.npy", in: retort, columns: 128),
                try vectors("back.npy", in: retort, columns: 128)
            )
            #expect(!a.isEmpty && a == b, "\(kind)")
        }

        let refused = try retort.run(
            "export", "model", "cnn", "--to", "openclip", "--out", "cnn/clip.safetensors")
        #expect(refused.code == 69)
        #expect(refused.errors.contains("OpenCLIP has no image tower like"), "\(refused.errors)")
    }

    @Test func `a text tower that lacks a tensor is refused with its name`() throws {
        let retort = try Retort()
        let file = try write(tensors.filter { $0.name != "ln_final.bias" }, "clip.safetensors", in: retort)
        let info = try retort.run("model", "info", file)
        #expect(info.code == 65)
        #expect(info.output.contains("text tower    loaded 29/30 tensors, 96 %\n"))
        #expect(info.output.contains("missing     ln_final.bias"))
    }

    @Test func `images without captions are refused`() throws {
        let retort = try Retort()
        let pipeline = try retort.folder.write(
            """
            retort: 1
            name: silent
            data:
              pictures: {kind: imagefolder, root: pictures}
            stages:
              clip: {uses: train-clip, architecture: clip_vit_mini, images: pictures, steps: 2}

            """, to: "silent.yaml")
        let folder = retort.folder.appending("pictures/a")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Fixtures.url("vision/exif-1.jpg"), to: folder.appending(path: "one.jpg"))
        let outcome = try retort.run("run", pipeline.path)
        #expect(outcome.code != 0)
        #expect(outcome.errors.contains("none of the images has a caption"), "\(outcome.errors)")
    }
}
