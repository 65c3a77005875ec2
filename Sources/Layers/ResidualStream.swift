public import Tensors

// B batch, N tokens, D width

/// What flows through the blocks of a transformer: a sum, and a branch that is still to be added to it.
///
/// A block leaves its last branch to the layer norm that comes next, which then adds and normalises in one pass over
/// memory.
public struct ResidualStream {
    /// What is to be added, with the factors of its channels, `[D]`, and of its images, `[B]`.
    private struct Branch {
        let tokens: Tensor
        let scale, factors: Tensor?
    }

    private let sum: Tensor
    private let branch: Branch?

    /// A stream of tokens, `[B, N, D]`.
    public init(_ tokens: Tensor) { self.init(tokens, nil) }

    private init(_ sum: Tensor, _ branch: Branch?) {
        self.sum = sum
        self.branch = branch
    }

    /// The stream with a branch on its way; what was on its way before must have arrived.
    func adding(_ tokens: Tensor, scale: Tensor?, factors: Tensor?) -> ResidualStream {
        precondition(branch == nil, "a stream that was normalised has no branch: a bug in Retort")
        return ResidualStream(sum, Branch(tokens: tokens, scale: scale, factors: factors))
    }

    /// The stream with its branch added, and the tokens that a layer norm makes of it.
    func normalized(by norm: LayerNorm) throws -> (stream: ResidualStream, tokens: Tensor) {
        let (sum, tokens) = try sum.joined(
            with: branch?.tokens, scale: branch?.scale, factors: branch?.factors, weight: norm.weight,
            bias: norm.bias, epsilon: norm.epsilon)
        return (ResidualStream(sum), tokens)
    }

    /// The first tokens alone, or all of them.
    func first(_ count: Int?) throws -> ResidualStream {
        precondition(branch == nil, "a stream that was normalised has no branch: a bug in Retort")
        return try count.map { ResidualStream(try sum.slice(dim: 1, from: 0, to: $0)) } ?? self
    }

    /// The tokens with everything added, `[B, N, D]`.
    public func tokens() throws -> Tensor {
        guard let branch else { return sum }
        var addend = try branch.scale.map { try branch.tokens * $0 } ?? branch.tokens
        if let factors = branch.factors { addend = try addend * factors.reshape(factors.shape[0], 1, 1) }
        return try sum + addend
    }
}
