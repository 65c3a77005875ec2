public import Layers
public import Tensors

// B batch, N patches, D width, P length of the projection

/// A vision transformer with timm's names and initialisation.
///
/// Dosovitskiy et al., "An Image is Worth 16x16 Words". Options make it a DeiT, a DINOv2 (Oquab et al., 2023; with the
/// registers of Darcet et al., 2023) or the visual tower of a CLIP (Radford et al., 2021).
public struct ViT: TokenModel {
    /// How tokens become one feature vector.
    public enum Pool: String, Codable, CaseIterable, Hashable, Sendable {
        /// The class token, normalised.
        case token
        /// The mean of the patches, normalised after pooling as timm does.
        case avg
    }

    /// The sizes of a vision transformer.
    public struct Shape: Hashable, Sendable {
        /// The length of a token, the number of blocks, and the heads of each.
        public var width, depth, heads: Int
        /// The height and width of a patch.
        public var patch: Int
        /// The hidden width of a block's MLP, as a multiple of `width`; both halves of a gated one.
        public var expansion = 4.0
        /// How tokens become one feature vector.
        public var pool = Pool.token
        /// The probability that the last block is dropped for an image while training; earlier ones less.
        public var dropPath = 0.0
        /// Learned tokens beside the class token that stand for nothing.
        public var registers = 0
        /// Whether the class token and the registers have rows in the position table (timm's `no_embed_class` = no).
        public var embedsPrefix = true
        /// Whether tokens are normalised before the first block; the patch embedding then has no bias.
        public var preNorm = false
        /// The length of the projected feature vector; zero where features are not projected.
        public var projection = 0
        /// What blocks are made of.
        public var style = TransformerStyle()

        /// Creates sizes.
        public init(width: Int, depth: Int, heads: Int, patch: Int) {
            self.width = width
            self.depth = depth
            self.heads = heads
            self.patch = patch
        }

        /// The hidden width of a block's MLP.
        var hidden: Int { Int(Double(width) * expansion) }
        /// The rows of the position table before those of the patches.
        var positionPrefix: Int { embedsPrefix ? 1 + registers : 0 }
    }

    let classToken, positions: Tensor
    let registers: Tensor?
    let patchEmbed: PatchEmbed
    let preNorm: LayerNorm?
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    let projection, classifier: Linear?
    let shape: Shape

    /// The length of a feature vector.
    public var featureWidth: Int { shape.projection > 0 ? shape.projection : shape.width }

