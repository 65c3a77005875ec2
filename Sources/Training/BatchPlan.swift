/// Which images of every batch a process handles, and in how many passes through the network.
///
/// Processes take contiguous parts of every pass, so that what is drawn for a pass, image by image, is the same for
/// any number of processes.
public struct BatchPlan: Hashable, Sendable {
    /// One pass through the network.
    public struct Pass: Hashable, Sendable {
        /// The places of its images in the batch, all processes together.
        public var whole: Range<Int>
        /// The places of this process's images in the batch.
        public var own: Range<Int>
        /// Where those are among the images that this process loads.
        public var rows: Range<Int>
    }

    /// The images of the batch, all processes together.
    public let count: Int
    /// The passes.
    public let passes: [Pass]
    private let isWhole: Bool

    /// Plans batches of so many images.
    public init(images count: Int, microBatch: Int? = nil, rank: Int = 0, size: Int = 1) {
        self.count = count
        isWhole = size == 1
        var passes: [Pass] = []
        var loaded = 0
        let length = max(1, microBatch ?? count)
        for first in stride(from: 0, to: count, by: length) {
            let whole = first..<min(count, first + length)
            let own =
                first + whole.count * rank / size..<first + whole.count * (rank + 1) / size
            passes.append(Pass(whole: whole, own: own, rows: loaded..<loaded + own.count))
            loaded += own.count
        }
        self.passes = passes
    }

    /// The elements of a batch that belong to this process.
    public func own<Element>(_ batch: [Element]) -> [Element] {
        isWhole ? batch : passes.flatMap { batch[$0.own] }
    }
}
