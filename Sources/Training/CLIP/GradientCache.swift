internal import Layers
public import Tensors

// B batch, P length of an embedding

/// The contrastive loss of a batch of any size in the memory of a chunk.
///
/// Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", section 3.2: embeddings
/// are made chunk by chunk without a graph, the loss of all of them gives each its gradient, and every chunk passes
/// again, with a graph, to carry that gradient to the weights. The gradient is that of the whole batch at once.
public struct GradientCache {
    /// What a chunk of pairs gives.
    public struct Embeddings {
        /// Unit vectors of images and of their captions, `[B, P]`.
        public var images, texts: Tensor
        /// Whatever else is learned of the chunk, averaged over its images; nil for nothing.
        public var others: Tensor?

        /// Joins what a chunk gives.
        public init(images: Tensor, texts: Tensor, others: Tensor? = nil) {
            self.images = images
            self.texts = texts
            self.others = others
        }
    }

    /// Which pass asks for embeddings.
    public enum Pass: Hashable, Sendable {
        /// The first of two, without a graph; only the embeddings are used.
        case first
        /// The one whose graph is used.
        case last
    }

    /// The most pairs that pass at once; nil takes the whole batch.
    public let chunk: Int?
    /// What the towers draw from; the second pass draws the same.
    private let generator: Generator
    /// What the first pass must leave as it was: running statistics.
    private let buffers: [Tensor]

    /// Prepares the cache of a model whose stochastic layers draw from `generator`.
    public init(chunk: Int?, generator: Generator, buffers: [Tensor] = []) {
        self.chunk = chunk
        self.generator = generator
        self.buffers = buffers
    }

    /// A number whose value is the loss of a batch and whose backward pass completes its gradient.
    ///
    /// Gradients of all chunks but the last are in place when this returns; the returned tensor carries the last one's.
    /// - Parameters:
    ///   - weight: what the contrastive loss is multiplied by.
    ///   - scale: what similarities are multiplied by, from the parameter that is learned.
    ///   - mask: what is added to them, `[B, B]`; nil for nothing.
    ///   - embed: the embeddings of the pairs at these places.
    public func loss(
        of count: Int, weight: Double = 1, scale: () throws -> Tensor, mask: Tensor? = nil,
        embed: (_ places: Range<Int>, _ pass: Pass) throws -> Embeddings
    ) throws -> Tensor {
        let size = max(1, chunk ?? count)
        func contrastive(_ images: Tensor, _ texts: Tensor) throws -> Tensor {
            try Loss.contrastive(images: images, texts: texts, scale: scale(), mask: mask) * weight
        }
        guard size < count else {
            let all = try embed(0..<count, .last)
            let loss = try contrastive(all.images, all.texts)
            return try all.others.map { try loss + $0 } ?? loss
        }
        let chunks = stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
        let kept = try buffers.map { try $0.detach().clone() }
        var draws: [[UInt8]] = []
        let first = try withoutGradients {
            try chunks.map { places in
                draws.append(try generator.state())
                return try embed(places, .first)
            }
        }
        for (buffer, value) in zip(buffers, kept) { try buffer.copy_(value) }
        // Leaves of their own, which catch their gradients.
        let images = try Tensor.cat(first.map(\.images), dim: 0).requiresGrad(true)
        let texts = try Tensor.cat(first.map(\.texts), dim: 0).requiresGrad(true)
        let loss = try contrastive(images, texts)
        try loss.backward()
        guard let imageGradient = try images.grad, let textGradient = try texts.grad else {
            preconditionFailure("Retort bug: embeddings without a gradient")
        }
        var value = try loss.detach()
        var last: Tensor?
        for (places, draws) in zip(chunks, draws) {
            try generator.restore(draws)
            let part = try embed(places, .last)
            func share(_ embeddings: Tensor, _ gradient: Tensor) throws -> Tensor {
                try (embeddings * gradient.slice(dim: 0, from: places.lowerBound, to: places.upperBound))
                    .sum()
            }
            var carrier = try share(part.images, imageGradient) + share(part.texts, textGradient)
            if let others = part.others {
                let weighted = try others * (Double(places.count) / Double(count))
                carrier = try carrier + weighted
                value = try value + weighted.detach()
            }
            if places.upperBound == count { last = carrier } else { try carrier.backward() }
        }
        guard let last else { preconditionFailure("Retort bug: a batch without chunks") }
        // The carrier's own value means nothing.
        return try last - last.detach() + value
    }
}
