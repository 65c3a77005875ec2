import Diagnostics
public import Layers
public import Tensors

// B batch, C channels, N patches, each of four pixels

/// MobileViT-V2 with the names of timm's `mobilevitv2_100` and its siblings.
///
/// Mehta and Rastegari, "Separable Self-attention for Mobile Vision Transformers", section 3: attention whose cost
/// grows with the number of pixels instead of its square.
public struct MobileViTV2: MeanPooledModel {
    /// The sizes of the network.
    public struct Shape: Hashable, Sendable {
        /// What all channel counts are multiplied by.
        public var multiplier = 1.0
        /// Where batch normalisation takes its statistics from while training.
        public var batchNorm = BatchNormPolicy.train
        /// What the last map may be smaller by than the image; further stages are dilated.
        ///
        /// As in timm and in the authors' own code, the convolution of an attending layer is dilated, too; that of
        /// transformers is not.
        public var outputStride: Int?

        /// Creates the usual sizes.
        public init() {}

        /// A channel count, scaled and cut off.
        func channels(_ count: Int) -> Int { Int(Double(count) * multiplier) }

        /// Channels, inverted residuals, stride and attending layers of each stage.
        static let stages = [(64, 1, 1, 0), (128, 2, 2, 0), (256, 1, 2, 2), (384, 1, 2, 4), (512, 1, 2, 3)]
    }

    let stem: ConvNorm
    let blocks: [Block]
    let classifier: Linear?

    /// The length of a feature vector.
    public let featureWidth: Int
    /// Its batch normalisations.
    public let normalizations: [BatchNorm2d]

    /// Claims the tensors.
    public init(_ scope: Scope, _ shape: Shape, classCount: Int) throws {
        var inputs = shape.channels(32)
        stem = try ConvNorm(
            scope / "stem", 3, inputs, kernel: 3, stride: 2, batchNorm: shape.batchNorm,
            initial: .kaimingFanOut())
        var blocks: [Block] = []
        var strides = OutputStride(shape.outputStride, after: 2)
        for (stage, (channels, residuals, stride, layers)) in Shape.stages.enumerated() {
            let outputs = shape.channels(channels)
            let scope = scope / "stages" / stage
            for index in 0..<residuals {
                let step = strides.next(index == 0 ? stride : 1)
                blocks.append(
                    .residual(
                        try SiLUResidual(
                            scope / index, inputs, outputs, stride: step.stride, dilation: step.dilation,
                            batchNorm: shape.batchNorm)))
                inputs = outputs
            }
            guard layers > 0 else { continue }
            blocks.append(
                .attention(
                    try LinearAttentionBlock(
                        scope / residuals, inputs, layers: layers, dilation: strides.dilation,
                        batchNorm: shape.batchNorm)))
        }
        self.blocks = blocks
        featureWidth = inputs
        classifier =
            classCount > 0
            ? try Linear(scope / "head" / "fc", inputs, classCount, initial: .fanIn(inputs)) : nil
        normalizations = [stem.norm] + blocks.flatMap(\.normalizations)
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the last map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        let x = try stem(images.channelsLast(), mode: mode, then: .silu)
        return try blocks.reduce(x) { x, block in try block(x, mode: mode) }
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }

    /// A part of a stage.
    enum Block {
        case residual(SiLUResidual)
        case attention(LinearAttentionBlock)

        var normalizations: [BatchNorm2d] {
            switch self {
            case .residual(let block): block.parts.map(\.norm)
            case .attention(let block): [block.local.norm, block.project.norm]
            }
        }

        func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
            switch self {
            case .residual(let block): try block(x, mode: mode)
            case .attention(let block): try block(x, mode: mode)
            }
        }
    }
}

/// An inverted residual that doubles the channels inside.
struct SiLUResidual {
    let parts: [ConvNorm]
    let isResidual: Bool

    init(
        _ scope: Scope, _ inputs: Int, _ outputs: Int, stride: Int, dilation: Int,
        batchNorm: BatchNormPolicy
    ) throws {
        isResidual = stride == 1 && inputs == outputs
        let hidden = StageSize.divisible(Double(2 * inputs))
        parts = [
            try ConvNorm(
                scope / "conv1_1x1", inputs, hidden, kernel: 1, batchNorm: batchNorm,
                initial: .kaimingFanOut()),
            try ConvNorm(
                scope / "conv2_kxk", hidden, hidden, kernel: 3, stride: stride, dilation: dilation,
                groups: hidden, batchNorm: batchNorm, initial: .kaimingFanOut(groups: hidden)),
            // The last scale starts at zero beside a shortcut: at first a block passes its input on.
            try ConvNorm(
                scope / "conv3_1x1", hidden, outputs, kernel: 1, batchNorm: batchNorm,
                initial: .kaimingFanOut(), scale: isResidual ? .zeros : .ones),
        ]
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let inner = try parts.dropLast().reduce(x) { x, part in try part(x, mode: mode, then: .silu) }
        let y = try parts[parts.count - 1](inner, mode: mode)
        return isResidual ? try x + y : y
    }
}

/// Mixes neighbours, then all places at the same corner of their patches.
struct LinearAttentionBlock {
    let local, project: ConvNorm
    let reduce: Conv2d
    let layers: [LinearAttentionLayer]
    let norm: GroupNorm
    let width: Int

