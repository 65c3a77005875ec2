import Diagnostics
public import Layers
public import Tensors

/// MobileNetV3 with the names of timm's `mobilenetv3_large_100` and its siblings.
///
/// Howard et al., "Searching for MobileNetV3", tables 1 and 2: images are pooled before the last convolution, which
/// therefore costs next to nothing.
public struct MobileNetV3: ImageModel {
    /// Blocks that share their sizes; the first of them may halve height and width.
    public struct Group: Hashable, Sendable {
        /// What the channels are multiplied by inside a block.
        public var expansion: Double
        /// The height and width of the depthwise kernel, and the stride of the first block.
        public var kernel, stride: Int
        /// Channels of every block, and how many blocks there are.
        public var channels, blocks: Int
        /// Whether channels are weighed by what the whole image holds.
        public var isSqueezed: Bool
        /// Whether the nonlinearity is ReLU instead of hard swish.
        public var isReLU: Bool
    }

    /// The sizes of the network.
    public struct Shape: Hashable, Sendable {
        /// What the channels of blocks and of the last map are multiplied by, rounded to multiples of 8.
        public var multiplier = 1.0
        /// Channels of the first convolution.
        public var stem = 16
        /// The blocks, stage by stage.
        public var stages: [[Group]]
        /// Channels of the last map, before pooling.
        public var last = 960
        /// The length of a feature vector.
        public var features = 1280
        /// Where batch normalisation takes its statistics from while training.
        public var batchNorm = BatchNormPolicy.train

        /// Creates sizes.
        public init(stages: [[Group]]) { self.stages = stages }

        /// A channel count, scaled.
        func channels(_ count: Int) -> Int { StageSize.divisible(Double(count) * multiplier) }
    }

    let stem, last: ConvNorm
    let blocks: [SqueezedResidual]
    let pooled: Conv2d
    let classifier: Linear?

    /// The length of a feature vector.
    public let featureWidth: Int
    /// The channels of the last map.
    public let mapWidth: Int
    /// Its batch normalisations.
    public let normalizations: [BatchNorm2d]

    /// Claims the tensors.
    public init(_ scope: Scope, _ shape: Shape, classCount: Int) throws {
        var inputs = shape.stem
        stem = try ConvNorm(
            scope, conv: "conv_stem", norm: "bn1", 3, inputs, kernel: 3, stride: 2,
            batchNorm: shape.batchNorm, initial: .kaimingFanOut())
        var blocks: [SqueezedResidual] = []
        for (stage, groups) in shape.stages.enumerated() {
            var index = 0
            for group in groups {
                let outputs = shape.channels(group.channels)
                for block in 0..<group.blocks {
                    blocks.append(
                        try SqueezedResidual(
                            scope / "blocks" / stage / index, inputs, outputs, group,
                            stride: block == 0 ? group.stride : 1, batchNorm: shape.batchNorm))
                    inputs = outputs
                    index += 1
                }
            }
        }
        self.blocks = blocks
        let width = shape.channels(shape.last)
        mapWidth = width
        last = try ConvNorm(
            scope / "blocks" / shape.stages.count / 0, norm: "bn1", inputs, width, kernel: 1,
            batchNorm: shape.batchNorm, initial: .kaimingFanOut())
        featureWidth = shape.features
        pooled = try Conv2d(
            scope / "conv_head", width, featureWidth, kernel: 1, bias: true, initial: .kaimingFanOut())
        // PyTorch's own start, for the reason given at MobileNetV2's.
        classifier =
            classCount > 0
            ? try Linear(scope / "classifier", featureWidth, classCount, initial: .fanIn(featureWidth)) : nil
        normalizations = [stem.norm] + blocks.flatMap(\.normalizations) + [last.norm]
    }

    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]`.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        let means = try featureMap(images, mode: mode).mean(2, 3, keepingDim: true)
        return try pooled(means).hardswish().flatten(from: 1)
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the last map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        let x = try stem(images.channelsLast(), mode: mode, then: .hardswish)
        let y = try blocks.reduce(x) { x, block in try block(x, mode: mode) }
        return try last(y, mode: mode, then: .hardswish)
    }

    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) {
        let map = try featureMap(images, mode: mode)
        return (try pooled(map.mean(2, 3, keepingDim: true)).hardswish().flatten(from: 1), map)
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }
}

/// Expands the channels, mixes neighbours channel by channel, weighs channels, and shrinks them again.
struct SqueezedResidual {
    /// Absent where there would be as many channels as before.
    let expand: ConvNorm?
    let depthwise, project: ConvNorm
    let squeeze: SqueezeExcite?
    let activation: Activation
    let isResidual: Bool

    init(
        _ scope: Scope, _ inputs: Int, _ outputs: Int, _ group: MobileNetV3.Group, stride: Int,
        batchNorm: BatchNormPolicy
    ) throws {
        let isExpanded = group.expansion != 1
        let hidden = isExpanded ? StageSize.divisible(Double(inputs) * group.expansion) : inputs
        expand =
            isExpanded
            ? try ConvNorm(
                scope, conv: "conv_pw", norm: "bn1", inputs, hidden, kernel: 1, batchNorm: batchNorm,
                initial: .kaimingFanOut()) : nil
        depthwise = try ConvNorm(
            scope, conv: "conv_dw", norm: isExpanded ? "bn2" : "bn1", hidden, hidden, kernel: group.kernel,
            stride: stride, groups: hidden, batchNorm: batchNorm, initial: .kaimingFanOut(groups: hidden))
        squeeze =
            group.isSqueezed
            ? try SqueezeExcite(
                scope / "se", hidden, reduced: StageSize.divisible(Double(hidden) / 4),
                names: ("conv_reduce", "conv_expand"), gate: .hardsigmoid, initial: .kaimingFanOut()) : nil
        project = try ConvNorm(
            scope, conv: isExpanded ? "conv_pwl" : "conv_pw", norm: isExpanded ? "bn3" : "bn2", hidden,
            outputs, kernel: 1, batchNorm: batchNorm, initial: .kaimingFanOut())
        activation = group.isReLU ? .relu : .hardswish
        isResidual = stride == 1 && inputs == outputs
    }

    var normalizations: [BatchNorm2d] { (expand.map { [$0.norm] } ?? []) + [depthwise.norm, project.norm] }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let wide = try expand?(x, mode: mode, then: activation) ?? x
        let mixed = try depthwise(wide, mode: mode, then: activation)
        let y = try project(squeeze?(mixed) ?? mixed, mode: mode)
        return isResidual ? try x + y : y
    }
}
