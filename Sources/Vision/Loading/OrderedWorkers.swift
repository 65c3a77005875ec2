import Foundation
import Tensors

/// Threads that compute elements 0, 1, 2 … ahead of one consumer, which receives them in this order.
///
/// At most `ahead` elements are computed or waiting beyond the one delivered last, so memory is bounded however
/// slow the consumer is. What is delivered does not depend on the number of threads. An error arrives at its own
/// place in the order and ends the sequence. Letting go of the object stops and joins the threads.
final class OrderedWorkers<Element: Sendable> {
    private let queue: Queue
    /// The time that `next()` has spent waiting.
    private(set) var waited = Duration.zero

    /// Starts threads that compute the elements of `indices`.
    init(
        _ indices: Range<Int>, threads: Int, ahead: Int,
        _ compute: @escaping @Sendable (_ index: Int, _ isCancelled: () -> Bool) throws -> Element
    ) {
        let threads = max(1, min(threads, indices.count))
        queue = Queue(indices, ahead: max(threads, ahead), threads: threads)
        for number in 0..<threads {
            let thread = Thread { [queue] in queue.work(compute) }
            thread.name = "retort-loader-\(number)"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    deinit { queue.stop() }

    /// The next element; nil after the last one, after an error and after `stop()`.
    func next() throws -> Element? {
        let start = ContinuousClock.now
        defer { waited += .now - start }
        return try queue.take()?.get()
    }

    /// Abandons what is not delivered and returns when no thread is at work.
    func stop() { queue.stop() }

    /// The state that threads share.
    ///
    /// Unchecked: every stored variable is read and written only while `condition` is locked; what is not guarded is
    /// constant.
    private final class Queue: @unchecked Sendable {
        private let condition = NSCondition()
        private let end: Int
        private let ahead: Int
        private var unclaimed: Int
        private var delivered: Int
        private var finished: [Int: Result<Element, any Error>] = [:]
        private var threads: Int
        private var isStopped = false

        init(_ indices: Range<Int>, ahead: Int, threads: Int) {
            end = indices.upperBound
            self.ahead = ahead
            unclaimed = indices.lowerBound
            delivered = indices.lowerBound
            self.threads = threads
        }

        /// A thread's whole life.
        func work(_ compute: (Int, () -> Bool) throws -> Element) {
            // Workers are the parallelism; a second level inside each would only fight over the same cores.
            Torch.useOneThreadHere()
            while let index = claim() {
                let result = Result { try compute(index) { self.isCancelled } }
                finish { finished[index] = result }
            }
            finish { threads -= 1 }
        }

        private func claim() -> Int? {
            condition.lock()
            defer { condition.unlock() }
            while !isStopped, unclaimed < end, unclaimed >= delivered + ahead { condition.wait() }
            guard !isStopped, unclaimed < end else { return nil }
            defer { unclaimed += 1 }
            return unclaimed
        }

        func take() -> Result<Element, any Error>? {
            condition.lock()
            defer { condition.unlock() }
            guard delivered < end else { return nil }
            while !isStopped, finished[delivered] == nil { condition.wait() }
            guard !isStopped, let result = finished.removeValue(forKey: delivered) else { return nil }
            delivered += 1
            if case .failure = result { isStopped = true }
            condition.broadcast()
            return result
        }

        func stop() {
            condition.lock()
            defer { condition.unlock() }
            isStopped = true
            condition.broadcast()
            while threads > 0 { condition.wait() }
            finished = [:]
        }

        private var isCancelled: Bool {
            condition.lock()
            defer { condition.unlock() }
            return isStopped
        }

        private func finish(_ change: () -> Void) {
            condition.lock()
            defer { condition.unlock() }
            change()
            condition.broadcast()
        }
    }
}
