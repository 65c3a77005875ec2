import Diagnostics
public import Layers
public import Tensors

/// Residual networks with the names of timm's and torchvision's `resnet18` and its siblings.
///
/// He et al., "Deep Residual Learning for Image Recognition", section 3.3; the stride of a bottleneck sits in its
/// 3 × 3 convolution, as it does in both libraries.
public struct ResNet: MeanPooledModel {
    /// What the image meets first.
    public enum Stem: String, Codable, CaseIterable, Hashable, Sendable {
        /// A 7 × 7 convolution and a maximum over 3 × 3, each halving height and width.
        case imagenet
        /// A 3 × 3 convolution, for images of 32 to 64 pixels.
        case small
    }

    /// How a block is made.
    public enum Block: String, Codable, CaseIterable, Hashable, Sendable {
        /// Two 3 × 3 convolutions.
        case basic
        /// A 3 × 3 convolution between two of 1 × 1, the second of which widens four times.
        case bottleneck

        var expansion: Int { self == .basic ? 1 : 4 }
    }

    /// The sizes of the network.
    public struct Shape: Sendable {
        /// What the image meets first.
        public var stem = Stem.imagenet
        /// Channels of the first convolution.
        public var stemChannels = 64
        /// The stride of a small stem's convolution.
        public var stemStride = 1
        /// How blocks are made.
        public var block = Block.basic
        /// Channels and blocks of each stage; each but the first halves height and width.
        public var stages: [StageSize]
        /// The stride of the first stage.
        public var firstStride = 1
        /// Where batch normalisation takes its statistics from while training.
        public var batchNorm = BatchNormPolicy.train
        /// What the last map may be smaller by than the image; further stages are dilated.
        public var outputStride: Int?

        /// Creates sizes.
        public init(stages: [StageSize]) { self.stages = stages }
    }

    let stem: Stem
    let conv: Conv2d
    let norm: BatchNorm2d
    let blocks: [ResidualBlock]
    let classifier: Linear?

    /// The length of a feature vector.
    public let featureWidth: Int
    /// Its batch normalisations.
    public let normalizations: [BatchNorm2d]

    /// Claims the tensors.
    public init(_ scope: Scope, _ shape: Shape, classCount: Int) throws {
        stem = shape.stem
        conv = try Conv2d(
            scope / "conv1", 3, shape.stemChannels, kernel: stem == .imagenet ? 7 : 3,
            stride: stem == .imagenet ? 2 : shape.stemStride, initial: .kaimingFanOut())
        norm = try BatchNorm2d(scope / "bn1", shape.stemChannels, policy: shape.batchNorm)
        var blocks: [ResidualBlock] = []
        var inputs = shape.stemChannels
        var strides = OutputStride(
            shape.outputStride, after: stem == .imagenet ? 4 : shape.stemStride)
        for (stage, size) in shape.stages.enumerated() {
            for index in 0..<size.blocks {
                let stride = index > 0 ? 1 : stage == 0 ? shape.firstStride : 2
                let first = strides.next(stride)
                blocks.append(
                    try ResidualBlock(
                        scope / "layer\(stage + 1)" / index, inputs, size.channels, stride: first.stride,
                        dilations: (first.dilation, strides.dilation), shape))
                inputs = size.channels * shape.block.expansion
            }
        }
        self.blocks = blocks
        featureWidth = inputs
        classifier =
            classCount > 0 ? try Linear(scope / "fc", inputs, classCount, initial: .fanIn(inputs)) : nil
        normalizations = [norm] + blocks.flatMap(\.normalizations)
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the last map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        var x = try norm(conv(images.channelsLast()), mode: mode, then: .relu)
        if stem == .imagenet { x = try x.maxPool2d(kernel: 3, stride: 2, padding: 1) }
        return try blocks.reduce(x) { x, block in try block(x, mode: mode) }
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }
}

/// Convolutions beside a shortcut.
struct ResidualBlock {
    let layers: [(conv: Conv2d, norm: BatchNorm2d)]
    let shortcut: (conv: Conv2d, norm: BatchNorm2d)?

