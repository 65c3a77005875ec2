import Diagnostics
import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing

/// A small model of `Scripts/fixtures/heads.py`, and how Retort is told to make it.
struct HeadCase: CustomTestStringConvertible, Sendable {
    let name: String
    let architecture: String
    let options: [String: ModelOption]

    var testDescription: String { name }

    private static let size: [String: ModelOption] = ["width": 48, "depth": 2, "heads": 3, "patch": 8]

    private init(_ name: String, _ architecture: String, _ options: [String: ModelOption] = [:]) {
        self.name = name
        self.architecture = architecture
        self.options = Self.size.merging(options) { $1 }
    }

    static let timm = [
        HeadCase("dinov3.plain", "vit_small_patch16_dinov3"),
        HeadCase("dinov3.bias", "vit_small_patch16_dinov3_qkvb", ["pool": "token"]),
        HeadCase("dinov3.gated", "vit_small_plus_patch16_dinov3"),
        HeadCase("dinov3.pool", "vit_small_patch16_dinov3", ["head": "attention-pool"]),
        HeadCase("vit.pool", "vit_mini_patch4_32", ["head": "attention-pool"]),
        HeadCase("vit.mlp", "vit_mini_patch4_32", ["head": "mlp", "head_hidden": 24]),
    ]

    static let huggingFace = [
        HeadCase("huggingface-dinov3.plain", "vit_small_patch16_dinov3_qkvb", ["pool": "token"]),
        HeadCase("huggingface-dinov3.gated", "vit_small_plus_patch16_dinov3_qkvb", ["pool": "token"]),
    ]

    func configuration(classCount: Int = 5) throws -> ModelConfiguration {
        var configuration = try ModelRegistry.defaults(
            for: architecture, imageSize: 32, classCount: classCount)
        configuration.options.merge(options) { $1 }
        return configuration
    }
}

@Suite struct HeadTests {
    let results: SafetensorsFile
    let images: Tensor

    init() throws {
        results = try SafetensorsFile(Fixtures.url("heads/results.safetensors"))
        images = try Fixtures.tensor("images", 2, 3, 32, 32)
    }

    private func shapes(_ name: String) throws -> [String: [Int]] {
        let tensors = try Fixtures.pinnedTensors("heads/\(name).names.txt")
        return Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
    }

