import Diagnostics
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Training

@testable import Export

/// A model whose exported file was run with onnxruntime, and what became of it there.
///
/// Weights come from the fixtures' noise, so the file's bytes are always the same, and their digest says whether
/// they are those that were run.
struct ExportCase: CustomTestStringConvertible, Sendable {
    let name: String
    let imageSize: Int
    var normalizes = false
    var features = false
    let model: @Sendable () throws -> LoadedModel

    var testDescription: String { name }

    static let all: [ExportCase] =
        [
            registered("vit_mini_patch4_32", imageSize: 32, ["depth": 2, "width": 48]),
            registered(
                "vit_mini_patch4_32", "vit-avg", imageSize: 32, ["depth": 1, "width": 48, "pool": "avg"]),
            registered("dwcnn_xs", imageSize: 32, features: true),
            registered("dwcnn_xs", "dwcnn-normalized", imageSize: 32, normalizes: true),
            registered("mobilenetv2_mini", imageSize: 32),
            registered("mobilenetv2_035", imageSize: 64),
            registered("mobilenetv2_035", "mobilenetv2-odd", imageSize: 63, ["pad": "symmetric"]),
            registered("resnet_xs", imageSize: 32),
            registered("resnet18", imageSize: 64, ["stages": "8x2 16x1 24x1 32x1"]),
            registered("resnet50", imageSize: 64, ["stages": "8x1 16x1 24x1 32x1"], classCount: 0),
            registered(
                "vit_mini_patch4_32", "vit-attention-pool", imageSize: 32,
                ["depth": 1, "width": 48, "head": "attention-pool"]),
            registered(
                "vit_small_patch16_dinov3", imageSize: 32,
                ["depth": 1, "width": 48, "heads": 3, "patch": 8, "qkv_bias": true]),
            registered("dwcnn_xs", "dwcnn-mlp", imageSize: 32, ["head": "mlp"]),
            registered(
                "vit_mini_patch4_32", "vit-linear-dense", imageSize: 16,
                ["depth": 1, "width": 48, "head": "linear-dense"], features: true),
            // Some regions of a 5 × 5 map are wider than others.
            registered("resnet_xs", "resnet-psp", imageSize: 20, ["head": "psp", "head_hidden": 8]),
            registered(
                "mobilenetv2_035", "mobilenetv2-deeplabv3", imageSize: 32,
                ["head": "deeplabv3", "head_hidden": 8, "output_stride": 8], classCount: 2),
        ] + OperatorModel.cases

    private static func registered(
        _ architecture: String, _ name: String? = nil, imageSize: Int, _ options: [String: ModelOption] = [:],
        classCount: Int = 5, normalizes: Bool = false, features: Bool = false
    ) -> ExportCase {
        ExportCase(
            name: name ?? architecture, imageSize: imageSize, normalizes: normalizes, features: features
        ) {
            var configuration = try ModelRegistry.defaults(
                for: architecture, imageSize: imageSize, classCount: classCount)
            configuration.options.merge(options) { $1 }
            let card = ModelCard(
                configuration: configuration, classes: (0..<classCount).map { "class-\($0)" },
                lineage: ["fixture \(architecture)"])
            return try filled(card) { try ModelRegistry.build(configuration, $0) }
        }
    }

    /// A model with the weights of the fixtures.
    static func filled(_ card: ModelCard, _ build: (Scope) throws -> any ImageModel) throws -> LoadedModel {
        let (network, parameters) = try Parameters.initialize(generator: Generator(seed: 0), build)
        for entry in parameters.named {
            try entry.tensor.copy_(Fixtures.weight(entry.name, entry.tensor.shape))
        }
        return try LoadedModel(card: card, network: network, parameters: parameters, device: .cpu)
    }

    /// The export of the model.
    func export() throws -> OnnxExport {
        OnnxExport(try model(), normalizes: normalizes, features: features)
    }

    /// The images that both programs saw.
    func images(_ batch: Int) throws -> Tensor {
        try Fixtures.tensor("\(name).images", batch, 3, imageSize, imageSize, scale: 0.5, offset: 0.5)
    }
}

/// A network that does nothing useful with operations that no registered architecture, or only some, needs.
struct OperatorModel: ImageModel {
    let conv: Conv2d
    let scale, shift: Tensor
    let body: @Sendable (OperatorModel, Tensor) throws -> Tensor
    let featureWidth: Int

    func features(_ images: Tensor, mode: Mode) throws -> Tensor { try body(self, conv(images)) }
    func head(_ features: Tensor) throws -> Tensor { features }