    init(
        _ scope: Scope, _ channels: Int, layers: Int, dilation: Int, batchNorm: BatchNormPolicy
    ) throws {
        let width = StageSize.divisible(Double(channels) / 2)
        local = try ConvNorm(
            scope / "conv_kxk", channels, channels, kernel: 3, dilation: dilation, groups: channels,
            batchNorm: batchNorm, initial: .kaimingFanOut(groups: channels))
        reduce = try Conv2d(scope / "conv_1x1", channels, width, kernel: 1, initial: .kaimingFanOut())
        self.layers = try (0..<layers).map { try LinearAttentionLayer(scope / "transformer" / $0, width) }
        norm = try GroupNorm(scope / "norm", width)
        project = try ConvNorm(
            scope / "conv_proj", width, channels, kernel: 1, batchNorm: batchNorm, initial: .kaimingFanOut())
        self.width = width
    }

    /// Maps `[B, C, H, W]` to as many channels; an odd height or width grows by one.
    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let (height, rows, columns) = (x.shape[2], (x.shape[2] + 1) / 2, (x.shape[3] + 1) / 2)
        let isEven = 2 * rows == height && 2 * columns == x.shape[3]
        let even =
            try isEven ? x : x.upsampleBilinear(height: 2 * rows, width: 2 * columns, alignCorners: true)
        let y = try reduce(local(even, mode: mode, then: .silu))
        // Channels stay innermost in memory, so that each 1 × 1 convolution is one matrix product.
        let patches = try y.permute(0, 2, 3, 1).reshape(-1, rows, 2, columns, 2, width)
            .permute(0, 2, 4, 1, 3, 5).reshape(-1, 4, rows * columns, width).permute(0, 3, 1, 2)
        let mixed = try norm(layers.reduce(patches) { x, layer in try layer(x) })  // [B, C, 4, N]
        let map = try mixed.permute(0, 2, 3, 1).reshape(-1, 2, 2, rows, columns, width)
            .permute(0, 3, 1, 4, 2, 5).reshape(-1, 2 * rows, 2 * columns, width).permute(0, 3, 1, 2)
        return try project(map, mode: mode)
    }
}

/// A pre-norm transformer layer with separable attention, on `[B, C, 4, N]`.
struct LinearAttentionLayer {
    let norm1, norm2: GroupNorm
    let qkv, proj, fc1, fc2: Conv2d
    let width: Int

    init(_ scope: Scope, _ width: Int) throws {
        func pointwise(_ scope: Scope, _ inputs: Int, _ outputs: Int) throws -> Conv2d {
            try Conv2d(scope, inputs, outputs, kernel: 1, bias: true, initial: .kaimingFanOut())
        }
        norm1 = try GroupNorm(scope / "norm1", width)
        qkv = try pointwise(scope / "attn" / "qkv_proj", width, 1 + 2 * width)
        proj = try pointwise(scope / "attn" / "out_proj", width, width)
        norm2 = try GroupNorm(scope / "norm2", width)
        fc1 = try pointwise(scope / "mlp" / "fc1", width, 2 * width)
        fc2 = try pointwise(scope / "mlp" / "fc2", 2 * width, width)
        self.width = width
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let x = try x + attend(norm1(x))
        return try x + fc2(fc1(norm2(x)).silu())
    }

    /// Sums keys over the patches, weighed by one score each, and hands the sum to every patch's value.
    private func attend(_ x: Tensor) throws -> Tensor {
        let mixed = try qkv(x)
        let scores = try mixed.slice(dim: 1, from: 0, to: 1).softmax(-1)  // [B, 1, 4, N]
        let keys = try mixed.slice(dim: 1, from: 1, to: 1 + width)
        let values = try mixed.slice(dim: 1, from: 1 + width, to: 1 + 2 * width)
        let context = try (keys * scores).sum(-1, keepingDim: true)  // [B, C, 4, 1]
        return try proj(values.relu() * context)
    }
}

// MARK: - Presets

extension MobileViTV2 {
    static let presets = [
        ("050", 0.5), ("075", 0.75), ("100", 1), ("125", 1.25), ("150", 1.5), ("175", 1.75), ("200", 2),
    ].map { preset("mobilevitv2_\($0.0)", $0.1) }

    private static func preset(_ name: String, _ multiplier: Double) -> ModelPreset {
        var preset = ModelPreset(
            name: name, imageSize: 256,
            options: { _ in
                [
                    "multiplier": .double(multiplier),
                    "batch_norm": .string(BatchNormPolicy.train.rawValue),
                ]
            },
            preprocessing: Preprocessing(mean: [0, 0, 0], std: [1, 1, 1], interpolation: .bicubic),
            head: "head",
            shape: { configuration throws(Diagnostic) in try Shape(configuration) },
            model: { try MobileViTV2($0, $1, classCount: $2.classCount) })
        preset.isDilatable = true
        return preset
    }
}

extension MobileViTV2.Shape {
    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        multiplier = try configuration.double("multiplier", in: 0.25...4)
        batchNorm = try configuration.choice("batch_norm")
        outputStride = configuration.outputStride
    }
}
