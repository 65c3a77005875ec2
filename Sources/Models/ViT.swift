import Diagnostics
public import Layers
public import Tensors

// B batch, N patches, D width

/// A vision transformer with timm's names and initialisation.
public struct ViT: ImageModel {
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
        /// The hidden width of a block's MLP, as a multiple of `width`.
        public var expansion = 4.0
        /// How tokens become one feature vector.
        public var pool = Pool.token
        /// The probability that the last block is dropped for an image while training; earlier ones less.
        public var dropPath = 0.0

        /// Creates sizes.
        public init(width: Int, depth: Int, heads: Int, patch: Int) {
            self.width = width
            self.depth = depth
            self.heads = heads
            self.patch = patch
        }
    }

    let classToken, positions: Tensor
    let patchEmbed: PatchEmbed
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    let classifier: Linear?
    let shape: Shape

    /// The length of a feature vector.
    public var featureWidth: Int { shape.width }

    /// Claims the tensors of a transformer for square images.
    public init(_ scope: Scope, _ shape: Shape, imageSize: Int, classCount: Int) throws {
        let width = shape.width
        let grid = imageSize / shape.patch
        classToken = try scope.parameter("cls_token", 1, 1, width, initial: .normal(1e-6), decays: false)
        positions = try scope.parameter(
            "pos_embed", 1, grid * grid + 1, width, initial: .truncNormal(), decays: false)
        patchEmbed = try PatchEmbed(scope / "patch_embed", width: width, patch: shape.patch)
        blocks = try (0..<shape.depth).map { index in
            try TransformerBlock(
                scope / "blocks" / index, width: width, heads: shape.heads,
                hidden: Int(Double(width) * shape.expansion),
                dropPath: shape.dropPath * Double(index) / Double(max(1, shape.depth - 1)))
        }
        norm = try LayerNorm(scope / (shape.pool == .token ? "norm" : "fc_norm"), width)
        classifier =
            classCount > 0 ? try Linear(scope / "head", width, classCount, initial: .truncNormal()) : nil
        self.shape = shape
    }

    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]`.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        let patches = try patchEmbed(images)  // [B, N, D]
        let start = try classToken.expand([images.shape[0], 1, shape.width])
        let tokens = try Tensor.cat([start, patches], dim: 1) + positions
        let mixed = try blocks.reduce(tokens) { x, block in try block(x, mode: mode) }
        return switch shape.pool {
        case .token: try norm(mixed.select(dim: 1, index: 0))
        case .avg: try norm(mixed.slice(dim: 1, from: 1).mean(1))
        }
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }
}

// MARK: - Position embeddings

extension ViT {
    /// A position table, `[1, 1 + N, D]`, for a grid of another size, as timm resamples it.
    public static func resample(positions table: Tensor, to grid: Int) throws -> Tensor {
        let shape = table.shape
        let old = Int(Double(shape[1] - 1).squareRoot())
        guard old * old == shape[1] - 1, old != grid else { return table }
        let image = try table.slice(dim: 1, from: 1).to(.float32).reshape(1, old, old, shape[2])
            .permute(0, 3, 1, 2)
        let resized = try image.upsampleBicubic(height: grid, width: grid, antialias: true)
        let rows = try resized.permute(0, 2, 3, 1).reshape(1, grid * grid, shape[2])
        return try Tensor.cat([table.slice(dim: 1, from: 0, to: 1).to(.float32), rows], dim: 1)
    }
}

// MARK: - Presets

extension ViT {
    static let presets = [
        preset("vit_tiny_patch16_224", Shape(width: 192, depth: 12, heads: 3, patch: 16), imageSize: 224),
        preset("vit_small_patch16_224", Shape(width: 384, depth: 12, heads: 6, patch: 16), imageSize: 224),
        preset("vit_base_patch16_224", Shape(width: 768, depth: 12, heads: 12, patch: 16), imageSize: 224),
        preset("vit_surrogate_patch4_32", Shape(width: 192, depth: 6, heads: 3, patch: 4), imageSize: 32),
        preset("vit_mini_patch4_32", Shape(width: 96, depth: 4, heads: 3, patch: 4), imageSize: 32),
    ]

    private static func preset(_ name: String, _ shape: Shape, imageSize: Int) -> ModelPreset {
        ModelPreset(
            name: name, imageSize: imageSize,
            options: { _ in
                [
                    "width": .int(shape.width), "depth": .int(shape.depth), "heads": .int(shape.heads),
                    "patch": .int(shape.patch), "expansion": .double(shape.expansion),
                    "pool": .string(shape.pool.rawValue), "drop_path": .double(shape.dropPath),
                ]
            },
            preprocessing: .symmetric, head: "head",
            check: { configuration throws(Diagnostic) in _ = try Shape(configuration) },
            build: { configuration, scope in
                try ViT(
                    scope, Shape(configuration), imageSize: configuration.imageSize,
                    classCount: configuration.classCount)
            },
            adapt: { state, configuration in
                guard let table = state["pos_embed"] else { return state }
                let grid = try configuration.imageSize / Shape(configuration).patch
                return state.merging(["pos_embed": try resample(positions: table, to: grid)]) { $1 }
            })
    }
}

extension ViT.Shape {
    /// Reads and checks the options of a configuration.
    init(_ configuration: ModelConfiguration) throws(Diagnostic) {
        self.init(
            width: try configuration.int("width"), depth: try configuration.int("depth"),
            heads: try configuration.int("heads"), patch: try configuration.int("patch"))
        expansion = try configuration.double("expansion", in: 0.25...16)
        pool = try configuration.choice("pool")
        dropPath = try configuration.double("drop_path", in: 0...0.9)
        guard width.isMultiple(of: heads) else {
            throw configuration.bad("heads", "a divisor of the width \(width)")
        }
        guard configuration.imageSize.isMultiple(of: patch) else {
            throw configuration.bad("patch", "a divisor of the image size \(configuration.imageSize)")
        }
    }
}
