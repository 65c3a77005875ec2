import Diagnostics
import Foundation
public import Layers
public import Tensors

// B batch, N tokens, D width, H heads, L length of a head

/// The vision transformer of DINOv3 with timm's names: rotary positions, registers and scaled branches.
///
/// Siméoni et al., "DINOv3" (2025). timm builds it as an `Eva`. Positions are coordinates from −1 to 1, so that every
/// image size is seen on the same scale and a checkpoint serves all of them.
public struct DINOv3: TokenModel {
    /// The sizes of the transformer.
    public struct Shape: Hashable, Sendable {
        /// The length of a token, the number of blocks, and the heads of each.
        public var width, depth, heads: Int
        /// The height and width of a patch.
        public var patch = 16
        /// The hidden width of a block's MLP, as a multiple of `width`.
        public var expansion = 4.0
        /// What follows attention in a block; a gated unit has two matrices of the hidden width.
        public var feedforward = TransformerStyle.Feedforward.mlp
        /// Learned tokens beside the class token that stand for nothing.
        public var registers = 4
        /// Whether queries and values have a bias; keys never do.
        public var qkvBias = false
        /// How normalised tokens become one feature vector: timm takes the mean of the patches, DINOv3's authors the
        /// class token.
        public var pool = ViT.Pool.avg
        /// The probability that the last block is dropped for an image while training; earlier ones less.
        public var dropPath = 0.0
        /// The first value of the scales on the residual branches.
        public var layerScale = 1e-5

        /// Creates sizes.
        public init(width: Int, depth: Int, heads: Int) {
            self.width = width
            self.depth = depth
            self.heads = heads
        }

        /// The hidden width of a block's MLP.
        var hidden: Int { Int(Double(width) * expansion) }
    }

    static let epsilon = 1e-5

    let classToken: Tensor
    let registers: Tensor?
    let patchEmbed: PatchEmbed
    let rotation: RotaryTable
    let blocks: [Block]
    let norm: LayerNorm
    let classifier: Linear?
    let shape: Shape

    /// Claims the tensors of a transformer for square images.
    public init(_ scope: Scope, _ shape: Shape, imageSize: Int, classCount: Int) throws {
        let width = shape.width
        classToken = try scope.parameter("cls_token", 1, 1, width, initial: .truncNormal(), decays: false)
        registers =
            shape.registers > 0
            ? try scope.parameter(
                "reg_token", 1, shape.registers, width, initial: .truncNormal(), decays: false) : nil
        patchEmbed = try PatchEmbed(scope / "patch_embed", width: width, patch: shape.patch)
        rotation = try RotaryTable(
            grid: imageSize / shape.patch, prefix: 1 + shape.registers, length: width / shape.heads,
            device: classToken.device)
        blocks = try (0..<shape.depth).map { index in
            try Block(
                scope / "blocks" / index, shape,
                dropPath: shape.dropPath * Double(index) / Double(max(1, shape.depth - 1)))
        }
        norm = try LayerNorm(scope / "norm", width, epsilon: Self.epsilon)
        classifier =
            classCount > 0 ? try Linear(scope / "head", width, classCount, initial: .truncNormal()) : nil
        self.shape = shape
    }

    /// The length of a feature vector.
    public var featureWidth: Int { shape.width }

    /// The sizes of an attention that pools the tokens.
    public var poolShape: TokenPoolShape {
        TokenPoolShape(width: shape.width, heads: shape.heads, hidden: shape.hidden, epsilon: Self.epsilon)
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the class, the registers and the patches, `[B, N, D]`.
    public func tokens(_ images: Tensor, mode: Mode) throws -> Tensor {
        let patches = try patchEmbed(images)
        let batch = images.shape[0]
        var tokens = [try classToken.expand([batch, 1, shape.width])]
        if let registers { tokens.append(try registers.expand([batch, shape.registers, shape.width])) }
        let embedded = try Tensor.cat(tokens + [patches], dim: 1)
        return try norm(blocks.reduce(embedded) { x, block in try block(x, rotation, mode: mode) })
    }

    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]`.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        let tokens = try tokens(images, mode: mode)
        return switch shape.pool {
        case .token: try tokens.select(dim: 1, index: 0)
        case .avg: try tokens.slice(dim: 1, from: 1 + shape.registers).mean(1)
        }
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the normalised patches in their places, `[B, D, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        try tokens(images, mode: mode).slice(dim: 1, from: 1 + shape.registers)
            .places(of: images, patch: shape.patch)
    }

    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) {
        let tokens = try tokens(images, mode: mode)
        let patches = try tokens.slice(dim: 1, from: 1 + shape.registers)
        return (
            try shape.pool == .token ? tokens.select(dim: 1, index: 0) : patches.mean(1),
            try patches.places(of: images, patch: shape.patch)
        )
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }
}

// MARK: - Positions

/// The cosines and sines by which pairs of a head's numbers are turned, `[N, L]`.
///
/// Su et al., "RoFormer". The first half of the angles comes from a patch's row, the second from its column; number `i`
/// of a head is turned with number `i + L / 2`. The class token and the registers are not turned.
struct RotaryTable {
    let cosines, sines: Tensor

