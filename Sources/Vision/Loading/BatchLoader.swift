public import Tensors

/// Decodes and renders batches ahead of a training or labelling loop, in order, on threads of its own.
///
/// ```swift
/// let loader = BatchLoader(provider, batches: step..<steps, sizes: [224, 64], workers: 2) { step in
///     sampler.indices(of: step).map { ImageView(records[$0], policy, number: sampler.epoch(of: step), seed: seed) }
/// }
/// while let batch = try loader.next() { … try batch.tensor(224) … }
/// ```
/// The batches do not depend on the number of workers. An image that cannot be loaded ends the sequence: `next()`
/// throws an `ImageLoadError` with its name when its batch's turn has come. Letting go of the loader, or
/// `cancel()`, stops its threads.
public final class BatchLoader {
    private let workers: OrderedWorkers<Batch>

    /// Starts loading; `views` is asked once for every batch, on any thread.
    ///
    /// At most `ahead` batches (at least one for each worker) wait in memory. With `masks` the views' masks are
    /// rendered, too, in squares of that side.
    public init(
        _ provider: ImageProvider, batches: Range<Int>, sizes: [ViewSize], masks: Int? = nil,
        workers: Int = 2, ahead: Int = 4,
        views: @escaping @Sendable (_ batch: Int) throws -> [ImageView]
    ) {
        self.workers = OrderedWorkers(batches, threads: workers, ahead: ahead) { index, isCancelled in
            let views = try views(index)
            let images = sizes.map { $0.side * $0.side * 3 }
            let mask = (masks ?? 0) * (masks ?? 0)
            var maskBytes = [UInt8](repeating: Mask.unnamed, count: mask * views.count)
            if let masks {
                try maskBytes.withUnsafeMutableBufferPointer { buffer in
                    for (number, view) in views.enumerated() where !isCancelled() {
                        let place = UnsafeMutableBufferPointer(
                            rebasing: buffer[number * mask..<(number + 1) * mask])
                        try provider.renderMask(view, side: masks, into: place)
                    }
                }
            }
            let pixels = try filledArrays(images.map { $0 * views.count }) { buffers in
                for (number, view) in views.enumerated() {
                    let places = zip(images, buffers).map { image, buffer in
                        UnsafeMutableBufferPointer(rebasing: buffer[number * image..<(number + 1) * image])
                    }
                    if isCancelled() {
                        for place in places { place.update(repeating: 0) }
                    } else {
                        try provider.render(view, sizes: sizes, into: places)
                    }
                }
            }
            return Batch(index: index, views: views, sizes: sizes, pixels: pixels, maskBytes: maskBytes)
        }
    }

    /// The next batch; nil after the last.
    public func next() throws -> Batch? { try workers.next() }

    /// The time that `next()` has waited for data: what a loop loses because loading is too slow.
    public var waited: Duration { workers.waited }

    /// Stops the threads and drops what was not delivered; `next()` then returns nil.
    public func cancel() { workers.stop() }
}

/// Images ready for a model, in the order in which they were asked for.
public struct Batch: Sendable {
    /// The batch's number.
    public let index: Int
    /// The images, and what part of each is shown.
    public let views: [ImageView]
    /// The sizes at which every view was rendered.
    public let sizes: [ViewSize]
    /// For every size, `[count, size, size, 3]` bytes.
    public let pixels: [[UInt8]]
    /// The classes of the pixels of every view, `[count, side, side]` bytes, where masks were asked for.
    public var maskBytes: [UInt8] = []

    /// The number of images.
    public var count: Int { views.count }

    /// The images at one of the sizes, as bytes `[count, size, size, 3]`.
    public func tensor(_ size: ViewSize) throws -> Tensor {
        guard let place = sizes.firstIndex(of: size) else {
            preconditionFailure("Retort bug: size \(size) was not rendered, only \(sizes)")
        }
        return try Tensor(bytes: pixels[place], shape: [count, size.side, size.side, 3])
    }

    /// The classes of the pixels, int64 `[count, side, side]`, and −100 where nobody named them.
    public func masks() throws -> Tensor {
        let side = Int(Double(maskBytes.count / max(1, count)).squareRoot().rounded())
        let classes = try Tensor(bytes: maskBytes, shape: [count, side, side]).to(.int64)
        return try classes.maskedFill(classes.equal(Int(Mask.unnamed)), -100)
    }

    /// Some of the images, by their places in this batch.
    public func part(_ range: Range<Int>) -> Batch {
        guard range != 0..<count else { return self }
        return Batch(
            index: index, views: Array(views[range]), sizes: sizes,
            pixels: zip(sizes, pixels).map { size, bytes in
                let image = size.side * size.side * 3
                return Array(bytes[range.lowerBound * image..<range.upperBound * image])
            },
            maskBytes: {
                let mask = maskBytes.count / max(1, count)
                return Array(maskBytes[range.lowerBound * mask..<range.upperBound * mask])
            }())
    }
}
