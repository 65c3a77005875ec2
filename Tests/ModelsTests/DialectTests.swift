import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing

/// A small model in its own library's names, with the weights of the fixtures.
struct ForeignModel {
    let name: String
    let tensors: [(name: String, type: String, shape: [Int])]

    init(_ name: String) throws {
        self.name = name
        tensors = try Fixtures.pinnedTensors("dialects/\(name).names.txt")
    }

    var shapes: [String: [Int]] { Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) }) }

    /// Names without their numbers, each once, in the order of their first.
    static func patterns(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.map { name in
            name.split(separator: ".").map { Int($0) == nil ? $0 : "*" }.joined(separator: ".")
        }.filter { seen.insert($0).inserted }
    }

    /// The model in Retort's names.
    func load(
        _ options: [String: ModelOption], as type: DType = .float32
    ) throws -> (dialect: Dialect, model: any ImageModel, parameters: Parameters) {
        let guess = try ArchitectureGuess(shapes, as: ViTCase.configuration(options))
        #expect(guess.coverage.isComplete, "\(guess.coverage)")
        let shapes = shapes
        let state = try guess.translation.state { name in
            try Fixtures.weight(name, shapes[name] ?? []).to(type)
        }
        let (model, parameters) = try ModelRegistry.load(guess.configuration, from: state)
        return (guess.coverage.dialect, model, parameters)
    }
}

/// One of the small models, and the options that make Retort's transformer the same.
struct ViTCase: CustomTestStringConvertible, Sendable {
    let name: String
    let dialect: Dialect
    let options: [String: ModelOption]
    /// What the file of results calls the features.
    var features = "features"

    var testDescription: String { name + "." + features }

    /// A transformer of the fixtures' size.
    static func configuration(_ options: [String: ModelOption]) throws -> ModelConfiguration {
        var configuration = try ModelRegistry.defaults(for: "vit_mini_patch4_32", classCount: 0)
        let size: [String: ModelOption] = ["width": 48, "depth": 2, "heads": 3, "patch": 8]
        configuration.options.merge(size.merging(options) { $1 }) { $1 }
        return configuration
    }

    private static let registers: [String: ModelOption] = ["registers": 4, "no_embed_class": true]
    private static let swiglu: [String: ModelOption] = ["feedforward": "swiglu", "expansion": 5.33334]
    private static let scale: [String: ModelOption] = ["layer_scale": 1e-5]
    private static func clip(_ activation: String, projection: Int = 0) -> [String: ModelOption] {
        [
            "pre_norm": true, "norm_eps": 1e-5, "activation": .string(activation),
            "projection": .int(projection),
        ]
    }

    static let timm = [
        ViTCase(name: "timm.layerscale", dialect: .timm, options: scale),
        ViTCase(name: "timm.registers", dialect: .timm, options: registers.merging(scale) { $1 }),
        ViTCase(name: "timm.average", dialect: .timm, options: ["registers": 4, "pool": "avg"]),
        ViTCase(name: "timm.swiglu", dialect: .timm, options: swiglu.merging(scale) { $1 }),
        ViTCase(name: "timm.clip", dialect: .timm, options: clip("gelu")),
        ViTCase(name: "timm.quickgelu", dialect: .timm, options: clip("quick_gelu")),
    ]

    static let foreign = [
        ViTCase(name: "dinov2.registers", dialect: .dinov2, options: registers.merging(scale) { $1 }),
        ViTCase(name: "dinov2.swiglu", dialect: .dinov2, options: swiglu.merging(scale) { $1 }),
        ViTCase(name: "huggingface-dinov2.plain", dialect: .huggingFaceDINOv2, options: scale),
        ViTCase(
            name: "huggingface-dinov2.swiglu", dialect: .huggingFaceDINOv2,
            options: swiglu.merging(scale) { $1 }),
        ViTCase(
            name: "huggingface-dinov2.registers", dialect: .huggingFaceDINOv2,
            options: registers.merging(scale) { $1 }),
        ViTCase(name: "huggingface-clip.quickgelu", dialect: .huggingFaceCLIP, options: clip("quick_gelu")),
        ViTCase(
            name: "huggingface-clip.quickgelu", dialect: .huggingFaceCLIP,
            options: clip("quick_gelu", projection: 20), features: "projected"),
        ViTCase(
            name: "huggingface-clip.gelu", dialect: .huggingFaceCLIP,
            options: clip("gelu", projection: 20), features: "projected"),
        ViTCase(
            name: "huggingface-vit.classifier", dialect: .huggingFaceViT, options: ["norm_eps": 1e-12]),
        ViTCase(
            name: "openclip.quickgelu", dialect: .openCLIP, options: clip("quick_gelu", projection: 20),
            features: "projected"),
        ViTCase(
            name: "openclip.gelu", dialect: .openCLIP, options: clip("gelu", projection: 20),
            features: "projected"),
    ]
}

@Suite struct DialectTests {
    let results: SafetensorsFile
    let images: Tensor

    init() throws {
        results = try SafetensorsFile(Fixtures.url("dialects/results.safetensors"))
        images = try Fixtures.tensor("images", 2, 3, 32, 32)
    }