    /// Claims the tensors of a transformer for square images.
    public init(_ scope: Scope, _ shape: Shape, imageSize: Int, classCount: Int) throws {
        let (width, style) = (shape.width, shape.style)
        let grid = imageSize / shape.patch
        classToken = try scope.parameter("cls_token", 1, 1, width, initial: .normal(1e-6), decays: false)
        registers =
            shape.registers > 0
            ? try scope.parameter(
                "reg_token", 1, shape.registers, width, initial: .normal(1e-6), decays: false) : nil
        positions = try scope.parameter(
            "pos_embed", 1, grid * grid + shape.positionPrefix, width, initial: .truncNormal(), decays: false)
        patchEmbed = try PatchEmbed(
            scope / "patch_embed", width: width, patch: shape.patch, bias: !shape.preNorm)
        preNorm =
            shape.preNorm ? try LayerNorm(scope / "norm_pre", width, epsilon: style.epsilon) : nil
        blocks = try (0..<shape.depth).map { index in
            try TransformerBlock(
                scope / "blocks" / index, width: width, heads: shape.heads, hidden: shape.hidden,
                dropPath: shape.dropPath * Double(index) / Double(max(1, shape.depth - 1)), style: style)
        }
        norm = try LayerNorm(
            scope / (shape.pool == .token ? "norm" : "fc_norm"), width, epsilon: style.epsilon)
        projection =
            shape.projection > 0
            ? try Linear(
                scope / "proj", width, shape.projection, bias: false,
                initial: .normal(1 / Double(width).squareRoot())) : nil
        let features = shape.projection > 0 ? shape.projection : width
        classifier =
            classCount > 0 ? try Linear(scope / "head", features, classCount, initial: .truncNormal()) : nil
        self.shape = shape
    }

    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]` or, projected, `[B, P]`.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        // A class token is read alone; its last block need not say what becomes of the others.
        let mixed = try mix(images, mode: mode, reading: shape.pool == .token ? 1 : nil)
        let pooled =
            switch shape.pool {
            case .token: try norm(mixed.select(dim: 1, index: 0))
            case .avg: try norm(mixed.slice(dim: 1, from: 1 + shape.registers).mean(1))
            }
        return try projection?(pooled) ?? pooled
    }

    /// Maps normalised images, `[B, 3, H, W]`, to the normalised patches, `[B, N, D]`.
    public func tokens(_ images: Tensor, mode: Mode) throws -> Tensor {
        try norm(mix(images, mode: mode)).slice(dim: 1, from: 1 + shape.registers)
    }

    /// The channels of the feature map.
    public var mapWidth: Int { shape.width }

    /// Maps normalised images, `[B, 3, H, W]`, to the normalised patches in their places, `[B, D, h, w]`.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        try tokens(images, mode: mode).places(of: images, patch: shape.patch)
    }

    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) {
        let tokens = try mix(images, mode: mode)
        let normed = try norm(tokens)
        let patches = try normed.slice(dim: 1, from: 1 + shape.registers)
        let pooled =
            switch shape.pool {
            case .token: try normed.select(dim: 1, index: 0)
            case .avg: try norm(tokens.slice(dim: 1, from: 1 + shape.registers).mean(1))
            }
        return (try projection?(pooled) ?? pooled, try patches.places(of: images, patch: shape.patch))
    }

    /// The sizes of an attention that pools the patches.
    public var poolShape: TokenPoolShape {
        TokenPoolShape(
            width: shape.width, heads: shape.heads, hidden: shape.hidden, epsilon: shape.style.epsilon)
    }

    /// What the last block makes of the tokens, or of the first `count` of them.
    private func mix(_ images: Tensor, mode: Mode, reading count: Int? = nil) throws -> Tensor {
        let embedded = try embed(images)
        var stream = ResidualStream(try preNorm?(embedded) ?? embedded)
        for (index, block) in blocks.enumerated() {
            stream = try block(stream, mode: mode, reading: index == blocks.count - 1 ? count : nil)
        }
        return try stream.tokens()
    }

    /// The tokens with their positions: the class, the registers, the patches.
    private func embed(_ images: Tensor) throws -> Tensor {
        let patches = try patchEmbed(images)  // [B, N, D]
        let batch = images.shape[0]
        var tokens = [try classToken.expand([batch, 1, shape.width])]
        if let registers { tokens.append(try registers.expand([batch, shape.registers, shape.width])) }
        return shape.embedsPrefix
            ? try Tensor.cat(tokens + [patches], dim: 1) + positions
            : try Tensor.cat(tokens + [patches + positions], dim: 1)
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }
}

extension Tensor {
    /// Patches, `[B, N, D]`, in their places in the images, `[B, D, h, w]`; channels lie innermost in memory.
    func places(of images: Tensor, patch: Int) throws(TorchError) -> Tensor {
        let (rows, columns) = (images.shape[2] / patch, images.shape[3] / patch)
        return try reshape(-1, rows, columns, shape[2]).permute(0, 3, 1, 2)
    }
}

// MARK: - Position embeddings

extension ViT {
    /// A position table, `[1, prefix + N, D]`, for a grid of another size, as timm resamples it.
    ///
    /// The rows before the patches' stay as they are. A table that is not square is returned unchanged.
    public static func resample(
        positions table: Tensor, to grid: Int, prefix: Int = 1
    ) throws -> Tensor {
        let shape = table.shape
        guard shape.count == 3, let old = side(ofGrid: shape[1] - prefix), old != grid else { return table }
        let image = try table.slice(dim: 1, from: prefix).to(.float32).reshape(1, old, old, shape[2])
            .permute(0, 3, 1, 2)
        let resized = try image.upsampleBicubic(height: grid, width: grid, antialias: true)
        let rows = try resized.permute(0, 2, 3, 1).reshape(1, grid * grid, shape[2])
        guard prefix > 0 else { return rows }
        return try Tensor.cat([table.slice(dim: 1, from: 0, to: prefix).to(.float32), rows], dim: 1)
    }

    /// The side of a square grid of so many patches.
    static func side(ofGrid count: Int) -> Int? {
        guard count > 0 else { return nil }
        let side = Int(Double(count).squareRoot().rounded())
        return side * side == count ? side : nil
    }
}
