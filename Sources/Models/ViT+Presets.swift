import Diagnostics
import Layers
import Tensors

extension ViT {
    static let presets = plain + deit + dinov2 + clip + openCLIP + [miniatureCLIP]

    // MARK: Plain and DeiT

    private static let plain = [
        preset("vit_tiny_patch16_224", .tiny(16)), preset("vit_small_patch16_224", .small(16)),
        preset("vit_base_patch16_224", .base(16)), preset("vit_large_patch16_224", .large(16)),
        preset(
            "vit_surrogate_patch4_32", Shape(width: 192, depth: 6, heads: 3, patch: 4), imageSize: 32,
            .symmetric),
        preset(
            "vit_mini_patch4_32", Shape(width: 96, depth: 4, heads: 3, patch: 4), imageSize: 32, .symmetric),
    ]

    /// Touvron et al., "Training data-efficient image transformers & distillation through attention".
    private static let deit = [
        preset("deit_tiny_patch16_224", .tiny(16), .imageNetBicubic),
        preset("deit_small_patch16_224", .small(16), .imageNetBicubic),
        preset("deit_base_patch16_224", .base(16), .imageNetBicubic),
    ]

    // MARK: DINOv2

    private static let dinov2 = [0, 4].flatMap { registers in
        [("small", Shape.small(14)), ("base", .base(14)), ("large", .large(14)), ("giant", .giant(14))].map {
            size, shape in
            var shape = shape
            shape.style.layerScale = 1e-5
            shape.registers = registers
            shape.embedsPrefix = registers == 0
            return preset(
                "vit_\(size)_patch14_\(registers > 0 ? "reg4_" : "")dinov2", shape, imageSize: 518,
                .imageNetBicubic)
        }
    }

    // MARK: CLIP

    /// The visual towers: timm's name, OpenCLIP's, their sizes, and the side of the images.
    private static let towers: [(timm: String, openCLIP: String, shape: Shape, imageSize: Int)] = [
        ("vit_base_patch32_clip", "ViT-B-32", .base(32, projection: 512), 224),
        ("vit_base_patch16_clip", "ViT-B-16", .base(16, projection: 512), 224),
        ("vit_large_patch14_clip", "ViT-L-14", .large(14, projection: 768), 224),
        ("vit_large_patch14_clip", "ViT-L-14-336", .large(14, projection: 768), 336),
        ("vit_huge_patch14_clip", "ViT-H-14", .huge(14, projection: 1024), 224),
    ]

    private static let clip = [Activation.gelu, .quickGELU].flatMap { activation in
        towers.map { tower in
            preset(
                tower.timm + (activation == .gelu ? "_" : "_quickgelu_") + "\(tower.imageSize)",
                tower.shape.clip(activation, isProjected: false), imageSize: tower.imageSize, .clip)
        }
    }

    private static let openCLIP = [Activation.gelu, .quickGELU].flatMap { activation in
        towers.map { tower in
            preset(
                tower.openCLIP + (activation == .gelu ? "" : "-quickgelu"),
                tower.shape.clip(activation, isProjected: true), imageSize: tower.imageSize, .clip,
                naming: .openCLIP)
        }
    }

    /// The visual tower of a CLIP for images of 32 to 64 pixels, of 1.8 M parameters.
    private static let miniatureCLIP: ModelPreset = {
        var shape = Shape(width: 192, depth: 4, heads: 3, patch: 4)
        shape.projection = 128
        return preset(
            "clip_vit_mini", shape.clip(.gelu, isProjected: true), imageSize: 32, .clip, naming: .openCLIP)
    }()

    private typealias Activation = TransformerStyle.Activation

    // MARK: Making a preset

    private static func preset(
        _ name: String, _ shape: Shape, imageSize: Int = 224,
        _ preprocessing: Preprocessing = .symmetricBicubic, naming: ModelPreset.Naming = .timm
    ) -> ModelPreset {
        var preset = ModelPreset(
            name: name, imageSize: imageSize, options: { _ in shape.options }, preprocessing: preprocessing,
            head: "head",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: {
                try ViT($0, $1, imageSize: $2.imageSize, classCount: $2.classCount)
            })
        preset.adapt = { state, configuration in
            guard let table = state["pos_embed"] else { return state }
            let shape = try Shape(configuration)
            let grid = configuration.imageSize / shape.patch
            let resampled = try resample(positions: table, to: grid, prefix: shape.positionPrefix)
            return state.merging(["pos_embed": resampled]) { $1 }
        }
        preset.adapts = { name, found, configuration in
            guard name == "pos_embed", found.count == 3, found[0] == 1,
                let shape = try? Shape(configuration), found[2] == shape.width
            else { return false }
            return side(ofGrid: found[1] - shape.positionPrefix) != nil
        }
        preset.naming = naming
        preset.hasTokens = true
        return preset
    }
}

extension ViT.Shape {
    fileprivate static func tiny(_ patch: Int) -> Self {
        Self(width: 192, depth: 12, heads: 3, patch: patch)
    }
    fileprivate static func small(_ patch: Int) -> Self {
        Self(width: 384, depth: 12, heads: 6, patch: patch)
    }
    fileprivate static func base(_ patch: Int, projection: Int = 0) -> Self {
        Self(width: 768, depth: 12, heads: 12, patch: patch).projected(projection)
    }
    fileprivate static func large(_ patch: Int, projection: Int = 0) -> Self {
        Self(width: 1024, depth: 24, heads: 16, patch: patch).projected(projection)
    }
    fileprivate static func huge(_ patch: Int, projection: Int = 0) -> Self {
        Self(width: 1280, depth: 32, heads: 16, patch: patch).projected(projection)
    }

    /// DINOv2's giant, whose gated unit has twice 4096 hidden channels.
    fileprivate static func giant(_ patch: Int) -> Self {
        var shape = Self(width: 1536, depth: 40, heads: 24, patch: patch)
        shape.expansion = 2.66667 * 2
        shape.style.feedforward = .swiglu
        return shape
    }

    private func projected(_ length: Int) -> Self {
        var shape = self
        shape.projection = length
        return shape
    }

    /// The visual tower of a CLIP of this size; its features are the projected ones, or its head is the projection.
    fileprivate func clip(_ activation: TransformerStyle.Activation, isProjected: Bool) -> Self {
        var shape = self
        shape.preNorm = true
        shape.style.epsilon = 1e-5
        shape.style.activation = activation
        if !isProjected { shape.projection = 0 }
        return shape
    }
}
