import Diagnostics
public import Layers
public import Tensors

/// FastViT with the names of timm's `fastvit_t8` and its siblings.
///
/// Vasu et al., "FastViT: A Fast Hybrid Vision Transformer using Structural Reparameterization": convolutions that
/// train as several branches and run as one.
public struct FastViT: MeanPooledModel {
    /// Which of two networks of the same function it is.
    public enum Form: String, Codable, CaseIterable, Hashable, Sendable {
        /// Branches with batch normalisation, as they are trained.
        case training
        /// One convolution in place of each group of branches; `reparameterize` makes its tensors.
        case inference
    }

    /// The sizes of the network.
    public struct Shape: Sendable {
        /// Channels and blocks of each stage; each but the first halves height and width.
        public var stages: [StageSize]
        /// The hidden channels of a block's MLP, as a multiple of its channels.
        public var expansion = 4.0
        /// How many of the last stages attend instead of mixing neighbours.
        public var attention = 0
        /// Branches or one convolution.
        public var form = Form.training
        /// Where batch normalisation takes its statistics from while training.
        public var batchNorm = BatchNormPolicy.train

        /// Creates sizes.
        public init(stages: [StageSize]) { self.stages = stages }
    }

    let stem: [MobileOneBlock]
    let stages: [FastViTStage]
    let last: MobileOneBlock
    let classifier: Linear?

    /// The length of a feature vector.
    public let featureWidth: Int

    /// Claims the tensors.
    public init(_ scope: Scope, _ shape: Shape, classCount: Int) throws {
        var inputs = shape.stages.first?.channels ?? 0
        stem = [
            try MobileOneBlock(scope / "stem" / 0, 3, inputs, kernel: 3, stride: 2, shape),
            try MobileOneBlock(
                scope / "stem" / 1, inputs, inputs, kernel: 3, stride: 2, groups: inputs, shape),
            try MobileOneBlock(scope / "stem" / 2, inputs, inputs, kernel: 1, shape),
        ]
        var stages: [FastViTStage] = []
        for (index, size) in shape.stages.enumerated() {
            stages.append(
                try FastViTStage(
                    scope / "stages" / index, inputs, size, isReduced: index > 0,
                    attends: index >= shape.stages.count - shape.attention, shape))
            inputs = size.channels
        }
        self.stages = stages
        featureWidth = 2 * inputs
        last = try MobileOneBlock(
            scope / "final_conv", inputs, featureWidth, kernel: 3, groups: inputs, isSqueezed: true, shape)
        classifier =
            classCount > 0
            ? try Linear(scope / "head" / "fc", featureWidth, classCount, initial: .fanIn(featureWidth)) : nil
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the last map, `[B, C, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        let x = try stem.reduce(images.channelsLast()) { x, block in try block(x, mode: mode) }
        let y = try stages.reduce(x) { x, stage in try stage(x, mode: mode) }
        return try last(y, mode: mode)
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }

    /// Its batch normalisations.
    public var normalizations: [BatchNorm2d] {
        stem.flatMap(\.normalizations) + stages.flatMap(\.normalizations) + last.normalizations
    }

    /// The parts that are branches in one form and a convolution in the other.
    var reparameterized: [any Reparameterized] { stem + stages.flatMap(\.reparameterized) + [last] }
}

/// Blocks of one size, after the convolutions that halve height and width.
struct FastViTStage {
    let reduce: (wide: LargeKernelConv, pointwise: MobileOneBlock)?
    let positions: PositionalConv?
    let blocks: [FastViTBlock]

    init(
        _ scope: Scope, _ inputs: Int, _ size: StageSize, isReduced: Bool, attends: Bool,
        _ shape: FastViT.Shape
    ) throws {
        let channels = size.channels
        if isReduced {
            let scope = scope / "downsample" / "proj"
            reduce = (
                try LargeKernelConv(scope / 0, inputs, channels, shape),
                try MobileOneBlock(scope / 1, channels, channels, kernel: 1, shape)
            )
        } else {
            reduce = nil
        }
        positions = attends ? try PositionalConv(scope / "pos_emb", channels, shape) : nil
        blocks = try (0..<size.blocks).map {
            try FastViTBlock(scope / "blocks" / $0, channels, attends: attends, shape)
        }
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let reduced = try reduce.map { try $0.pointwise($0.wide(x, mode: mode), mode: mode) } ?? x
        return try blocks.reduce(positions?(reduced) ?? reduced) { x, block in try block(x, mode: mode) }
    }

    var normalizations: [BatchNorm2d] {
        (reduce.map { $0.wide.normalizations + $0.pointwise.normalizations } ?? [])
            + blocks.flatMap(\.normalizations)
    }

    var reparameterized: [any Reparameterized] {
        var parts: [any Reparameterized] = []
        if let reduce { parts += [reduce.wide, reduce.pointwise] }
        if let positions { parts.append(positions) }
        for block in blocks {
            if case .neighbours(let mixer) = block.mixer { parts.append(mixer) }
        }
        return parts
    }
}

/// Mixes places, then channels.
struct FastViTBlock {
    /// What mixes places.
    enum Mixer {
        case neighbours(RepMixer)
        case attention(norm: BatchNorm2d, Attention, scale: LayerScale2d)
    }

    /// The channels of an attention head.
    static let headWidth = 32

    let mixer: Mixer
    let local: ConvNorm
    let fc1, fc2: Conv2d
    let scale: LayerScale2d

    init(_ scope: Scope, _ channels: Int, attends: Bool, _ shape: FastViT.Shape) throws {
        if attends {
            mixer = .attention(
                norm: try BatchNorm2d(scope / "norm", channels, policy: shape.batchNorm),
                try Attention(
                    scope / "token_mixer", width: channels, heads: channels / Self.headWidth,
                    qkvBias: false),
                scale: try LayerScale2d(scope / "layer_scale_1", channels))
        } else {
            mixer = .neighbours(try RepMixer(scope / "token_mixer", channels, shape))
        }
        let hidden = Int(Double(channels) * shape.expansion)
        local = try ConvNorm(
            scope / "mlp" / "conv", channels, channels, kernel: 7, groups: channels,
            batchNorm: shape.batchNorm, initial: .truncNormal())
        fc1 = try Conv2d(
            scope / "mlp" / "fc1", channels, hidden, kernel: 1, bias: true, initial: .truncNormal())
        fc2 = try Conv2d(
            scope / "mlp" / "fc2", hidden, channels, kernel: 1, bias: true, initial: .truncNormal())
        scale = try LayerScale2d(scope / (attends ? "layer_scale_2" : "layer_scale"), channels)
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let x = try mix(x, mode: mode)
        return try x + scale(fc2(fc1(local(x, mode: mode)).gelu()))
    }

    private func mix(_ x: Tensor, mode: Mode) throws -> Tensor {
        switch mixer {
        case .neighbours(let mixer):
            return try mixer(x, mode: mode)
        case .attention(let norm, let attention, let scale):
            let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
            let tokens = try norm(x, mode: mode).permute(0, 2, 3, 1).reshape(-1, height * width, channels)
            let mixed = try attention(tokens).reshape(-1, height, width, channels).permute(0, 3, 1, 2)
            return try x + scale(mixed)
        }
    }

    var normalizations: [BatchNorm2d] {
        switch mixer {
        case .neighbours(let mixer): mixer.normalizations + [local.norm]
        case .attention(let norm, _, _): [norm, local.norm]
        }
    }
}