    init(
        _ scope: Scope, _ inputs: Int, _ channels: Int, stride: Int, dilations: (Int, Int),
        _ shape: ResNet.Shape
    ) throws {
        let outputs = channels * shape.block.expansion
        // Kernel, outputs, stride and dilation of each convolution.
        let plan =
            switch shape.block {
            case .basic: [(3, channels, stride, dilations.0), (3, channels, 1, dilations.1)]
            case .bottleneck: [(1, channels, 1, 1), (3, channels, stride, dilations.0), (1, outputs, 1, 1)]
            }
        var layers: [(conv: Conv2d, norm: BatchNorm2d)] = []
        var width = inputs
        for (index, (kernel, next, stride, dilation)) in plan.enumerated() {
            // The last scale starts at zero: at first a block passes its input on (timm's `zero_init_last`).
            let isLast = index == plan.count - 1
            layers.append(
                (
                    try Conv2d(
                        scope / "conv\(index + 1)", width, next, kernel: kernel, stride: stride,
                        dilation: dilation, initial: .kaimingFanOut()),
                    try BatchNorm2d(
                        scope / "bn\(index + 1)", next, policy: shape.batchNorm,
                        initial: isLast ? .zeros : .ones)
                ))
            width = next
        }
        self.layers = layers
        shortcut =
            stride == 1 && inputs == outputs
            ? nil
            : (
                try Conv2d(
                    scope / "downsample" / 0, inputs, outputs, kernel: 1, stride: stride,
                    initial: .kaimingFanOut()),
                try BatchNorm2d(scope / "downsample" / 1, outputs, policy: shape.batchNorm)
            )
    }

    var normalizations: [BatchNorm2d] { layers.map(\.norm) + (shortcut.map { [$0.norm] } ?? []) }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let inner = try layers.dropLast().reduce(x) { x, layer in
            try layer.norm(layer.conv(x), mode: mode, then: .relu)
        }
        let last = layers[layers.count - 1]
        let y = try last.norm(last.conv(inner), mode: mode)
        let through = try shortcut.map { try $0.norm($0.conv(x), mode: mode) } ?? x
        return try (y + through).relu()
    }
}

// MARK: - Presets

extension ResNet {
    static let presets = [
        preset("resnet18", .basic, "64x2 128x2 256x2 512x2"),
        preset("resnet34", .basic, "64x3 128x4 256x6 512x3"),
        preset("resnet50", .bottleneck, "64x3 128x4 256x6 512x3"),
        // For small images: dense convolutions keep both cores busy where depthwise ones wait for memory.
        small("resnet_xs", stem: 16, "16x1 32x1 64x1", firstStride: 1),
        small("resnet_s", stem: 16, "32x2 64x2", firstStride: 2),
    ]

    private static func preset(_ name: String, _ block: Block, _ stages: String) -> ModelPreset {
        preset(name, imageSize: 224, preprocessing: .imageNet) { _ in
            [
                "stem": .string(Stem.imagenet.rawValue), "stem_channels": 64, "stem_stride": 2,
                "block": .string(block.rawValue), "stages": .string(stages), "first_stride": 1,
            ]
        }
    }

    private static func small(
        _ name: String, stem: Int, _ stages: String, firstStride: Int
    ) -> ModelPreset {
        preset(name, imageSize: 32, preprocessing: .symmetric) { imageSize in
            [
                "stem": .string(Stem.small.rawValue), "stem_channels": .int(stem),
                // Larger images are halved at once: at 64 pixels the first blocks would take most of the time.
                "stem_stride": .int(imageSize < 64 ? 1 : 2),
                "block": .string(Block.basic.rawValue), "stages": .string(stages),
                "first_stride": .int(firstStride),
            ]
        }
    }

    private static func preset(
        _ name: String, imageSize: Int, preprocessing: Preprocessing,
        _ options: @escaping @Sendable (_ imageSize: Int) -> [String: ModelOption]
    ) -> ModelPreset {
        var preset = ModelPreset(
            name: name, imageSize: imageSize,
            options: {
                options($0).merging(["batch_norm": .string(BatchNormPolicy.train.rawValue)]) { $1 }
            },
            preprocessing: preprocessing, head: "fc",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: { try ResNet($0, $1, classCount: $2.classCount) })
        preset.isDilatable = true
        return preset
    }
}

extension ResNet.Shape {
    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        self.init(stages: try configuration.stages("stages"))
        stem = try configuration.choice("stem")
        stemChannels = try configuration.int("stem_channels")
        stemStride = try configuration.int("stem_stride")
        block = try configuration.choice("block")
        firstStride = try configuration.int("first_stride")
        batchNorm = try configuration.choice("batch_norm")
        outputStride = configuration.outputStride
    }
}