    @Test(arguments: ViTCase.timm)
    func `timm's transformers give timm's features, logits and gradients`(_ it: ViTCase) throws {
        let (dialect, model, parameters) = try ForeignModel(it.name).load(it.options)
        #expect(dialect == .timm)
        let features = try model.features(images, mode: .training)
        let tolerance = Tolerance.float32Features
        #expect(try tolerance.mismatch(features, results, "\(it.name).features") == nil)
        let logits = try model.head(features)
        let problem = try Fixtures.mismatch(
            ofLogits: logits, labels: Tensor([3, 0] as [Int]), parameters.named.map { ($0.name, $0.tensor) },
            in: results, it.name)
        #expect(problem == nil)
    }

    @Test(arguments: ViTCase.foreign)
    func `other libraries' transformers give their features`(_ it: ViTCase) throws {
        let (dialect, model, _) = try ForeignModel(it.name).load(it.options)
        #expect(dialect == it.dialect)
        let features = try model.features(images, mode: .evaluation)
        let name = "\(it.name).\(it.features)"
        #expect(try Tolerance.float32Features.mismatch(features, results, name) == nil)
        guard results["\(it.name).logits"] != nil else { return }
        let logits = try model.head(features)
        #expect(try Tolerance.float32Features.mismatch(logits, results, "\(it.name).logits") == nil)
    }

    @Test func `without a place for it, CLIP's projection is the head`() throws {
        var options = ViTCase.foreign.first { $0.name == "openclip.gelu" }?.options ?? [:]
        options["projection"] = 0
        let (_, model, parameters) = try ForeignModel("openclip.gelu").load(options)
        #expect(parameters["head.bias"]?.shape == [20])
        let logits = try model(images, mode: .evaluation)
        #expect(try Tolerance.float32Features.mismatch(logits, results, "openclip.gelu.projected") == nil)
    }

    @Test(arguments: [
        (
            "huggingface-dinov2.swiglu",
            [
                ".attention.attention.query": ".attention.q_proj",
                ".attention.attention.key": ".attention.k_proj",
                ".attention.attention.value": ".attention.v_proj",
                ".attention.output.dense": ".attention.o_proj", ".weights_out": ".down_proj",
            ]
        ),
        (
            "huggingface-vit.classifier",
            [
                "encoder.layer.": "layers.", ".attention.attention.query": ".attention.q_proj",
                ".attention.attention.key": ".attention.k_proj",
                ".attention.attention.value": ".attention.v_proj",
                ".attention.output.dense": ".attention.o_proj", ".intermediate.dense": ".mlp.fc1",
                ".output.dense": ".mlp.fc2",
            ]
        ),
    ])
    func `the names that transformers 5 has in memory are understood`(
        name: String, changes: [String: String]
    ) throws {
        let it = try #require(ViTCase.foreign.first { $0.name == name })
        var shapes: [String: [Int]] = [:]
        for (old, shape) in try ForeignModel(name).shapes {
            // Longer patterns first: one is the end of another.
            let new = changes.sorted { $0.key.count > $1.key.count }
                .reduce(old) { $0.replacing($1.key, with: $1.value) }
            if new.contains("weights_in") {
                let half = [shape[0] / 2] + shape.dropFirst()
                shapes[new.replacing("weights_in", with: "gate_proj")] = half
                shapes[new.replacing("weights_in", with: "up_proj")] = half
            } else {
                shapes[new] = shape
            }
        }
        let guess = try ArchitectureGuess(shapes, as: ViTCase.configuration(it.options))
        #expect(guess.coverage.isComplete && guess.coverage.dialect == it.dialect, "\(guess.coverage)")
        let gate = guess.translation.sources(of: "blocks.1.mlp.fc1.weight")
        #expect(gate.count == (name.hasSuffix("swiglu") ? 2 : 1) && gate.first?.contains("up") == false)
    }

    @Test func `half precision is loaded as single precision`() throws {
        let (_, model, parameters) = try ForeignModel("huggingface-dinov2.plain")
            .load(["layer_scale": 1e-5], as: .float16)
        #expect(parameters.named.allSatisfy { $0.tensor.dtype == .float32 })
        let features = try model.features(images, mode: .evaluation)
        let name = "huggingface-dinov2.plain.half"
        #expect(try Tolerance.float32Features.mismatch(features, results, name) == nil)
    }

    @Test(arguments: ["module.", "model.", "backbone.", "state_dict.model.", "module.backbone."])
    func `wrappers are seen through`(wrapper: String) throws {
        for it in [ViTCase.timm[0]] + ViTCase.foreign {
            let foreign = try ForeignModel(it.name)
            let wrapped = Dictionary(
                uniqueKeysWithValues: foreign.shapes.map { (wrapper + $0.key, $0.value) })
            let guess = try ArchitectureGuess(wrapped, as: ViTCase.configuration(it.options))
            #expect(guess.coverage.isComplete && guess.coverage.dialect == it.dialect, "\(guess.coverage)")
        }
    }

    @Test func `positions with registers are resampled`() throws {
        var options = ViTCase.timm[1].options
        options["norm_eps"] = 1e-6
        let foreign = try ForeignModel("timm.registers")
        var configuration = try ViTCase.configuration(options)
        configuration.imageSize = 48
        let guess = try ArchitectureGuess(foreign.shapes, as: configuration)
        #expect(guess.coverage.isComplete)
        let shapes = foreign.shapes
        let state = try guess.translation.state { try Fixtures.weight($0, shapes[$0] ?? []) }
        let (model, parameters) = try ModelRegistry.load(guess.configuration, from: state)
        #expect(parameters["pos_embed"]?.shape == [1, 36, 48])
        #expect(try model.features(.zeros([1, 3, 48, 48]), mode: .evaluation).shape == [1, 48])
    }
}
