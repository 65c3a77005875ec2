internal import Diagnostics
public import Layers
public import Tensors

// B batch, N tokens, D width, H heads, P length of an embedding

/// The text tower of a CLIP, with OpenAI's and OpenCLIP's names and initialisation.
///
/// Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", section 2.4. A token sees
/// those before it; what the last one, the mark of the end, has seen is normalised and projected.
public struct TextTransformer {
    /// The sizes of a text tower.
    public struct Shape: Codable, Hashable, Sendable {
        /// The most tokens of a caption, its two marks among them.
        public var contextLength = 77
        /// How many different tokens there are.
        public var vocabularySize: Int
        /// The length of a token, the number of blocks, and the heads of each.
        public var width, depth, heads: Int
        /// The length of an embedding, which is that of an image's, too.
        public var embedding: Int
        /// The nonlinearity of the blocks.
        public var activation = TransformerStyle.Activation.gelu

        enum CodingKeys: String, CodingKey {
            case width, depth, heads, embedding, activation
            case contextLength = "context_length"
            case vocabularySize = "vocabulary_size"
        }

        /// Creates sizes; without `heads` each has 64 numbers, as in every published CLIP.
        public init(vocabularySize: Int, width: Int, depth: Int, heads: Int? = nil, embedding: Int) {
            self.vocabularySize = vocabularySize
            self.width = width
            self.depth = depth
            self.heads = heads ?? max(1, width / 64)
            self.embedding = embedding
        }

        /// Throws what is wrong with the sizes.
        func check() throws(Diagnostic) {
            guard min(contextLength - 1, vocabularySize - 1, width, depth, heads, embedding) > 0,
                width.isMultiple(of: heads)
            else {
                throw Diagnostic(
                    "a text tower cannot have \(depth) blocks of width \(width) with \(heads) heads, "
                        + "\(vocabularySize) tokens and captions of \(contextLength)",
                    hint: "the width must be a multiple of the heads", exitCode: .badData)
            }
        }
    }

    let tokens, positions, projection: Tensor
    let blocks: [TextBlock]
    let norm: LayerNorm
    /// Its sizes.
    public let shape: Shape

    /// Claims the tensors of a tower.
    public init(_ scope: Scope, _ shape: Shape) throws {
        let width = Double(shape.width)
        tokens = try (scope / "token_embedding").parameter(
            "weight", shape.vocabularySize, shape.width, initial: .normal(0.02))
        positions = try scope.parameter(
            "positional_embedding", shape.contextLength, shape.width, initial: .normal(0.01), decays: false)
        blocks = try (0..<shape.depth).map {
            try TextBlock(scope / "transformer" / "resblocks" / $0, shape)
        }
        norm = try LayerNorm(scope / "ln_final", shape.width, epsilon: 1e-5)
        projection = try scope.parameter(
            "text_projection", shape.width, shape.embedding, initial: .normal(1 / width.squareRoot()))
        self.shape = shape
    }

    /// Maps captions of token numbers to embeddings, `[B, P]`, which are not yet of length one.
    ///
    /// Tokens after the largest number, the mark of the end, are not looked at: the rows may be of different lengths.
    public func callAsFunction(_ captions: [[Int]], device: Device = .cpu) throws -> Tensor {
        // What follows the end cannot be seen by it, so that short captions cost what they hold, not the context.
        let ends = captions.map { row in
            min(row.indices.max { (row[$0], -$0) < (row[$1], -$1) } ?? 0, shape.contextLength - 1)
        }
        let length = (ends.max() ?? 0) + 1
        let numbers = captions.flatMap { row in
            (0..<length).map { Int64(row.indices.contains($0) ? row[$0] : 0) }
        }
        let ids = try Tensor(numbers, shape: [captions.count, length]).to(device)
        let rows = try Tensor(
            ends.enumerated().map { Int64($0.offset * length + $0.element) }, shape: [captions.count]
        ).to(device)
        var x = try tokens.embedding(ids) + positions.slice(dim: 0, from: 0, to: length)  // [B, N, D]
        for block in blocks { x = try block(x) }
        let last = try x.reshape(-1, shape.width).indexSelect(dim: 0, rows)  // [B, D]
        return try norm(last).matmul(projection)
    }
}

/// A block of a text tower.
struct TextBlock {
    let norm1, norm2: LayerNorm
    let inputWeight, inputBias: Tensor
    let output, expand, contract: Linear
    let heads: Int
    let activation: TransformerStyle.Activation

    init(_ scope: Scope, _ shape: TextTransformer.Shape) throws {
        let width = shape.width
        // Residual branches start smaller the more of them are added, as in GPT-2.
        let branch = 1 / Double(width * 2 * shape.depth).squareRoot()
        norm1 = try LayerNorm(scope / "ln_1", width, epsilon: 1e-5)
        let attention = scope / "attn"
        inputWeight = try attention.parameter(
            "in_proj_weight", 3 * width, width, initial: .normal(1 / Double(width).squareRoot()))
        inputBias = try attention.parameter("in_proj_bias", 3 * width, initial: .zeros)
        output = try Linear(attention / "out_proj", width, width, initial: .normal(branch))
        norm2 = try LayerNorm(scope / "ln_2", width, epsilon: 1e-5)
        let mlp = scope / "mlp"
        expand = try Linear(
            mlp / "c_fc", width, 4 * width, initial: .normal(1 / Double(2 * width).squareRoot()))
        contract = try Linear(mlp / "c_proj", 4 * width, width, initial: .normal(branch))
        heads = shape.heads
        activation = shape.activation
    }

    /// Maps `[B, N, D]` to `[B, N, D]`; a token reads those before it and itself.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let (batch, count, width) = (x.shape[0], x.shape[1], x.shape[2])
        let parts = try norm1(x).linear(weight: inputWeight, bias: inputBias)
            .reshape(batch, count, 3, heads, width / heads).permute(2, 0, 3, 1, 4)  // [3, B, H, N, D / H]
        let read = try Tensor.scaledDotProductAttention(
            query: parts.select(dim: 0, index: 0), key: parts.select(dim: 0, index: 1),
            value: parts.select(dim: 0, index: 2), causal: true)
        let attended = try x + output(read.transpose(1, 2).reshape(batch, count, width))
        return try attended + contract(activation(expand(norm2(attended))))
    }
}
