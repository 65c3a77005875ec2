import Diagnostics
import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing
import Training
import Vision

@Suite struct WeightsFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes a file of noise with these names and shapes; half precision keeps large ones small.
    @discardableResult
    func write(
        _ shapes: [String: [Int]], _ name: String = "model.safetensors", type: DType = .float32
    ) throws -> URL {
        let url = folder.appending(name)
        let tensors = try shapes.sorted { $0.key < $1.key }.map { name, shape in
            let tensor = try Fixtures.weight(name, shape)
            return (name, tensor.dtype.isFloatingPoint ? try tensor.to(type) : tensor)
        }
        try SafetensorsFile.write(tensors, to: url)
        return url
    }

    func write(_ text: String, as name: String) throws {
        try Data(text.utf8).write(to: folder.appending(name))
    }

    func shapes(of architecture: String, classes: Int) throws -> [String: [Int]] {
        let outline = try ModelRegistry.outline(
            ModelRegistry.defaults(for: architecture, classCount: classes))
        return Dictionary(uniqueKeysWithValues: outline.named.map { ($0.name, $0.tensor.shape) })
    }

    /// What two equal halves of a tiny CLIP look like in Hugging Face's names.
    func clip() throws -> [String: [Int]] {
        try Dictionary(
            uniqueKeysWithValues: Fixtures.pinnedTensors("dialects/huggingface-clip.gelu.names.txt")
                .map { ($0.name, $0.shape) })
    }

    static let tiny = ["width": "48", "depth": "2", "heads": "3", "patch": "8"]
    static let tinyClip = tiny.merging([
        "pre_norm": "true", "norm_eps": "1e-5", "activation": "quick_gelu", "projection": "20",
    ]) { $1 }

    func diagnostic(_ body: () throws -> Void) -> Diagnostic? {
        do {
            try body()
            return nil
        } catch {
            return error as? Diagnostic
        }
    }

    @Test func `a file is loaded as what it is, without being told`() throws {
        let url = try write(shapes(of: "dwcnn_s", classes: 3))
        let model = try LoadedModel.open(weights: url)
        #expect(model.card.configuration.architecture == "dwcnn_s")
        #expect(model.card.configuration.classCount == 3)
        #expect(try LoadedModel.open(weights: folder.url).parameters.count == model.parameters.count)
    }

    @Test func `what weights do not show has to be named`() throws {
        let url = try write(shapes(of: "vit_tiny_patch16_224", classes: 2), type: .float16)
        let problem = diagnostic { _ = try LoadedModel.open(weights: url) }
        #expect(
            problem?.message
                == "model.safetensors fits vit_tiny_patch16_224 and deit_tiny_patch16_224, which differ in what "
                + "weights do not show")
        #expect(problem?.exitCode == .badData)
        let named = try WeightsFile(url).identify(as: "deit_tiny_patch16_224.fb_in1k")
        try named.check()
        #expect(named.guess.configuration.preprocessing == .imageNetBicubic)
        // timm's own file says it.
        try write(
            #"{"architecture": "deit_tiny_patch16_224", "pretrained_cfg": {"mean": [0.1, 0.2, 0.3]}}"#,
            as: "config.json")
        let told = try WeightsFile(url).identify()
        try told.check()
        #expect(told.guess.configuration.architecture == "deit_tiny_patch16_224")
        #expect(told.guess.configuration.preprocessing.mean == [0.1, 0.2, 0.3])
    }

    @Test func `the share of an image that is cut out travels with the weights`() throws {
        let url = try write(shapes(of: "deit_tiny_patch16_224", classes: 2), type: .float16)
        func share(_ name: String, _ text: String) throws -> Double {
            try write(text, as: name)
            defer { try? FileManager.default.removeItem(at: folder.appending(name)) }
            return try WeightsFile(url).identify(as: "deit_tiny_patch16_224").guess.configuration
                .preprocessing.cropShare
        }
        #expect(try share("config.json", #"{"pretrained_cfg": {"crop_pct": 0.9}}"#) == 0.9)
        #expect(
            try share("config.json", #"{"pretrained_cfg": {"crop_pct": 0.9, "crop_mode": "squash"}}"#) == 1)
        #expect(
            try share(
                "preprocessor_config.json",
                #"{"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}}"#) == 0.875)
        #expect(try share("preprocessor_config.json", #"{"size": 256, "crop_size": 224}"#) == 0.875)
        #expect(
            try share(
                "preprocessor_config.json", #"{"size": 256, "crop_size": 224, "do_center_crop": false}"#)
                == 1)

        try write(#"{"pretrained_cfg": {"crop_pct": 0.9}}"#, as: "config.json")
        let model = try LoadedModel.open(weights: url, architecture: "deit_tiny_patch16_224")
        #expect(model.evaluationViews == .centreCrop(share: 0.9))
        let place = folder.appending("stored")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try model.write(to: place)
        #expect(try ModelCard(in: place).configuration.preprocessing.cropShare == 0.9)
        let plain = try LoadedModel.initialize(
            ModelRegistry.defaults(for: "dwcnn_xs"), classes: ["a"], generator: Generator(seed: 0),
            device: .cpu)
        #expect(plain.evaluationViews == .evaluation)
    }

    @Test func `an unreadable model.json beside the weights is said, not passed over`() throws {
        let url = try write(shapes(of: "dwcnn_xs", classes: 3))
        try write("{", as: "model.json")
        let problem = diagnostic { _ = try LoadedModel.open(weights: url, architecture: "dwcnn_xs") }
        #expect(problem?.message.contains("model.json") == true)
        #expect(problem?.exitCode == .badData)
    }

    @Test func `model.json decides what the weights are, unless another architecture is named`() throws {
        let configuration = try ModelRegistry.configure(
            "vit_mini_patch4_32", imageSize: 48, classCount: 0, options: Self.tiny)
        let initial = try LoadedModel.initialize(
            configuration, classes: ["cat", "dog"], generator: Generator(seed: 0), device: .cpu)
        try initial.write(to: folder.url)
        let url = folder.appending("model.safetensors")
        let file = try WeightsFile(url)
        let model = try file.load(file.identify())
        #expect(try model.card == ModelCard(in: folder.url))
        let other = try file.identify(as: "vit_tiny_patch16_224")
        #expect(
            other.notes == [
                "model.json beside model.safetensors describes vit_mini_patch4_32 and was not used for "
                    + "vit_tiny_patch16_224"
            ])
        #expect(diagnostic { try other.check() }?.exitCode == .badData)
    }

    @Test func `a missing file and a folder without weights are missing input`() throws {
        let nowhere = folder.appending("nowhere.safetensors")
        #expect(diagnostic { _ = try WeightsFile(nowhere) }?.exitCode == .inputMissing)
        #expect(diagnostic { _ = try WeightsFile(folder.url) }?.exitCode == .inputMissing)
    }

    @Test func `the nonlinearity that config.json names must be the architecture's`() throws {
        let url = try write(clip())
        try write(#"{"model_type": "clip_vision_model"}"#, as: "config.json")
        let file = try WeightsFile(url)
        let right = try file.identify(as: "vit_mini_patch4_32", options: Self.tinyClip)
        try right.check()
        #expect(right.guess.coverage.dialect == .huggingFaceCLIP)
        let wrong = Self.tinyClip.merging(["activation": "gelu"]) { $1 }
        let problem = diagnostic { _ = try file.identify(as: "vit_mini_patch4_32", options: wrong) }
        #expect(
            problem?.message
                == "config.json beside the weights says quick_gelu, but vit_mini_patch4_32 has gelu")
        try write(#"{"model_type": "clip", "vision_config": {"hidden_act": "relu"}}"#, as: "config.json")
        #expect(diagnostic { _ = try WeightsFile(url) }?.message.contains("'relu'") == true)
    }

    @Test func `preprocessor_config.json gives the normalisation`() throws {
        let url = try write(clip())
        try write(
            #"{"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "resample": 2, "do_rescale": true}"#,
            as: "preprocessor_config.json")
        let identified = try WeightsFile(url).identify(as: "vit_mini_patch4_32", options: Self.tinyClip)
        #expect(
            identified.guess.configuration.preprocessing
                == Preprocessing(mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], interpolation: .bilinear))
    }

    @Test func `a transformer of no known size is described`() throws {
        let url = try write(clip())
        let problem = diagnostic { _ = try LoadedModel.open(weights: url) }
        #expect(problem?.message.hasPrefix("no architecture was named, and none fits completely") == true)
        #expect(
            problem?.hint?.contains(
                "width 48, depth 2, patches of 8 pixels, a norm before the blocks, hidden layers of 192")
                == true)
    }

    @Test func `converted weights have timm's names and compute the same`() throws {
        let url = try write(clip(), type: .bfloat16)
        let file = try WeightsFile(url)
        let model = try file.load(file.identify(as: "vit_mini_patch4_32", options: Self.tinyClip))
        let out = folder.appending("out/tower.safetensors")
        try FileManager.default.createDirectory(
            at: folder.appending("out"), withIntermediateDirectories: true)
        try model.writeTimm(to: out)
        let stored = try SafetensorsFile(out)
        let expected = try Fixtures.pinnedTensors("dialects/timm.quickgelu.names.txt")
        #expect(Set(stored.tensors.map(\.name)) == Set(expected.map(\.name)))
        #expect(stored.tensors.allSatisfy { $0.type == .float32 })
        #expect(try stored.floats("head.bias").allSatisfy { $0 == 0 })
        let again = try WeightsFile(out)
        let reloaded = try again.load(again.identify())
        let images = try Fixtures.tensor("images", 2, 3, 32, 32)
        #expect(
            try reloaded.network.features(images, mode: .evaluation).floats()
                == model.network.features(images, mode: .evaluation).floats())
    }

    @Test func `a projection with a shift does not fit features without one`() throws {
        let url = folder.appending("timm.safetensors")
        let tensors = try Fixtures.pinnedTensors("dialects/timm.quickgelu.names.txt").map {
            ($0.name, try Fixtures.weight($0.name, $0.shape))
        }
        try SafetensorsFile.write(tensors, to: url)
        let options = Self.tinyClip.merging(["projection": "5"]) { $1 }
        let problem = diagnostic {
            _ = try LoadedModel.open(weights: url, architecture: "vit_mini_patch4_32", options: options)
        }
        #expect(
            problem?.message == "timm.safetensors: the model has no place for 'head.bias', which is not zero")
    }
}
