import Diagnostics
import Layers

extension DINOv3 {
    /// timm's names; `_qkvb` has the biases that Hugging Face's files hold.
    static let presets = [false, true].flatMap { qkvBias in
        [
            ("small", Shape(width: 384, depth: 12, heads: 6)),
            ("small_plus", gated(Shape(width: 384, depth: 12, heads: 6))),
            ("base", Shape(width: 768, depth: 12, heads: 12)),
            ("large", Shape(width: 1024, depth: 24, heads: 16)),
            ("huge_plus", gated(Shape(width: 1280, depth: 32, heads: 20))),
        ].map { size, shape in
            var shape = shape
            shape.qkvBias = qkvBias
            return preset("vit_\(size)_patch16_dinov3" + (qkvBias ? "_qkvb" : ""), shape)
        }
    }

    private static func gated(_ shape: Shape) -> Shape {
        var shape = shape
        shape.feedforward = .swiglu
        return shape
    }

    private static func preset(_ name: String, _ shape: Shape) -> ModelPreset {
        var preset = ModelPreset(
            name: name, imageSize: 256, options: { _ in shape.options }, preprocessing: .imageNetBicubic,
            head: "head",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: { try DINOv3($0, $1, imageSize: $2.imageSize, classCount: $2.classCount) })
        preset.hasTokens = true
        return preset
    }
}

extension DINOv3.Shape {
    /// The options that say what the sizes say.
    var options: [String: ModelOption] {
        [
            "width": .int(width), "depth": .int(depth), "heads": .int(heads), "patch": .int(patch),
            "expansion": .double(expansion), "feedforward": .string(feedforward.rawValue),
            "registers": .int(registers), "qkv_bias": .bool(qkvBias), "pool": .string(pool.rawValue),
            "drop_path": .double(dropPath), "layer_scale": .double(layerScale),
        ]
    }

    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        self.init(
            width: try configuration.int("width"), depth: try configuration.int("depth"),
            heads: try configuration.int("heads"))
        patch = try configuration.int("patch")
        expansion = try configuration.double("expansion", in: 0.25...16)
        feedforward = try configuration.choice("feedforward")
        registers = try configuration.int("registers", atLeast: 0)
        qkvBias = try configuration.flag("qkv_bias")
        pool = try configuration.choice("pool")
        dropPath = try configuration.double("drop_path", in: 0...0.9)
        layerScale = try configuration.double("layer_scale", in: 0...10)
        guard width.isMultiple(of: heads), (width / heads).isMultiple(of: 4) else {
            throw configuration.bad("heads", "a divisor of the width \(width) that leaves a multiple of 4")
        }
        guard configuration.imageSize.isMultiple(of: patch) else {
            throw configuration.bad("patch", "a divisor of the image size \(configuration.imageSize)")
        }
    }
}
