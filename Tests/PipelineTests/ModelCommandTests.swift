import Foundation
import Safetensors
import TestSupport
import Testing
import Vision

/// `retort model` and `retort embed` on weights from elsewhere, as users meet them.
@Suite struct ModelCommandTests {
    /// Writes the weights of a small model in its library's names.
    private func write(
        _ tensors: [(name: String, type: String, shape: [Int])], _ file: String, in retort: Retort
    ) throws -> String {
        let url = retort.folder.appending(file)
        let stored = tensors.map { TensorToStore($0.name, $0.shape, Fixtures.noise($0.name, $0.shape)) }
        try SafetensorsFile.write(stored, to: url)
        return url.path
    }

    /// The tensors of ViT-Ti/16 with a head of two classes.
    private func tiny(classes: Int = 2) throws -> [(name: String, type: String, shape: [Int])] {
        try String(contentsOf: Fixtures.url("models/vit_tiny_patch16_224.names.txt"), encoding: .utf8)
            .split(separator: "\n").map { line in
                let words = line.split(separator: " ").map(String.init)
                var shape = words[2].split(separator: "x").compactMap { Int($0) }
                if words[0].hasPrefix("head.") { shape[0] = classes }
                return (words[0], words[1], shape)
            }
    }

    @Test func `info says what a file is, for people and programs`() throws {
        let retort = try Retort()
        let file = try write(tiny(), "tiny.safetensors", in: retort)
        let text = try retort.run("model", "info", file, "--arch", "deit_tiny_patch16_224")
        #expect(text.code == 0, "\(text.errors)")
        #expect(text.output.contains("dialect       timm\narchitecture  deit_tiny_patch16_224\n"))
        #expect(text.output.contains("loaded 152/152 tensors, 100 % of parameters"))
        #expect(text.output.contains("images        224 px, bicubic, mean 0.485 0.456 0.406"))

        let outcome = try retort.run("model", "info", file, "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let json = try outcome.json()
        #expect(json["dialect"] as? String == "timm")
        #expect(json["architecture"] as? String == "vit_tiny_patch16_224")
        #expect(json["alternatives"] as? [String] == ["deit_tiny_patch16_224"])
        #expect(json["loaded"] as? Int == 152 && json["total"] as? Int == 152)
        #expect(json["coverage"] as? Double == 1)
        #expect(json["missing"] as? [String] == [] && json["unexpected"] as? [String] == [])
        #expect(json["class_count"] as? Int == 2)
        let preprocessing = json["preprocessing"] as? [String: Any]
        #expect(preprocessing?["interpolation"] as? String == "bicubic")
        #expect(preprocessing?["mean"] as? [Double] == [0.5, 0.5, 0.5])
    }

    @Test func `info knows a head for pixels by its card`() throws {
        let retort = try Retort()
        let body = try String(contentsOf: Fixtures.url("dwcnn/dwcnn_xs.names.txt"), encoding: .utf8)
            .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            .filter { !$0[0].hasPrefix("head.") && $0[1] == "float32" }
            .map { ($0[0], $0[1], $0[2].split(separator: "x").compactMap { Int($0) }) }
        let head = [
            ("decode_head.conv_seg.weight", "float32", [3, 96, 1, 1]),
            ("decode_head.conv_seg.bias", "float32", [3]),
        ]
        let file = try write(body + head, "model.safetensors", in: retort)
        try Data(
            """
            {"configuration": {"architecture": "dwcnn_xs", "image_size": 32, "class_count": 3, "options":
            {"stem": 16, "stages": "32x2 64x4 96x3", "stem_stride": 1, "activation": "hardswish",
            "batch_norm": "train", "head": "linear-dense", "head_norm": false}, "preprocessing":
            {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bilinear"}},
            "classes": ["sky", "tree", "car"], "lineage": []}
            """.utf8
        ).write(to: retort.folder.appending("model.json"))
        let text = try retort.run("model", "info", file)
        #expect(text.code == 0, "\(text.errors)")
        #expect(text.output.contains("100 % of parameters"))
        #expect(text.output.contains("classes       3\nhead          linear-dense\n"))
    }

    @Test func `two matching tensors are not a model`() throws {
        let retort = try Retort()
        let tensors = try tiny().map { name, type, shape in
            (name.hasPrefix("norm.") ? name : "my_" + name, type, shape.map { min($0, 4) })
        }
        let file = try write(tensors, "two.safetensors", in: retort)
        let outcome = try retort.run("model", "info", file, "--arch", "vit_tiny_patch16_224", "--json")
        #expect(outcome.code == 65)
        let json = try outcome.json()
        #expect((json["missing"] as? [String])?.contains("blocks.11.attn.qkv.weight") == true)
        #expect((json["unexpected"] as? [String])?.contains("my_cls_token") == true)
        #expect(outcome.errors.contains("missing: cls_token (the checkpoint has 'my_cls_token')"))
        #expect(outcome.errors.contains("two.safetensors does not fit vit_tiny_patch16_224"))
    }

    @Test func `converted weights embed as the original's do`() throws {
        let retort = try Retort()
        // Images of 32 pixels keep the pass small: positions are resampled.
        let wrapped = try tiny().map { ("module." + $0.name, $0.type, $0.shape) }
        let file = try write(wrapped, "wrapped.safetensors", in: retort)
        let converted = try retort.run(
            "model", "convert", file, "--arch", "deit_tiny_patch16_224", "--out", "out/tiny.safetensors")
        #expect(converted.code == 0, "\(converted.errors)")
        let again = try retort.run(
            "model", "convert", file, "--arch", "deit_tiny_patch16_224", "--out", "out/other.safetensors")
        #expect(again.code == 64 && again.errors.contains("model.json exists already"))

        let images = retort.folder.appending("images")
        try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
        let pixels = Fixtures.noise("pixels", [40 * 40 * 3]).map { UInt8(127.5 + 127 * $0) }
        try ImageCodec.encodePNG(Image(width: 40, height: 40, pixels: pixels))
            .write(to: images.appending(path: "a.png"))
        func embed(_ file: String, _ out: String, _ more: String...) throws -> Data {
            let arguments = [
                "embed", "--checkpoint", file, "--images", images.path, "--out", out, "--image-size", "32",
            ]
            let process = try retort.start(arguments + more)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            return try Data(contentsOf: retort.folder.appending(out))
        }
        let original = try embed(file, "a.npy", "--arch", "deit_tiny_patch16_224")
        // The converted file is known by its model.json.
        #expect(try embed(retort.folder.appending("out/tiny.safetensors").path, "b.npy") == original)

        try Data("no".utf8).write(to: retort.folder.appending("out/model.json"))
        let broken = try retort.run(
            "embed", "--checkpoint", "out/tiny.safetensors", "--arch", "deit_tiny_patch16_224", "--images",
            images.path, "--out", "c.npy")
        #expect(broken.code == 65 && broken.errors.contains("out/model.json"), "\(broken.errors)")
    }
}