    /// A model of eight channels and 8 × 8 places, and what is done to them.
    static func loaded(
        width: Int, _ body: @escaping @Sendable (OperatorModel, Tensor) throws -> Tensor
    ) throws -> LoadedModel {
        var configuration = try ModelRegistry.defaults(for: "dwcnn_xs", imageSize: 16, classCount: 0)
        configuration.options = [:]
        return try ExportCase.filled(ModelCard(configuration: configuration, classes: [])) { scope in
            try OperatorModel(
                conv: Conv2d(scope / "conv", 3, 8, kernel: 3, stride: 2, bias: true),
                scale: scope.parameter("scale", 8, initial: .ones),
                shift: scope.parameter("shift", 8, initial: .zeros), body: body, featureWidth: width)
        }
    }

    static let cases: [ExportCase] = [
        named("activations", width: 8) { _, x in
            let smooth = try x.silu() + x.gelu(tanh: true) * (x * 1.702).sigmoid()
            let hard = try x.hardsigmoid() - x.clamp(min: -1, max: 1) / (x.softplus() + 1) + 2 * x.relu6()
            let sharp = try (x.abs() + 0.1).sqrt().log() + (x * x + 0.5).rsqrt() + x.exp().tanh() - x.pow(2)
            return try (smooth * hard + (1 - sharp)).mean(2, 3)
        },
        named("attention", width: 8) { _, x in
            // As MobileViT does: places become tokens, the batch is folded into heads and back.
            let tokens = try x.flatten(from: 2).transpose(1, 2)  // [B, 64, 8]
            let heads = try tokens.reshape(tokens.shape[0], 64, 2, 4).permute(0, 2, 1, 3)
            let mask = try Tensor((0..<64 * 64).map { $0 % 7 > 0 }, shape: [64, 64])
            let masked = try Tensor.scaledDotProductAttention(
                query: heads, key: heads, value: heads, mask: mask)
            let causal = try Tensor.scaledDotProductAttention(
                query: heads, key: heads, value: heads, causal: true)
            let folded = try (masked + causal).permute(0, 2, 1, 3).reshape(tokens.shape[0] * 64, 8)
            return try folded.softmax(1).matmul(folded.slice(dim: 0, from: 0, to: 8)).reshape(tokens.shape)
                .mean(1)
        },
        named("shapes", width: 17) { model, x in
            let pieces = try x.chunk(2, dim: 1)
            let crossed = try Tensor.cat([pieces[1], pieces[0].flip([3])], dim: 1)
            let stacked = try Tensor.stack([crossed, x], dim: 1).select(dim: 1, index: -1)
            let padded =
                try stacked.pad([1, 2, 0, 1], mode: .reflect) + stacked.pad([1, 2, 0, 1], value: 0.5)
            let start = try model.scale.reshape(1, 8, 1).expand([x.shape[0], 8, 1])
            let rows = try Tensor.cat([start, padded.slice(dim: 2, from: 1, to: 9, step: 2).mean(3)], dim: 2)
            let chosen = try rows.indexSelect(dim: 2, Tensor([3, 0, 4])).sum(2).unsqueeze(2).squeeze(2)
            let masked = try x.max(dims: [2, 3]).maximum(chosen)
            let picked = try Tensor.where(masked.greater(0.5), masked, model.shift)
            let norm = try rows.flatten(from: 1).norm(dims: [1], keepingDim: true)
            return try Tensor.cat([picked, chosen.logSoftmax(1), norm], dim: 1)
        },
        named("pools", width: 24) { model, x in
            let pooled =
                try x.maxPool2d(kernel: 3, stride: 2, padding: 1)
                + x.avgPool2d(kernel: 3, stride: 2, padding: 1) + x.adaptiveAvgPool2d(height: 4, width: 4)
            let large =
                try pooled.upsampleNearest(height: 8, width: 8) * x
                + pooled.upsampleBilinear(height: 8, width: 8)
            let corners = try pooled.upsampleBilinear(height: 7, width: 7, alignCorners: true)
            let norm = try x.permute(0, 2, 3, 1)
                .layerNorm([8], weight: model.scale, bias: model.shift, epsilon: 1e-6).mean(1, 2)
            return try Tensor.cat(
                [large.adaptiveAvgPool2d().flatten(from: 1), corners.mean(2, 3), norm.normalize(1)], dim: 1)
        },
    ]

    private static func named(
        _ name: String, width: Int, _ body: @escaping @Sendable (OperatorModel, Tensor) throws -> Tensor
    ) -> ExportCase {
        ExportCase(name: name, imageSize: 16) { try loaded(width: width, body) }
    }
}
