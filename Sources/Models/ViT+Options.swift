import Diagnostics
import Layers

extension ViT.Shape {
    /// The options that say what the sizes say.
    var options: [String: ModelOption] {
        [
            "width": .int(width), "depth": .int(depth), "heads": .int(heads), "patch": .int(patch),
            "expansion": .double(expansion), "pool": .string(pool.rawValue), "drop_path": .double(dropPath),
        ].merging(defaulted) { $1 }
    }

    /// Options that checkpoints of the first version do not have: their models are plain ones.
    private var defaulted: [String: ModelOption] {
        [
            "registers": .int(registers), "no_embed_class": .bool(!embedsPrefix), "pre_norm": .bool(preNorm),
            "projection": .int(projection), "activation": .string(style.activation.rawValue),
            "feedforward": .string(style.feedforward.rawValue), "norm_eps": .double(style.epsilon),
            "qkv_bias": .bool(style.qkvBias), "layer_scale": .double(style.layerScale ?? 0),
        ]
    }

    /// Reads and checks the options of a configuration.
    init(_ given: ModelConfiguration) throws(Diagnostic) {
        var configuration = given
        let plain = ViT.Shape(width: 1, depth: 1, heads: 1, patch: 1).defaulted
        configuration.options.merge(plain) { own, _ in own }
        self.init(
            width: try configuration.int("width"), depth: try configuration.int("depth"),
            heads: try configuration.int("heads"), patch: try configuration.int("patch"))
        expansion = try configuration.double("expansion", in: 0.25...16)
        pool = try configuration.choice("pool")
        dropPath = try configuration.double("drop_path", in: 0...0.9)
        registers = try configuration.int("registers", atLeast: 0)
        embedsPrefix = try !configuration.flag("no_embed_class")
        preNorm = try configuration.flag("pre_norm")
        projection = try configuration.int("projection", atLeast: 0)
        style.activation = try configuration.choice("activation")
        style.feedforward = try configuration.choice("feedforward")
        style.epsilon = try configuration.double("norm_eps", in: 0...0.1)
        style.qkvBias = try configuration.flag("qkv_bias")
        let scale = try configuration.double("layer_scale", in: 0...10)
        style.layerScale = scale > 0 ? scale : nil
        guard width.isMultiple(of: heads) else {
            throw configuration.bad("heads", "a divisor of the width \(width)")
        }
        guard configuration.imageSize.isMultiple(of: patch) else {
            throw configuration.bad("patch", "a divisor of the image size \(configuration.imageSize)")
        }
        guard style.feedforward == .mlp || hidden.isMultiple(of: 2) else {
            throw configuration.bad("expansion", "an even hidden width for a gated unit, not \(hidden)")
        }
    }
}