    @Test(arguments: HeadCase.timm)
    func `DINOv3 and other heads give timm's features, logits and gradients`(_ it: HeadCase) throws {
        let (model, parameters) = try ModelRegistry.initialize(
            it.configuration(), generator: Generator(seed: 0))
        let pinned = try Fixtures.pinnedTensors("heads/\(it.name).names.txt")
        #expect(
            ForeignModel.patterns(parameters.named.map(\.name)) == ForeignModel.patterns(pinned.map(\.name)))
        #expect(
            try Dictionary(uniqueKeysWithValues: parameters.named.map { ($0.name, $0.tensor.shape) })
                == shapes(it.name))
        for entry in parameters.named {
            try entry.tensor.copy_(Fixtures.weight(entry.name, entry.tensor.shape))
        }
        let tolerance = Tolerance.float32Features
        let features = try model.features(images, mode: .training)
        #expect(features.shape == [2, model.featureWidth])
        // timm counts the hidden layer of an MLP head among the features.
        if results["\(it.name).features"]?.shape == features.shape {
            #expect(try tolerance.mismatch(features, results, "\(it.name).features") == nil)
        }
        let problem = try Fixtures.mismatch(
            ofLogits: model.head(features), labels: Tensor([3, 0] as [Int]),
            parameters.named.map { ($0.name, $0.tensor) }, in: results, it.name)
        #expect(problem == nil)
    }

    @Test(arguments: HeadCase.huggingFace)
    func `Hugging Face's DINOv3 gives its features`(_ it: HeadCase) throws {
        let shapes = try shapes(it.name)
        let guess = try ArchitectureGuess(shapes, as: it.configuration(classCount: 0))
        #expect(guess.coverage.isComplete, "\(guess.coverage)")
        #expect(guess.coverage.dialect == .huggingFaceDINOv3)
        #expect(guess.translation.ignored == ["embeddings.mask_token"])
        let state = try guess.translation.state { try Fixtures.weight($0, shapes[$0] ?? []) }
        let (model, _) = try ModelRegistry.load(guess.configuration, from: state)
        let features = try model.features(images, mode: .evaluation)
        let name = "\(it.name).features"
        #expect(try Tolerance.float32Features.mismatch(features, results, name) == nil)
    }

    @Test(
        arguments: ["small", "small_plus", "base", "large", "huge_plus"],
        ["", "_qkvb"])
    func `DINOv3 of real size has timm's names, and no other architecture has them`(
        size: String, suffix: String
    ) throws {
        let name = "vit_\(size)_patch16_dinov3\(suffix)"
        let complete = try ArchitectureGuess.all(for: shapes("real.timm.\(name)"))
            .filter(\.coverage.isComplete)
        #expect(complete.map(\.configuration.architecture) == [name])
    }

    @Test func `a vision transformer of real size is pooled under timm's names`() throws {
        var configuration = try ModelRegistry.defaults(for: "vit_small_patch16_224")
        configuration.options["head"] = "attention-pool"
        let outline = try ModelRegistry.outline(configuration)
        #expect(
            try Dictionary(uniqueKeysWithValues: outline.named.map { ($0.name, $0.tensor.shape) })
                == shapes("real.timm.vit_small_patch16_224.map"))
        #expect(try ModelRegistry.headPrefixes(of: configuration) == ["head", "attn_pool"])
    }

    @Test func `DINOv3 sees other image sizes with the same weights`() throws {
        let (model, _) = try ModelRegistry.initialize(
            HeadCase.timm[0].configuration(), generator: Generator(seed: 1))
        var larger = try HeadCase.timm[0].configuration()
        larger.imageSize = 48
        let (_, parameters) = try ModelRegistry.initialize(larger, generator: Generator(seed: 1))
        let state = Dictionary(uniqueKeysWithValues: parameters.named.map { ($0.name, $0.tensor) })
        _ = try ModelRegistry.load(HeadCase.timm[0].configuration(), from: state)
        #expect(try model.features(.zeros([1, 3, 32, 32]), mode: .evaluation).shape == [1, 48])
    }

    @Test(arguments: ["resnet_xs", "mobilenetv2_035", "dwcnn_xs", "vit_mini_patch4_32"])
    func `every architecture takes a head of two layers, in place of its own`(name: String) throws {
        let plain = try ModelRegistry.defaults(for: name, classCount: 7)
        let headed = try ModelRegistry.configure(
            name, classCount: 7, options: ["head": "mlp", "head_hidden": "12"])
        let (_, weights) = try ModelRegistry.initialize(plain, generator: Generator(seed: 0))
        let state = Dictionary(uniqueKeysWithValues: weights.named.map { ($0.name, $0.tensor) })
        let prefix = try ModelRegistry.headPrefix(of: headed)
        let (model, parameters) = try ModelRegistry.load(
            headed, from: state.filter { !$0.key.hasPrefix(prefix + ".") }, newHead: true,
            generator: Generator(seed: 2))
        #expect(parameters["\(prefix).pre_logits.fc.weight"]?.shape == [12, model.featureWidth])
        #expect(parameters.reinitialized == [prefix])
        let side = plain.imageSize
        #expect(try model(.zeros([2, 3, side, side]), mode: .evaluation).shape == [2, 7])
    }

    @Test func `a pool of tokens is refused where there are none`() {
        func message(_ name: String, _ options: [String: String]) -> String? {
            do throws(Diagnostic) {
                _ = try ModelRegistry.configure(name, classCount: 2, options: options)
                return nil
            } catch { return "\(error)" }
        }
        #expect(
            message("resnet18", ["head": "attention-pool"])
                == "error: option 'head' of model 'resnet18' is 'attention-pool', expected one of linear, mlp: "
                + "it has no tokens to pool")
        #expect(
            message("resnet18", ["head": "attention_pool"]) == """
                error: option 'head' of model 'resnet18' is 'attention_pool', expected one of linear, mlp, \
                attention-pool, linear-dense, psp, deeplabv3
                  hint: did you mean 'attention-pool'?
                """)
    }
}
