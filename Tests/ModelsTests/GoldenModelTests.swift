import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing

/// A model with the weights of the fixtures.
struct FilledModel {
    let model: any ImageModel
    let parameters: Parameters

    init(
        _ name: String, imageSize: Int? = nil, classCount: Int = 5, _ options: [String: ModelOption] = [:]
    ) throws {
        var configuration = try ModelRegistry.defaults(
            for: name, imageSize: imageSize, classCount: classCount)
        configuration.options.merge(options) { $1 }
        (model, parameters) = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0))
        for entry in parameters.named {
            try entry.tensor.copy_(Fixtures.weight(entry.name, entry.tensor.shape))
        }
    }

    /// Compares features, logits and, where the file has them, the gradients of a classification loss.
    func check(_ name: String, batch: Int = 2, imageSize: Int, mode: Mode) throws {
        let file = try SafetensorsFile(Fixtures.url("models/results.safetensors"))
        let images = try Fixtures.tensor("images", batch, 3, imageSize, imageSize)
        let features = try model.features(images, mode: mode)
        #expect(features.shape == [batch, model.featureWidth])
        #expect(try Tolerance.float32Network.mismatch(features, file, "\(name).features") == nil)
        if mode == .training, !model.normalizations.isEmpty {
            // The reference's second pass starts from running statistics that its first pass moved.
            _ = try model.features(images, mode: mode)
        }
        let logits = try model.head(features)
        #expect(try Tolerance.float32Network.mismatch(logits, file, "\(name).logits") == nil)
        guard file["\(name).gradients"] != nil else { return }
        try Loss.crossEntropy(logits, Tensor((0..<batch).map { [3, 0][$0 % 2] })).backward()
        let gradients = try parameters.named.filter { $0.kind == .parameter }
            .map { ($0.name, try #require(try $0.tensor.grad)) }
        let probes = try Fixtures.probes(gradients)
        #expect(try Tolerance.float32Network.mismatch(probes, file.floats("\(name).gradients")) == nil)
    }
}

@Suite struct GoldenModelTests {
    @Test(arguments: [ViT.Pool.token, .avg])
    func `a vision transformer is timm's`(pool: ViT.Pool) throws {
        let options: [String: ModelOption] = [
            "patch": 8, "width": 48, "depth": 3, "pool": .string(pool.rawValue),
        ]
        try FilledModel("vit_mini_patch4_32", options).check("vit.\(pool)", imageSize: 32, mode: .training)
    }

    @Test(arguments: [56, 53], [Mode.evaluation, .training])
    func `MobileNetV2 is timm's with TensorFlow's padding`(size: Int, mode: Mode) throws {
        let filled = try FilledModel("mobilenetv2_035")
        let name = "mobilenetv2.\(size)"
        try filled.check("\(name).\(mode)", batch: mode == .training ? 8 : 2, imageSize: size, mode: mode)
        guard mode == .training else { return }
        let buffers = filled.parameters.named.filter { $0.kind == .buffer && $0.tensor.dtype == .float32 }
            .map { ($0.name, $0.tensor) }
        let file = try SafetensorsFile(Fixtures.url("models/results.safetensors"))
        #expect(
            try Tolerance.float32Network.mismatch(Fixtures.probes(buffers), file.floats("\(name).buffers"))
                == nil)
        #expect(try filled.parameters["bn2.num_batches_tracked"]?.ints() == [2])
    }

    @Test func `MobileNetV2 is timm's with symmetric padding`() throws {
        try FilledModel("mobilenetv2_035", ["pad": "symmetric"])
            .check("mobilenetv2.symmetric", imageSize: 64, mode: .evaluation)
    }

    @Test(arguments: [ResNet.Block.basic, .bottleneck], [Mode.evaluation, .training])
    func `a residual network is timm's`(block: ResNet.Block, mode: Mode) throws {
        let options: [String: ModelOption] = [
            "block": .string(block.rawValue), "stages": "8x2 16x1 24x1 32x1",
        ]
        try FilledModel("resnet18", options)
            .check(
                "resnet.\(block).\(mode)", batch: mode == .training ? 8 : 2, imageSize: 64, mode: mode)
    }

    @Test func `frozen batch normalisation trains the evaluated function`() throws {
        try FilledModel("mobilenetv2_035", ["batch_norm": "frozen"])
            .check("mobilenetv2.56.evaluation", imageSize: 56, mode: .training)
    }

    @Test func `re-estimated statistics leave the evaluated function and make it trainable`() throws {
        let (model, parameters) = try Self.folded()
        let batches = try (0..<3).map { try Fixtures.tensor("images.\($0)", 16, 3, 64, 64) }
        func outputs(_ mode: Mode) throws -> [Float] {
            try withoutGradients { try model(batches[0], mode: mode).floats() }
        }
        let before = try outputs(.evaluation)
        try model.reestimateBatchNorm(on: batches)
        #expect(try Tolerance.float32Network.mismatch(outputs(.evaluation), before) == nil)
        #expect(parameters["conv_stem.weight"]?.requiresGrad == true)
        let (after, range) = (try outputs(.training), before.map(abs).max() ?? 0)
        #expect(zip(after, before).allSatisfy { abs($0 - $1) < 0.5 * range })
    }

    /// A network whose statistics were folded into its convolutions: normalisation does nothing but shift.
    static func folded() throws -> (any ImageModel, Parameters) {
        let filled = try FilledModel("mobilenetv2_035")
        for entry in filled.parameters.named {
            if entry.name.hasSuffix("running_mean") { try entry.tensor.fill_(0.0) }
            if entry.name.hasSuffix("running_var") { try entry.tensor.fill_(1.0) }
        }
        return (filled.model, filled.parameters)
    }

    @Test(arguments: [2, 3, 6])
    func `positions are resampled as timm does`(grid: Int) throws {
        let table = try Fixtures.tensor("pos_embed", 1, 17, 6)
        let file = try SafetensorsFile(Fixtures.url("models/results.safetensors"))
        #expect(
            try Tolerance.float32.mismatch(
                ViT.resample(positions: table, to: grid), file, "pos_embed.\(grid)")
                == nil)
        #expect(try ViT.resample(positions: table, to: 4).floats() == table.floats())
    }
}

