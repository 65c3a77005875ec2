import Diagnostics
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct ArchitectureGuessTests {
    /// The names that a library gives to models of real size, and the architectures they may be.
    static let real: [(file: String, dialect: Dialect, architectures: [String])] = [
        (
            "timm.deit_small_patch16_224", .timm, ["vit_small_patch16_224", "deit_small_patch16_224"]
        ),
        ("timm.vit_small_patch14_dinov2", .timm, ["vit_small_patch14_dinov2"]),
        ("timm.vit_base_patch14_reg4_dinov2", .timm, ["vit_base_patch14_reg4_dinov2"]),
        ("timm.vit_giant_patch14_dinov2", .timm, ["vit_giant_patch14_dinov2"]),
        (
            "timm.vit_large_patch14_clip_224", .timm,
            [
                "vit_large_patch14_clip_224", "vit_large_patch14_clip_336",
                "vit_large_patch14_clip_quickgelu_224", "vit_large_patch14_clip_quickgelu_336",
            ]
        ),
        ("timm.mobilenetv2_100", .timm, ["mobilenetv2_100"]),
        ("timm.resnet50", .timm, ["resnet50"]),
        (
            "huggingface-dinov2.vit_base_patch14_dinov2", .huggingFaceDINOv2, ["vit_base_patch14_dinov2"]
        ),
        (
            "huggingface-dinov2.vit_giant_patch14_dinov2", .huggingFaceDINOv2, ["vit_giant_patch14_dinov2"]
        ),
        (
            "huggingface-dinov2.vit_small_patch14_reg4_dinov2", .huggingFaceDINOv2,
            ["vit_small_patch14_reg4_dinov2"]
        ),
        (
            "huggingface-clip.vit_large_patch14_clip_224", .huggingFaceCLIP,
            [
                "vit_large_patch14_clip_224", "vit_large_patch14_clip_336",
                "vit_large_patch14_clip_quickgelu_224", "vit_large_patch14_clip_quickgelu_336",
            ]
        ),
        (
            "huggingface-vit.vit_base_patch16_224", .huggingFaceViT,
            ["vit_base_patch16_224", "deit_base_patch16_224"]
        ),
        ("openclip.ViT-B-32", .openCLIP, ["ViT-B-32", "ViT-B-32-quickgelu"]),
        ("openclip.ViT-B-16", .openCLIP, ["ViT-B-16", "ViT-B-16-quickgelu"]),
        (
            "openclip.ViT-L-14", .openCLIP,
            ["ViT-L-14", "ViT-L-14-336", "ViT-L-14-quickgelu", "ViT-L-14-336-quickgelu"]
        ),
    ]

    @Test(arguments: real)
    func `models of real size are recognised by their names and shapes`(
        file: String, dialect: Dialect, architectures: [String]
    ) throws {
        let shapes = try ForeignModel("real.\(file)").shapes
        let complete = try ArchitectureGuess.all(for: shapes).filter(\.coverage.isComplete)
        #expect(complete.map(\.configuration.architecture) == architectures)
        for guess in complete {
            #expect(guess.coverage.dialect == dialect)
            #expect(guess.coverage.coverage == 1 && guess.coverage.loaded == guess.coverage.total)
        }
    }

    @Test(arguments: real.filter { $0.dialect == .timm }.map(\.file))
    func `the order of the names is timm's`(file: String) throws {
        let foreign = try ForeignModel("real.\(file)")
        let best = try #require(try ArchitectureGuess.all(for: foreign.shapes).first)
        let outline = try ModelRegistry.outline(best.configuration)
        #expect(
            ForeignModel.patterns(outline.named.map(\.name))
                == ForeignModel.patterns(foreign.tensors.map(\.name)))
    }

    @Test func `the other tower of a CLIP is reported, and is no problem`() throws {
        let coverage = try ArchitectureGuess(
            ForeignModel("real.openclip.ViT-B-32").shapes,
            as: ModelRegistry.defaults(for: "ViT-B-32", classCount: 0)
        ).coverage
        #expect(coverage.summary == "loaded 152/152 tensors, 100 % of parameters")
        #expect(coverage.otherTower.contains("logit_scale"))
        #expect(coverage.otherTower.contains("transformer.resblocks.11.ln_1.weight"))
        #expect(coverage.otherTower.allSatisfy { !$0.hasPrefix("visual.") })
    }

    @Test func `Retort's own names are its own`() throws {
        let configuration = try ModelRegistry.defaults(for: "dwcnn_s", classCount: 3)
        let outline = try ModelRegistry.outline(configuration)
        let shapes = Dictionary(uniqueKeysWithValues: outline.named.map { ($0.name, $0.tensor.shape) })
        let best = try #require(try ArchitectureGuess.all(for: shapes).first)
        #expect(best.coverage.dialect == .retort && best.coverage.isComplete)
        #expect(best.configuration.architecture == "dwcnn_s" && best.configuration.classCount == 3)
    }

    @Test func `what can be seen of a transformer of no known size is told`() throws {
        let translation = try WeightTranslation(ForeignModel("timm.registers").shapes)
        #expect(
            ArchitectureGuess.transformerFacts(of: translation)
                == "width 48, depth 2, patches of 8 pixels, 4 registers, layer scale, hidden layers of 192")
    }

    @Test func `counters of batches that a file lacks are made`() throws {
        let shapes = try ForeignModel("real.timm.resnet50").shapes
            .filter { !$0.key.hasSuffix("num_batches_tracked") }
        let best = try #require(try ArchitectureGuess.all(for: shapes).first)
        #expect(best.coverage.isComplete && best.configuration.architecture == "resnet50")
    }
}

