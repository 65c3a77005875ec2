import Diagnostics
import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct ModelRegistryTests {
    @Test func `a MobileNetV2 of the first version is read as it was`() throws {
        var old = try ModelRegistry.defaults(for: "mobilenetv2_035", classCount: 4)
        for option in ["stem", "stages", "features"] { old.options[option] = nil }
        let model = try ModelRegistry.initialize(old, generator: Generator(seed: 0)).model
        #expect(model.featureWidth == 1280)
    }

    func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `a misspelled model is corrected`() {
        #expect(
            message { _ = try ModelRegistry.defaults(for: "vit_tiny_patch_224") } == """
                error: unknown model 'vit_tiny_patch_224'
                  hint: did you mean 'vit_tiny_patch16_224'?
                """)
        #expect(ModelRegistry.names.count == Set(ModelRegistry.names).count)
    }

    @Test(arguments: ModelRegistry.names)
    func `every model's defaults are sound`(name: String) throws {
        try ModelRegistry.check(ModelRegistry.defaults(for: name))
    }

    @Test(arguments: [
        (
            "mobilenetv2_100", ["bath_norm": "frozen"],
            """
            error: unknown option 'bath_norm' for model 'mobilenetv2_100'
              hint: did you mean 'batch_norm'?
            """
        ),
        (
            "mobilenetv2_100", ["batch_norm": "frosen"],
            """
            error: option 'batch_norm' of model 'mobilenetv2_100' is 'frosen', expected one of train, frozen
              hint: did you mean 'frozen'?
            """
        ),
        (
            "vit_mini_patch4_32", ["heads": "5"],
            "error: option 'heads' of model 'vit_mini_patch4_32' is '5', expected a divisor of the width 96"
        ),
        (
            "vit_mini_patch4_32", ["patch": "5"],
            "error: option 'patch' of model 'vit_mini_patch4_32' is '5', expected a divisor of the image size 32"
        ),
        (
            "vit_mini_patch4_32", ["depth": "deep"],
            "error: option 'depth' of model 'vit_mini_patch4_32' is 'deep', expected a whole number of at least 1"
        ),
        (
            "dwcnn_s", ["stages": "48x2 96"],
            "error: option 'stages' of model 'dwcnn_s' is '48x2 96', expected channels and blocks of each stage, "
                + "such as '48x2 96x4'"
        ),
    ])
    func `a wrong option is explained`(model: String, options: [String: String], text: String) {
        #expect(message { _ = try ModelRegistry.configure(model, classCount: 10, options: options) } == text)
    }

    @Test func `a configuration survives JSON`() throws {
        let configuration = try ModelRegistry.configure(
            "vit_mini_patch4_32", imageSize: 48, classCount: 10, options: ["pool": "avg", "drop_path": "0.1"])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let data = try encoder.encode(configuration)
        #expect(
            String(decoding: data, as: UTF8.self)
                == #"{"architecture":"vit_mini_patch4_32","class_count":10,"image_size":48,"#
                + #""options":{"activation":"gelu","depth":4,"drop_path":0.1,"expansion":4,"#
                + #""feedforward":"mlp","heads":3,"layer_scale":0,"no_embed_class":false,"norm_eps":1e-06,"#
                + #""patch":4,"pool":"avg","pre_norm":false,"projection":0,"qkv_bias":true,"registers":0,"width":96},"#
                + #""preprocessing":{"interpolation":"bilinear","mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}}"#)
        let read = try JSONDecoder().decode(ModelConfiguration.self, from: data)
        try ModelRegistry.check(read)
        #expect(try encoder.encode(read) == data)
    }

    @Test func `a configuration written before an option existed means the plain model`() throws {
        var configuration = try ModelRegistry.defaults(for: "vit_mini_patch4_32")
        let plain = ["width", "depth", "heads", "patch", "expansion", "pool", "drop_path"]
        configuration.options = configuration.options.filter { plain.contains($0.key) }
        try ModelRegistry.check(configuration)
        #expect(try ModelRegistry.outline(configuration).named.count == 56)
    }

    @Test func `an outline has the names and shapes of a model, and none of its memory`() throws {
        let configuration = try ModelRegistry.defaults(for: "mobilenetv2_035", classCount: 7)
        let outline = try ModelRegistry.outline(configuration)
        let model = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0)).parameters
        #expect(outline.named.map(\.name) == model.named.map(\.name))
        #expect(outline.named.map(\.tensor.shape) == model.named.map(\.tensor.shape))
        #expect(outline.named.map(\.kind) == model.named.map(\.kind))
        // Its tensors would take 4.5 GB.
        #expect(
            try ModelRegistry.outline(ModelRegistry.defaults(for: "vit_giant_patch14_dinov2")).count
                > 1_100_000_000)
    }

    @Test func `a checkpoint fits its own classes, or is given a new head`() throws {
        let own = try ModelRegistry.defaults(for: "dwcnn_xs", classCount: 4)
        let other = try ModelRegistry.defaults(for: "dwcnn_xs", classCount: 6)
        let state = try ModelRegistry.initialize(own, generator: Generator(seed: 0)).parameters.state()
        #expect(try ModelRegistry.load(own, from: state).parameters.reinitialized.isEmpty)
        #expect(throws: CheckpointMismatch.self) { try ModelRegistry.load(other, from: state) }
        let loaded = try ModelRegistry.load(other, from: state, newHead: true, generator: Generator(seed: 1))
        #expect(loaded.parameters.reinitialized == ["head"])
        #expect(try loaded.model(.zeros([1, 3, 32, 32]), mode: .evaluation).shape == [1, 6])
    }

    @Test func `a transformer sees images of another size`() throws {
        let small = try ModelRegistry.defaults(for: "vit_mini_patch4_32", classCount: 4)
        let large = try ModelRegistry.defaults(for: "vit_mini_patch4_32", imageSize: 48, classCount: 4)
        let state = try ModelRegistry.initialize(small, generator: Generator(seed: 0)).parameters.state()
        let loaded = try ModelRegistry.load(large, from: state)
        #expect(loaded.parameters["pos_embed"]?.shape == [1, 145, 96])
        #expect(try loaded.model(.zeros([1, 3, 48, 48]), mode: .evaluation).shape == [1, 4])
    }

    @Test func `the position table and the class token do not decay`() throws {
        let configuration = try ModelRegistry.defaults(for: "vit_mini_patch4_32", classCount: 4)
        let (_, parameters) = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0))
        let spared = parameters.groups(weightDecay: 0.1).filter { $0.weightDecay == 0 }
            .flatMap { $0.parameters.map(\.name) }
        #expect(spared.contains("cls_token") && spared.contains("pos_embed"))
        #expect(!spared.contains("patch_embed.proj.weight"))
    }

    @Test func `bytes become what the model takes`() throws {
        let bytes = try Tensor(bytes: [0, 51, 255, 255, 0, 102], shape: [1, 1, 2, 3])
        let images = try Preprocessing(mean: [0.5, 0.2, 0], std: [0.5, 0.1, 2])(bytes)
        #expect(images.shape == [1, 3, 1, 2])
        #expect(try Tolerance.float32.mismatch(images.floats(), [-1, 1, 0, -2, 0.5, 0.2]) == nil)
        #expect(images.isChannelsLast)
    }
}
