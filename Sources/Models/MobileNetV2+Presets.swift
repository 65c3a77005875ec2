import Diagnostics
import Layers

extension MobileNetV2 {
    /// Blocks that share their channels; the first of them may halve height and width.
    public struct Stage: Hashable, Sendable {
        /// What the channels are multiplied by inside a block.
        public var expansion: Int
        /// Channels of every block.
        public var channels: Int
        /// How many blocks there are.
        public var blocks: Int
        /// The stride of the first block.
        public var stride: Int

        /// The stages of Sandler et al., "MobileNetV2", table 2.
        public static let usual = [
            Stage(1, 16, 1, 1), Stage(6, 24, 2, 2), Stage(6, 32, 3, 2), Stage(6, 64, 4, 2),
            Stage(6, 96, 3, 1),
            Stage(6, 160, 3, 2), Stage(6, 320, 1, 1),
        ]

        /// Creates a stage.
        public init(_ expansion: Int, _ channels: Int, _ blocks: Int, _ stride: Int) {
            self.expansion = expansion
            self.channels = channels
            self.blocks = blocks
            self.stride = stride
        }

        /// The stage in a word: `e6c24n2s2`.
        var description: String { "e\(expansion)c\(channels)n\(blocks)s\(stride)" }

        /// Reads a word such as `e6c24n2s2`.
        init?(_ word: Substring) {
            guard let match = word.wholeMatch(of: /e([1-9]\d*)c([1-9]\d*)n([1-9]\d*)s([12])/),
                let expansion = Int(match.1), let channels = Int(match.2), let blocks = Int(match.3),
                let stride = Int(match.4)
            else { return nil }
            self.init(expansion, channels, blocks, stride)
        }
    }
}

// MARK: - Presets

extension MobileNetV2 {
    static let presets = [
        scaled("mobilenetv2_035", 0.35), scaled("mobilenetv2_050", 0.5), scaled("mobilenetv2_100", 1),
        mini,
    ]

    private static func scaled(_ name: String, _ multiplier: Double) -> ModelPreset {
        var shape = Shape()
        shape.multiplier = multiplier
        return preset(name, shape, imageSize: 224)
    }

    /// A student for images of 32 to 64 pixels, of 0.17 M parameters.
    ///
    /// It halves the image at once, so that the widest tensors are small: on two cores it trains as fast as
    /// separable blocks of as many parameters, and learns more from a teacher.
    private static let mini: ModelPreset = {
        var shape = Shape()
        shape.padding = .symmetric
        shape.stages = [Stage(3, 32, 1, 1), Stage(3, 56, 3, 2), Stage(3, 96, 2, 2)]
        shape.features = 192
        return preset("mobilenetv2_mini", shape, imageSize: 32)
    }()

    private static func preset(_ name: String, _ shape: Shape, imageSize: Int) -> ModelPreset {
        var preset = ModelPreset(
            name: name, imageSize: imageSize,
            options: { _ in
                [
                    "multiplier": .double(shape.multiplier), "pad": .string(shape.padding.rawValue),
                    "batch_norm": .string(shape.batchNorm.rawValue), "stem": .int(shape.stem),
                    "stages": .string(shape.stages.map(\.description).joined(separator: " ")),
                    "features": .int(shape.features),
                ]
            },
            preprocessing: .symmetric, head: "classifier",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: { try MobileNetV2($0, $1, classCount: $2.classCount) })
        preset.isDilatable = true
        return preset
    }
}

extension MobileNetV2.Shape {
    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        multiplier = try configuration.double("multiplier", in: 0.1...4)
        padding = try configuration.choice("pad")
        batchNorm = try configuration.choice("batch_norm")
        outputStride = configuration.outputStride
        // Checkpoints of the first version say nothing of these: their models have the usual sizes.
        if configuration.options["stem"] != nil { stem = try configuration.int("stem") }
        if configuration.options["features"] != nil { features = try configuration.int("features") }
        if configuration.options["stages"] != nil { stages = try Self.stages(configuration) }
    }

    private static func stages(
        _ configuration: ModelConfiguration
    ) throws(Diagnostic) -> [MobileNetV2.Stage] {
        guard case .string(let text)? = configuration.options["stages"],
            case let words = text.split(separator: " "), !words.isEmpty,
            case let stages = words.compactMap(MobileNetV2.Stage.init), stages.count == words.count
        else {
            throw configuration.bad(
                "stages",
                "expansion, channels, number of blocks and stride of each stage, such as 'e6c24n2s2'")
        }
        return stages
    }
}
