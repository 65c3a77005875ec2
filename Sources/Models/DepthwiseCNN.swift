import Diagnostics
public import Layers
public import Tensors

/// A small network of depthwise-separable blocks for images of 32 to 64 pixels.
///
/// Plain separable blocks with a shortcut train about 1.6 times as fast on a CPU as inverted residuals of as many
/// parameters at the same resolutions (with libtorch's operations: 1,180 against 740 images of 32 pixels a second
/// and core): those spend their time on normalising and activating the expanded channels. `mobilenetv2_mini` makes up for it by halving at once.
public struct DepthwiseCNN: MeanPooledModel {
    /// The nonlinearity.
    public enum Activation: String, Codable, CaseIterable, Hashable, Sendable {
        case hardswish, relu

        var operation: Tensors.Activation {
            switch self {
            case .hardswish: .hardswish
            case .relu: .relu
            }
        }
    }

    /// The sizes of the network.
    public struct Shape: Sendable {
        /// Channels of the first convolution.
        public var stem: Int
        /// Channels and blocks of each stage; each stage halves height and width.
        public var stages: [StageSize]
        /// The stride of the first convolution.
        public var stemStride = 1
        /// The nonlinearity.
        public var activation = Activation.hardswish
        /// Where batch normalisation takes its statistics from while training.
        public var batchNorm = BatchNormPolicy.train

        /// Creates sizes.
        public init(stem: Int, stages: [StageSize]) {
            self.stem = stem
            self.stages = stages
        }
    }

    let stem: Conv2d
    let stemNorm: BatchNorm2d
    let blocks: [SeparableBlock]
    let classifier: Linear?
    let activation: Activation

    /// The length of a feature vector.
    public let featureWidth: Int
    /// Its batch normalisations.
    public let normalizations: [BatchNorm2d]

    /// Claims the tensors.
    public init(_ scope: Scope, _ shape: Shape, classCount: Int) throws {
        stem = try Conv2d(
            scope / "stem" / "conv", 3, shape.stem, kernel: 3, stride: shape.stemStride,
            initial: .kaimingFanOut())
        stemNorm = try BatchNorm2d(scope / "stem" / "bn", shape.stem, policy: shape.batchNorm)
        var blocks: [SeparableBlock] = []
        var inputs = shape.stem
        for size in shape.stages {
            for index in 0..<size.blocks {
                blocks.append(
                    try SeparableBlock(
                        scope / "blocks" / blocks.count, inputs, size.channels, stride: index == 0 ? 2 : 1,
                        shape))
                inputs = size.channels
            }
        }
        self.blocks = blocks
        featureWidth = inputs
        classifier =
            classCount > 0 ? try Linear(scope / "head", inputs, classCount, initial: .truncNormal()) : nil
        activation = shape.activation
        normalizations = [stemNorm] + blocks.flatMap { [$0.norm1, $0.norm2] }
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the last map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        // Depthwise convolutions and batch normalisation have kernels of our own with channels last.
        let x = try stemNorm(stem(images.channelsLast()), mode: mode, then: activation.operation)
        return try blocks.reduce(x) { x, block in try block(x, mode: mode) }
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }
}

/// Mixes neighbours channel by channel, then channels place by place.
struct SeparableBlock {
    let depthwise, pointwise: Conv2d
    let norm1, norm2: BatchNorm2d
    let activation: DepthwiseCNN.Activation
    let isResidual: Bool

    init(
        _ scope: Scope, _ inputs: Int, _ outputs: Int, stride: Int, _ shape: DepthwiseCNN.Shape
    ) throws {
        isResidual = stride == 1 && inputs == outputs
        depthwise = try Conv2d(
            scope / "conv_dw", inputs, inputs, kernel: 3, stride: stride, groups: inputs,
            initial: .kaimingFanOut(groups: inputs))
        norm1 = try BatchNorm2d(scope / "bn1", inputs, policy: shape.batchNorm)
        pointwise = try Conv2d(scope / "conv_pw", inputs, outputs, kernel: 1, initial: .kaimingFanOut())
        norm2 = try BatchNorm2d(scope / "bn2", outputs, policy: shape.batchNorm)
        activation = shape.activation
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let mixed = try norm1(depthwise(x), mode: mode, then: activation.operation)
        let y = try norm2(pointwise(mixed), mode: mode, then: activation.operation)
        return isResidual ? try x + y : y
    }
}
