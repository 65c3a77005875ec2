import Synchronization

/// Which images make up which batch: every image once an epoch, in an order that seed and epoch decide.
///
/// Any batch can be asked for at any time, so a resumed run goes on exactly where it was.
public final class BatchSampler: Sendable {
    /// The number of images.
    public let count: Int
    /// The images in a batch; the last of an epoch is smaller where incomplete batches are kept.
    public let batchSize: Int
    /// The batches of an epoch.
    public let batchesPerEpoch: Int
    private let seed: UInt64?
    private let orders = Mutex<[(epoch: Int, order: [Int])]>([])

    /// Creates a sampler; without a seed, every epoch is in the given order.
    ///
    /// `dropsIncomplete` leaves out what does not fill a batch, unless there is no full batch at all.
    public init(count: Int, batchSize: Int, seed: UInt64?, dropsIncomplete: Bool = false) {
        precondition(batchSize > 0, "Retort bug: a batch of \(batchSize)")
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
        let full = count / batchSize
        batchesPerEpoch = dropsIncomplete && full > 0 ? full : (count + batchSize - 1) / batchSize
    }

    /// The epoch that a batch belongs to; batches count on from epoch to epoch.
    public func epoch(of batch: Int) -> Int { batch / max(1, batchesPerEpoch) }

    /// The indices of a batch's images.
    public func indices(of batch: Int) -> [Int] {
        guard count > 0 else { return [] }
        let start = batch % batchesPerEpoch * batchSize
        return Array(order(of: epoch(of: batch))[start..<min(count, start + batchSize)])
    }

    /// Two orders are kept: at an epoch's end, loaders ask for both sides of the boundary.
    private func order(of epoch: Int) -> [Int] {
        guard let seed else { return Array(0..<count) }
        return orders.withLock { orders in
            if let known = orders.first(where: { $0.epoch == epoch }) { return known.order }
            let order = Philox.permutation(of: count, seed: seed, stream: UInt64(epoch))
            orders = orders.suffix(1) + [(epoch, order)]
            return order
        }
    }
}
