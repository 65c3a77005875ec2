import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing

/// A small CLIP of another library, by the names and shapes of its state dict.
private struct ForeignCLIP {
    let visual: WeightTranslation
    let text: TextTranslation
    let configuration: CLIPConfiguration
    private let shapes: [String: [Int]]

    init(_ name: String, _ activation: TransformerStyle.Activation, wrapper: String = "") throws {
        let tensors = try Fixtures.pinnedTensors("clip/\(name).names.txt")
        shapes = Dictionary(uniqueKeysWithValues: tensors.map { (wrapper + $0.name, $0.shape) })
        visual = WeightTranslation(shapes, projectsFeatures: true)
        text = try #require(TextTranslation(shapes, beside: visual, activation: activation))
        var image = try ModelRegistry.defaults(for: "clip_vit_mini", classCount: 0)
        let size: [String: ModelOption] = [
            "width": 48, "depth": 2, "heads": 3, "patch": 8, "projection": 24,
            "activation": .string(activation.rawValue),
        ]
        image.options.merge(size) { $1 }
        configuration = CLIPConfiguration(image: image, text: text.shape)
    }

    func load() throws -> (model: CLIPModel, parameters: Parameters) {
        let shapes = shapes
        func read(_ name: String) throws -> Tensor {
            let bare = name.hasPrefix("module.") ? String(name.dropFirst(7)) : name
            return try Fixtures.weight(bare, shapes[name] ?? [])
        }
        var state = try visual.state(reading: read)
        for (name, tensor) in try text.state(reading: read) { state[CLIPModel.prefix + name] = tensor }
        return try CLIPModel.load(configuration, from: state)
    }

    /// The gradients under the library's names, in its shapes and sorted.
    func gradients(_ parameters: Parameters) throws -> [(name: String, tensor: Tensor)] {
        try parameters.named.compactMap { entry -> (String, Tensor)? in
            guard let gradient = try entry.tensor.grad else { return nil }
            if entry.name.hasPrefix(CLIPModel.prefix) {
                return (String(entry.name.dropFirst(CLIPModel.prefix.count)), gradient)
            }
            let name = try #require(visual.sources(of: entry.name).first)
            let shape = shapes[name] ?? []
            return (
                name,
                entry.name == "proj.weight"
                    ? try gradient.transpose(0, 1).contiguous() : try gradient.reshape(shape)
            )
        }.sorted { $0.0 < $1.0 }
    }
}

@Suite struct CLIPModelTests {
    private let results: SafetensorsFile
    private let images: Tensor
    private let captions: [[Int]]

    private struct Tokens: Decodable {
        struct Numbers: Decodable { let tokens: [[Int]] }
        let vocabulary: Numbers
    }

    init() throws {
        results = try SafetensorsFile(Fixtures.url("clip/results.safetensors"))
        images = try Fixtures.tensor("images", 3, 3, 32, 32)
        let tokens = try JSONDecoder().decode(
            Tokens.self, from: Data(contentsOf: Fixtures.url("clip/tokens.json"))
        ).vocabulary.tokens
        captions = [2, 3, 8].map { index in
            let row = [672] + tokens[index]
            return row.prefix(15) + [673]
        }
    }

    @Test(arguments: [("gelu", TransformerStyle.Activation.gelu), ("quickgelu", .quickGELU)])
    func `embeddings, loss and gradients are open_clip's`(
        _ name: String, _ activation: TransformerStyle.Activation
    ) throws {
        let foreign = try ForeignCLIP("openclip.\(name)", activation)
        #expect(foreign.text.isComplete)
        let (model, parameters) = try foreign.load()
        let image = try model.embedding(ofImages: images, mode: .training).normalize(-1)
        let text = try model.text(captions).normalize(-1)
        let features = Tolerance.float32Features
        #expect(try features.mismatch(image, results, "openclip.\(name).image") == nil)
        #expect(try features.mismatch(text, results, "openclip.\(name).text") == nil)
        let loss = try Loss.contrastive(images: image, texts: text, scale: model.logitScale.exp())
        #expect(try features.mismatch(loss.reshape(1), results, "openclip.\(name).loss") == nil)
        try loss.backward()
        let gradients = try foreign.gradients(parameters)
        #expect(gradients.count == parameters.named.count)
        let mismatch = try Tolerance.float32Network.mismatchByLargest(
            Fixtures.probes(gradients), results.floats("openclip.\(name).gradients"))
        #expect(mismatch == nil)
    }

