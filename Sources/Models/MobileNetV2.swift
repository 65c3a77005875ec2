import Diagnostics
public import Layers
public import Tensors

/// MobileNetV2 with the names of timm's `mobilenetv2_100` and its siblings.
public struct MobileNetV2: MeanPooledModel {
    /// What can be chosen besides the number of classes.
    public struct Shape: Hashable, Sendable {
        /// What all channel counts are multiplied by, rounded to multiples of 8.
        public var multiplier = 1.0
        /// Channels of the first convolution.
        public var stem = 32
        /// The stages of blocks.
        public var stages = Stage.usual
        /// The length of a feature vector; a multiplier above one lengthens it, one below does not shorten it.
        public var features = 1280
        /// What convolutions see beyond the border; weights from TensorFlow need `.same`.
        public var padding = Padding.same
        /// Where batch normalisation takes its statistics from while training.
        public var batchNorm = BatchNormPolicy.train
        /// What the last map may be smaller by than the image; further stages are dilated.
        public var outputStride: Int?

        /// Creates the usual shape.
        public init() {}

        /// A channel count, scaled.
        func channels(_ count: Int) -> Int { StageSize.divisible(Double(count) * multiplier) }
    }

    let stem, last: ConvNorm
    let blocks: [InvertedResidual]
    let classifier: Linear?

    /// The length of a feature vector.
    public let featureWidth: Int
    /// Its batch normalisations.
    public let normalizations: [BatchNorm2d]

    /// Claims the tensors.
    public init(_ scope: Scope, _ shape: Shape, classCount: Int) throws {
        var inputs = shape.channels(shape.stem)
        stem = try ConvNorm(scope, "conv_stem", "bn1", 3, inputs, kernel: 3, stride: 2, shape)
        var blocks: [InvertedResidual] = []
        var strides = OutputStride(shape.outputStride, after: 2)
        for (index, stage) in shape.stages.enumerated() {
            for block in 0..<stage.blocks {
                let outputs = shape.channels(stage.channels)
                let (stride, dilation) = strides.next(block == 0 ? stage.stride : 1)
                blocks.append(
                    try InvertedResidual(
                        scope / "blocks" / index / block, inputs, outputs, expansion: stage.expansion,
                        stride: stride, dilation: dilation, shape))
                inputs = outputs
            }
        }
        self.blocks = blocks
        featureWidth = max(shape.features, shape.channels(shape.features))
        last = try ConvNorm(scope, "conv_head", "bn2", inputs, featureWidth, kernel: 1, shape)
        // PyTorch's own start. timm's scales with the number of classes alone: with 20 of them the first logits
        // would be off by tens, and finetuning would first have to undo that.
        classifier =
            classCount > 0
            ? try Linear(scope / "classifier", featureWidth, classCount, initial: .fanIn(featureWidth)) : nil
        normalizations = [stem.norm] + blocks.flatMap { $0.parts.map(\.norm) } + [last.norm]
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the last map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        // Depthwise convolutions and batch normalisation have kernels of our own with channels last.
        let x = try stem(images.channelsLast(), mode: mode, then: .relu6)
        let y = try blocks.reduce(x) { x, block in try block(x, mode: mode) }
        return try last(y, mode: mode, then: .relu6)
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }
}

extension ConvNorm {
    /// The pair as this family makes it.
    fileprivate init(
        _ scope: Scope, _ conv: String, _ norm: String, _ inputs: Int, _ outputs: Int, kernel: Int,
        stride: Int = 1, dilation: Int = 1, groups: Int = 1, _ shape: MobileNetV2.Shape
    ) throws {
        try self.init(
            scope, conv: conv, norm: norm, inputs, outputs, kernel: kernel, stride: stride,
            dilation: dilation,
            groups: groups, padding: shape.padding, batchNorm: shape.batchNorm,
            initial: .kaimingFanOut(groups: groups))
    }
}

/// Expands the channels, mixes neighbours channel by channel, and shrinks the channels again.
struct InvertedResidual {
    /// Expansion (absent where it would be 1), depthwise convolution, projection.
    let parts: [ConvNorm]
    let isResidual: Bool

    init(
        _ scope: Scope, _ inputs: Int, _ outputs: Int, expansion: Int, stride: Int, dilation: Int,
        _ shape: MobileNetV2.Shape
    ) throws {
        let hidden = inputs * expansion
        if expansion == 1 {
            parts = [
                try ConvNorm(
                    scope, "conv_dw", "bn1", inputs, inputs, kernel: 3, stride: stride, dilation: dilation,
                    groups: inputs, shape),
                try ConvNorm(scope, "conv_pw", "bn2", inputs, outputs, kernel: 1, shape),
            ]
        } else {
            parts = [
                try ConvNorm(scope, "conv_pw", "bn1", inputs, hidden, kernel: 1, shape),
                try ConvNorm(
                    scope, "conv_dw", "bn2", hidden, hidden, kernel: 3, stride: stride, dilation: dilation,
                    groups: hidden, shape),
                try ConvNorm(scope, "conv_pwl", "bn3", hidden, outputs, kernel: 1, shape),
            ]
        }
        isResidual = stride == 1 && inputs == outputs
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let inner = try parts.dropLast().reduce(x) { x, part in try part(x, mode: mode, then: .relu6) }
        let y = try parts[parts.count - 1](inner, mode: mode)
        return isResidual ? try x + y : y
    }
}
