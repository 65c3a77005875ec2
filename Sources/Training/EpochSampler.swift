internal import Synchronization
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

    /// The permutations in use: a batch touches two at a seam, and the loader is a few batches ahead.
    private final class Permutations: Sendable {
        private let kept = Mutex<[Int: [Int]]>([:])

        func permutation(_ epoch: Int, _ make: () -> [Int]) -> [Int] {
            if let known = kept.withLock({ $0[epoch] }) { return known }
            let order = make()
            kept.withLock { kept in
                if kept.count >= 3, let oldest = kept.keys.min() { kept[oldest] = nil }
                kept[epoch] = order
            }
            return order
        }
    }

    /// The number of images.
    public let count: Int
    /// The number of images in each batch.
    public let batchSize: Int
    private let seed: UInt64
    private let permutations = Permutations()

    /// Creates a sampler.
    public init(count: Int, batchSize: Int, seed: UInt64) {
        precondition(count > 0 && batchSize > 0, "Retort bug: sampling from nothing")
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
    }

    /// The batch of a step, from zero.
    public func batch(_ step: Int) -> [Item] {
        let first = step * batchSize
        let epochs = first / count...(first + batchSize - 1) / count
        return epochs.flatMap { epoch in
            let order = permutation(epoch)
            let start = max(first, epoch * count)
            let end = min(first + batchSize, (epoch + 1) * count)
            return (start..<end).map { Item(index: order[$0 - epoch * count], epoch: epoch) }
        }
    }

    private func permutation(_ epoch: Int) -> [Int] {
        permutations.permutation(epoch) { Philox.permutation(of: count, seed: seed, stream: UInt64(epoch)) }
    }
}