@Suite struct WeightCoverageTests {
    func coverage(_ architecture: String, _ shapes: [String: [Int]]) throws -> WeightCoverage {
        try ArchitectureGuess(
            shapes, as: ModelRegistry.defaults(for: architecture, classCount: 0)
        ).coverage
    }

    @Test func `a file with two matching tensors is refused with the nearest names`() throws {
        let whole = try ForeignModel("real.timm.vit_small_patch14_dinov2").shapes
        let kept: Set = ["cls_token", "norm.weight"]
        let shapes = Dictionary(
            uniqueKeysWithValues: whole.map { name, shape in
                (kept.contains(name) ? name : name.replacing("blocks", with: "block") + "_", shape)
            })
        let coverage = try coverage("vit_small_patch14_dinov2", shapes)
        #expect(coverage.loaded == 2 && coverage.total == whole.count && coverage.coverage < 0.001)
        #expect(coverage.missing.count == whole.count - 2)
        let problem = try #require(coverage.problem(in: "two.safetensors"))
        #expect(problem.exitCode == .badData)
        let lines = problem.message.split(separator: "\n").map(String.init)
        #expect(
            lines[0]
                == "two.safetensors does not fit vit_small_patch14_dinov2: loaded 2/\(whole.count) tensors, "
                + "0.1 % of parameters (names: timm)")
        #expect(lines[1] == "  missing: pos_embed (the checkpoint has 'pos_embed_')")
        #expect(lines.contains("  and \(whole.count - 12) more"))
    }

    @Test func `a misspelt name is named as its library would spell it`() throws {
        var shapes = try ForeignModel("real.huggingface-dinov2.vit_base_patch14_dinov2").shapes
        shapes["encoder.layer.3.norm1.wieght"] = shapes.removeValue(forKey: "encoder.layer.3.norm1.weight")
        let coverage = try coverage("vit_base_patch14_dinov2", shapes)
        #expect(coverage.missing == ["blocks.3.norm1.weight"])
        #expect(coverage.unexpected == ["encoder.layer.3.norm1.wieght"])
        #expect(
            coverage.problem(in: "x")?.message.contains(
                "missing: blocks.3.norm1.weight ('encoder.layer.3.norm1.weight'; the checkpoint has "
                    + "'encoder.layer.3.norm1.wieght')") == true)
    }

    @Test func `a part of qkv is not enough`() throws {
        var shapes = try ForeignModel("real.huggingface-dinov2.vit_base_patch14_dinov2").shapes
        shapes["encoder.layer.0.attention.attention.key.bias"] = nil
        let coverage = try coverage("vit_base_patch14_dinov2", shapes)
        #expect(coverage.missing == ["blocks.0.attn.qkv.bias"])
        #expect(coverage.unexpected.count == 2)
    }

    @Test func `weights with more than the architecture has are refused`() throws {
        let shapes = try ForeignModel("real.timm.vit_small_patch14_dinov2").shapes
        var plain = try ModelRegistry.defaults(for: "vit_small_patch14_dinov2", classCount: 0)
        plain.options["layer_scale"] = 0
        let coverage = try ArchitectureGuess(shapes, as: plain).coverage
        #expect(coverage.missing.isEmpty && coverage.coverage == 1)
        #expect(coverage.unexpected.contains("blocks.0.ls1.gamma") && !coverage.isComplete)
    }

    @Test func `tensors of another size are named with both`() throws {
        let shapes = try ForeignModel("real.timm.vit_small_patch14_dinov2").shapes
        let coverage = try coverage("vit_base_patch14_dinov2", shapes)
        #expect(coverage.loaded == 0 && coverage.missing.isEmpty)
        #expect(
            coverage.problem(in: "x", others: ["vit_small_patch14_dinov2"])?.hint
                == "it fits vit_small_patch14_dinov2: name vit_small_patch14_dinov2")
        #expect(
            coverage.problem(in: "x")?.message.contains(
                "shape: cls_token is [1, 1, 384], expected [1, 1, 768]") == true)
    }
}