@Suite struct StateDictTests {
    /// The lines `name dtype shape` of a model.
    func lines(_ name: String, classCount: Int = 1000, _ options: [String: ModelOption] = [:]) throws
        -> [String]
    {
        var configuration = try ModelRegistry.defaults(for: name, classCount: classCount)
        configuration.options.merge(options) { $1 }
        let (_, parameters) = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0))
        return parameters.named.map { entry in
            let shape = entry.tensor.shape.map(String.init).joined(separator: "x")
            return "\(entry.name) \(entry.tensor.dtype) \(shape.isEmpty ? "scalar" : shape)"
        }
    }

    func pinned(_ name: String, in folder: String = "models") throws -> [String] {
        try String(contentsOf: Fixtures.url("\(folder)/\(name).names.txt"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    @Test func `names, types, shapes and order are timm's`() throws {
        #expect(try lines("vit_tiny_patch16_224") == pinned("vit_tiny_patch16_224"))
        #expect(try lines("vit_tiny_patch16_224", ["pool": "avg"]) == pinned("vit_tiny_patch16_224.avg"))
        #expect(try lines("mobilenetv2_100") == pinned("mobilenetv2_100"))
        #expect(try lines("resnet18") == pinned("resnet18"))
        #expect(try lines("resnet50") == pinned("resnet50"))
    }

    @Test(arguments: ["tiny", "small", "base"])
    func `the sizes of vision transformers are timm's`(size: String) throws {
        let name = "vit_\(size)_patch16_224"
        let options = try ModelRegistry.defaults(for: name).options
        let pinned = try pinned(name)
        #expect(pinned.contains("head.weight float32 1000x\(options["width"] ?? 0)"))
        #expect(pinned.count { $0.contains(".norm1.weight ") } == (options["depth"] == 12 ? 12 : 0))
        #expect(options["heads"] == ["tiny": 3, "small": 6, "base": 12][size])
    }

    @Test func `the depthwise network keeps its names`() throws {
        #expect(try lines("dwcnn_xs", classCount: 10) == pinned("dwcnn_xs", in: "dwcnn"))
    }
}
