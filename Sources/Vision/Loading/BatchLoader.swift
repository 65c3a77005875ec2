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
    /// At most `ahead` batches (at least one for each worker) wait in memory. The views' maps are rendered, too, in
    /// squares of `targetSide`. With `toleratesFailures` an image that cannot be loaded is black, and its batch says so.
    public init(
        _ provider: ImageProvider, batches: Range<Int>, sizes: [ViewSize],
        targets: [any DenseTargets] = [], targetSide: Int = 0, toleratesFailures: Bool = false,
        workers: Int = 2, ahead: Int = 4,
        views: @escaping @Sendable (_ batch: Int) throws -> [ImageView]
    ) {
        self.workers = OrderedWorkers(batches, threads: workers, ahead: ahead) { index, isCancelled in
            let views = try views(index)
            let images = sizes.map { $0.side * $0.side * 3 }
            var maps: [DenseTask: [Float]] = [:]
            for source in targets where !isCancelled() {
                maps[source.task] = try source.rendered(views, side: targetSide, isCancelled)
            }
            var failures: [Int: String] = [:]
            let pixels = try filledArrays(images.map { $0 * views.count }) { buffers in
                for (number, view) in views.enumerated() {
                    let places = zip(images, buffers).map { image, buffer in
                        UnsafeMutableBufferPointer(rebasing: buffer[number * image..<(number + 1) * image])
                    }
                    if isCancelled() {
                        for place in places { place.update(repeating: 0) }
                        continue
                    }
                    do {
                        try provider.render(view, sizes: sizes, into: places)
                    } catch let error as ImageLoadError where toleratesFailures {
                        for place in places { place.update(repeating: 0) }
                        failures[number] = "\(error.underlying)"
                    }
                }
            }
            return Batch(
                index: index, views: views, sizes: sizes, pixels: pixels, maps: maps, mapSide: targetSide,
                failures: failures)
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
    /// The maps of every view that were asked for, `[count, channelCount, mapSide, mapSide]` numbers each.
    public var maps: [DenseTask: [Float]] = [:]
    /// The side of the maps.
    public var mapSide = 0
    /// The images that could not be loaded, by their places, with the reasons; where that is tolerated.
    public var failures: [Int: String] = [:]

    /// The number of images.
    public var count: Int { views.count }

    /// The images at one of the sizes, as bytes `[count, size, size, 3]`.
    public func tensor(_ size: ViewSize) throws -> Tensor {
        guard let place = sizes.firstIndex(of: size) else {
            preconditionFailure("Retort bug: size \(size) was not rendered, only \(sizes)")
        }
        return try Tensor(bytes: pixels[place], shape: [count, size.side, size.side, 3])
    }

    /// The maps of a task, fp32 `[count, channelCount, mapSide, mapSide]`, not a number where nothing is known.
    public func target(_ task: DenseTask) throws -> Tensor {
        guard let values = maps[task] else {
            preconditionFailure("Retort bug: maps of \(task) were not asked for")
        }
        return try Tensor(values, shape: [count, task.channelCount, mapSide, mapSide])
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
            maps: maps.mapValues { values in
                let map = values.count / max(1, count)
                return Array(values[range.lowerBound * map..<range.upperBound * map])
            },
            mapSide: mapSide,
            failures: Dictionary(
                uniqueKeysWithValues: failures.filter { range.contains($0.key) }
                    .map { ($0.key - range.lowerBound, $0.value) }))
    }
}

extension DenseTargets {
    /// What views show of their images' maps, one after the other.
    fileprivate func rendered(
        _ views: [ImageView], side: Int, _ isCancelled: () -> Bool
    ) throws -> [Float] {
        let size = task.channelCount * side * side
        var values = [Float](repeating: .nan, count: size * views.count)
        try values.withUnsafeMutableBufferPointer { buffer in
            for (number, view) in views.enumerated() where !isCancelled() {
                let record = view.record
                do {
                    try map(of: record)?.render(
                        view.parameters, width: record.width, height: record.height, side: side,
                        into: UnsafeMutableBufferPointer(
                            rebasing: buffer[number * size..<(number + 1) * size]))
                } catch let error as ImageLoadError {
                    throw error
                } catch {
                    throw ImageLoadError(dataset: record.dataset, member: record.member, underlying: error)
                }
            }
        }
        return values
    }
}