    @Test func `embeddings are those of transformers`() throws {
        let foreign = try ForeignCLIP("huggingface-clip", .quickGELU)
        #expect(foreign.text.isComplete, "\(foreign.text.missing) \(foreign.text.strangers)")
        let model = try foreign.load().model
        let image = try model.embedding(ofImages: images, mode: .evaluation).normalize(-1)
        let text = try model.text(captions).normalize(-1)
        #expect(try Tolerance.float32Features.mismatch(image, results, "huggingface-clip.image") == nil)
        #expect(try Tolerance.float32Features.mismatch(text, results, "huggingface-clip.text") == nil)
    }

    @Test func `a wrapper before all names does not matter`() throws {
        let foreign = try ForeignCLIP("openclip.gelu", .gelu, wrapper: "module.")
        #expect(foreign.text.isComplete)
        #expect(foreign.visual.strangers == [])
        let text = try foreign.load().model.text(captions).normalize(-1)
        #expect(try Tolerance.float32Features.mismatch(text, results, "openclip.gelu.text") == nil)
    }

    @Test func `a text tower that lacks a tensor says which`() throws {
        var shapes = Dictionary(
            uniqueKeysWithValues: try Fixtures.pinnedTensors("clip/openclip.gelu.names.txt").map {
                ($0.name, $0.shape)
            })
        shapes["ln_final.bias"] = nil
        shapes["logit_bias"] = []
        let text = try #require(
            TextTranslation(
                shapes, beside: WeightTranslation(shapes, projectsFeatures: true), activation: .gelu))
        #expect(text.missing == ["ln_final.bias"])
        #expect(text.strangers == ["logit_bias"])
        #expect(!text.isComplete)
        #expect(text.summary == "loaded 29/30 tensors, 96 %")
    }

    @Test func `captions of other lengths do not change an embedding`() throws {
        let model = try ForeignCLIP("openclip.gelu", .gelu).load().model
        let together = try model.text(captions).floats()
        let alone = try model.text([captions[0]]).floats()
        let first = Array(together.prefix(24))
        #expect(Tolerance.float32Features.mismatch(alone, first) == nil)
        // Whatever stands after the end is not looked at.
        let padded = try model.text([captions[0] + [5, 6, 7]]).floats()
        #expect(padded == alone)
    }

    @Test(arguments: CLIPConfiguration.names + ["resnet18", "dwcnn_xs"])
    func `two towers of one name fit together`(_ name: String) throws {
        let configuration = try CLIPConfiguration.defaults(for: name)
        try configuration.check()
        let outline = try Parameters.outline { _ = try CLIPModel($0, configuration) }
        #expect(outline.named.contains { $0.name == "clip.logit_scale" && !$0.decays })
        #expect(
            outline.named.contains { $0.name == "clip.visual.head.proj.weight" } != configuration.isProjected)
    }

    @Test func `the scale stays between one and a hundred`() throws {
        var configuration = try CLIPConfiguration.defaults(for: "clip_vit_mini", vocabularySize: 600)
        configuration.text.depth = 1
        let model = try CLIPModel.initialize(configuration, generator: Generator(seed: 0)).model
        #expect(abs(try model.logitScale.exp().item() - 1 / 0.07) < 1e-4)
        try withoutGradients { _ = try model.logitScale.fill_(7.0) }
        try model.clampLogitScale()
        #expect(abs(try model.logitScale.exp().item() - 100) < 1e-3)
        #expect(model.logitScale.requiresGrad)
    }
}