    /// The angles of a square grid of patches behind `prefix` other tokens.
    init(grid: Int, prefix: Int, length: Int, device: Device) throws {
        let frequencies = (0..<length / 4).map { Float(1 / pow(100, 4 * Double($0) / Double(length))) }
        func angles(_ place: Int) -> [Float] {
            let coordinate = 2 * (Float(place) + 0.5) / Float(grid) - 1
            return frequencies.map { 2 * .pi * coordinate * $0 }
        }
        var (cosines, sines): ([Float], [Float]) = ([], [])
        for _ in 0..<prefix {
            cosines += [Float](repeating: 1, count: length)
            sines += [Float](repeating: 0, count: length)
        }
        for row in 0..<grid {
            for column in 0..<grid {
                let half = angles(row) + angles(column)
                cosines += half.map(cos) + half.map(cos)
                // The first half of a head receives the second with its sign changed.
                sines += half.map { -sin($0) } + half.map(sin)
            }
        }
        let shape = [prefix + grid * grid, length]
        self.cosines = try Tensor(cosines, shape: shape).to(device)
        self.sines = try Tensor(sines, shape: shape).to(device)
    }

    /// Turns `[B, H, N, L]` in the table's precision.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let length = x.shape[3]
        let exchanged = try Tensor.cat(
            [x.slice(dim: 3, from: length / 2), x.slice(dim: 3, from: 0, to: length / 2)], dim: 3)
        return try x * cosines + exchanged * sines
    }
}

// MARK: - Blocks

extension DINOv3 {
    /// Self-attention with turned queries and keys.
    struct RotaryAttention {
        let queryBias, valueBias: Tensor?
        /// Zeros, where the others have a bias.
        let keyBias: Tensor?
        let qkv, proj: Linear
        let heads: Int

        /// Claims `qkv` and `proj`, and `q_bias` and `v_bias` if there are such.
        init(_ scope: Scope, width: Int, heads: Int, qkvBias: Bool) throws {
            queryBias = qkvBias ? try scope.parameter("q_bias", width, initial: .zeros) : nil
            valueBias = qkvBias ? try scope.parameter("v_bias", width, initial: .zeros) : nil
            keyBias = try queryBias?.zerosLike().detach()
            qkv = try Linear(scope / "qkv", width, 3 * width, bias: false, initial: .truncNormal())
            proj = try Linear(scope / "proj", width, width, initial: .truncNormal())
            self.heads = heads
        }

        /// Maps `[B, N, D]` to `[B, N, D]`.
        func callAsFunction(_ x: Tensor, _ rotation: RotaryTable) throws -> Tensor {
            let shape = x.shape
            let (batch, tokens, width) = (shape[0], shape[1], shape[2])
            var bias: Tensor?
            if let queryBias, let keyBias, let valueBias {
                bias = try Tensor.cat([queryBias, keyBias, valueBias])
            }
            let mixed = try x.linear(weight: qkv.weight, bias: bias)
                .reshape(batch, tokens, 3, heads, width / heads).permute(2, 0, 3, 1, 4)
            let value = try mixed.select(dim: 0, index: 2)
            let attended = try Tensor.scaledDotProductAttention(
                query: rotation(mixed.select(dim: 0, index: 0)).to(value.dtype),
                key: rotation(mixed.select(dim: 0, index: 1)).to(value.dtype), value: value)
            return try proj(attended.transpose(1, 2).reshape(batch, tokens, width))
        }
    }

    /// A gated unit of two matrices, `fc2(silu(fc1_g(x)) · fc1_x(x))`.
    struct GatedMLP {
        let gate, input, output: Linear

        /// Claims `fc1_g`, `fc1_x` and `fc2`.
        init(_ scope: Scope, width: Int, hidden: Int) throws {
            gate = try Linear(scope / "fc1_g", width, hidden, initial: .truncNormal())
            input = try Linear(scope / "fc1_x", width, hidden, initial: .truncNormal())
            output = try Linear(scope / "fc2", hidden, width, initial: .truncNormal())
        }

        /// Maps `[…, D]` to `[…, D]`.
        func callAsFunction(_ x: Tensor) throws -> Tensor { try output(gate(x).silu() * input(x)) }
    }

    /// A pre-norm block with scaled branches.
    struct Block {
        let scale1, scale2: Tensor
        let norm1, norm2: LayerNorm
        let attn: RotaryAttention
        let mlp: MLP?
        let gated: GatedMLP?
        let dropPath: DropPath

        /// Claims `gamma_1`, `gamma_2`, `norm1`, `attn`, `norm2` and `mlp`.
        init(_ scope: Scope, _ shape: Shape, dropPath rate: Double) throws {
            let (width, scale) = (shape.width, Initializer.constant(shape.layerScale))
            scale1 = try scope.parameter("gamma_1", width, initial: scale)
            scale2 = try scope.parameter("gamma_2", width, initial: scale)
            norm1 = try LayerNorm(scope / "norm1", width, epsilon: DINOv3.epsilon)
            attn = try RotaryAttention(
                scope / "attn", width: width, heads: shape.heads, qkvBias: shape.qkvBias)
            norm2 = try LayerNorm(scope / "norm2", width, epsilon: DINOv3.epsilon)
            let isGated = shape.feedforward == .swiglu
            gated = isGated ? try GatedMLP(scope / "mlp", width: width, hidden: shape.hidden) : nil
            mlp = isGated ? nil : try MLP(scope / "mlp", width: width, hidden: shape.hidden)
            dropPath = DropPath(rate, generator: scope.generator)
        }

        /// Maps `[B, N, D]` to `[B, N, D]`.
        func callAsFunction(_ x: Tensor, _ rotation: RotaryTable, mode: Mode) throws -> Tensor {
            let x = try x + dropPath(attn(norm1(x), rotation) * scale1, mode: mode)
            let normed = try norm2(x)
            let fed = try mlp?(normed) ?? gated?(normed) ?? normed
            return try x + dropPath(fed * scale2, mode: mode)
        }
    }
}
