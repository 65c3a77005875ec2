internal import Vision

/// The order in which training sees its images: one keyed permutation after the other, without a seam.
///
/// Batches run across the end of an epoch, so every image is seen equally often, and the batch of any step is
/// found without walking through the steps before it: a resumed run needs no sampler state.
public struct EpochSampler: Sendable {
    /// One image of a batch: which one, and for the how-manieth time it is seen.
    public struct Item: Hashable, Sendable {
        /// The image's index.
        public var index: Int
        /// The epoch, from zero.
        public var epoch: Int
    }

    /// The number of images.
    public let count: Int
    /// The number of images in each batch.
    public let batchSize: Int
    private let seed: UInt64

    /// Creates a sampler.
    public init(count: Int, batchSize: Int, seed: UInt64) {
        precondition(count > 0 && batchSize > 0, "Retort bug: sampling from nothing")
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
    }

    /// The batch of a step, from zero.
    public func batch(_ step: Int) -> [Item] {
        var permutations: [Int: [Int]] = [:]
        return (step * batchSize..<(step + 1) * batchSize).map { position in
            let epoch = position / count
            let order = permutations[epoch] ?? permutation(epoch)
            permutations[epoch] = order
            return Item(index: order[position % count], epoch: epoch)
        }
    }

    private func permutation(_ epoch: Int) -> [Int] {
        Philox.permutation(of: count, seed: seed, stream: UInt64(epoch))
    }
}
