public import Foundation
import Synchronization

/// Finds the pixels of recorded images: the sources by data set, and a cache of decoded images before them.
///
/// The cache keeps what came first and evicts nothing: training reads every image once an epoch, and under that
/// order an eviction of the oldest would always hit the image that is needed soonest. It changes speed only.
public final class ImageProvider: Sendable {
    private struct Place: Hashable {
        let dataset: String
        let member: String
    }

    /// What is kept of one image, by reduction.
    private struct Entry {
        var images: [Int: Image] = [:]
        /// Whether a reduced decode was asked for and a whole one came: then it always will.
        var isAlwaysWhole = false
    }

    private struct Cache {
        var entries: [Place: Entry] = [:]
        var bytes = 0
    }

    private let sources: [String: any ImageSource]
    private let capacity: Int
    private let cache = Mutex(Cache())

    /// Creates a provider for data sets by name; `cacheBytes` bounds the decoded pixels that are kept.
    ///
    /// A member with a rectangle behind its name (``ImageCrop``) is that part of the image.
    public init(_ sources: [String: any ImageSource], cacheBytes: Int = 512 << 20) {
        self.sources = sources.mapValues { CropSource($0) }
        capacity = cacheBytes
    }

    /// The bytes of decoded pixels that are kept now.
    public var cachedBytes: Int { cache.withLock { $0.bytes } }

    /// The source of a data set.
    public func source(_ dataset: String) throws -> any ImageSource {
        guard let source = sources[dataset] else {
            throw ImageError.unreadable(reason: "data set '\(dataset)' is not open")
        }
        return source
    }

    /// The decoded image; with `atLeast`, perhaps at a reduced size (see `ImageCodec`).
    ///
    /// What comes back is the same whether or not it was cached. An image that no longer has its recorded size is
    /// an error: the files were changed after the scan.
    public func image(_ record: ImageRecord, atLeast shortSide: Int? = nil) throws -> Image {
        try part(record, showing: nil, atLeast: shortSide).image
    }

    /// The pixels that a view shows, or more; all of them without a view.
    ///
    /// While there is room in the cache, images are decoded whole and kept.
    private func part(
        _ record: ImageRecord, showing view: ViewParameters?, atLeast shortSide: Int?
    ) throws -> ImagePart {
        do {
            let reduction = ImageCodec.reduction(
                width: record.width, height: record.height, atLeast: shortSide)
            let place = Place(dataset: record.dataset, member: record.member)
            if let image = cached(place, reduction) { return ImagePart(whole: image) }
            let source = try source(record.dataset)
            let area = (record.width / reduction) * (record.height / reduction)
            let part =
                if let view, cachedBytes + area * 3 > capacity {
                    try source.part(record.member, showing: view, atLeast: shortSide)
                } else {
                    ImagePart(whole: try source.image(record.member, atLeast: shortSide))
                }
            let scale = part.image.reduction
            guard (record.width + scale - 1) / scale == part.width,
                (record.height + scale - 1) / scale == part.height
            else {
                throw ImageError.changed(
                    reason: "\(part.width)x\(part.height) instead of \(record.width)x\(record.height)")
            }
            keep(part, place, requested: reduction)
            return part
        } catch {
            throw ImageLoadError(dataset: record.dataset, member: record.member, underlying: error)
        }
    }

    /// The encoded bytes, or nil for a rendered image.
    public func bytes(_ record: ImageRecord) throws -> Data? {
        do {
            return try source(record.dataset).bytes(of: record.member)
        } catch {
            throw ImageLoadError(dataset: record.dataset, member: record.member, underlying: error)
        }
    }

    /// Renders one view at several sizes, each from as small a decode as that size permits.
    ///
    /// A size's bytes are the same whatever other sizes are asked for; sizes that need the same decode share it.
    public func render(_ view: ImageView, sizes: [ViewSize]) throws -> [Image] {
        let pixels = try filledArrays(sizes.map { $0.side * $0.side * 3 }) { buffers in
            try render(view, sizes: sizes, into: buffers)
        }
        return zip(sizes, pixels).map { Image(width: $0.side, height: $0.side, pixels: $1) }
    }

    /// The same, into bytes that belong to the caller: `side * side * 3` for each size.
    func render(
        _ view: ImageView, sizes: [ViewSize], into buffers: [UnsafeMutableBufferPointer<UInt8>]
    ) throws {
        let (record, parameters) = (view.record, view.parameters)
        var decoded: [Int: ImagePart] = [:]
        for (size, buffer) in zip(sizes, buffers) {
            let shortSide = parameters.shortSide(
                for: size.side, width: record.width, height: record.height)
            let reduction = ImageCodec.reduction(
                width: record.width, height: record.height, atLeast: shortSide)
            let part =
                try decoded[reduction] ?? self.part(record, showing: parameters, atLeast: shortSide)
            decoded[reduction] = part
            do {
                try Vision.render(part, parameters, size: size, into: buffer)
            } catch {
                throw ImageLoadError(dataset: record.dataset, member: record.member, underlying: error)
            }
        }
    }

    /// The map of an image, or nil where its record has none.
    ///
    /// - Throws: where the map is not the recorded one any more.
    func map(of record: ImageRecord, _ task: DenseTask) throws -> DenseMap? {
        guard let identity = record.mapIdentity(task) else { return nil }
        do {
            if task == .segmentation {
                guard let data = try source(record.dataset).maskBytes(of: record.member),
                    ContentID.of(data) == identity
                else { throw ImageError.changed(reason: "its mask is another one") }
                return DenseMap(try Mask(png: data))
            }
            guard let map = try source(record.dataset).map(of: record.member, task),
                ContentID.of(map) == identity
            else { throw ImageError.changed(reason: "its map of \(task.rawValue) is another one") }
            return map
        } catch {
            throw ImageLoadError(dataset: record.dataset, member: record.member, underlying: error)
        }
    }

    private func cached(_ place: Place, _ reduction: Int) -> Image? {
        cache.withLock { cache in
            guard let entry = cache.entries[place] else { return nil }
            return entry.images[entry.isAlwaysWhole ? 1 : reduction]
        }
    }

    private func keep(_ part: ImagePart, _ place: Place, requested: Int) {
        let image = part.image
        guard image.width == part.width, image.height == part.height else { return }
        cache.withLock { cache in
            guard cache.bytes + image.pixels.count <= capacity else { return }
            var entry = cache.entries[place] ?? Entry()
            if image.reduction != requested { entry.isAlwaysWhole = true }
            if entry.images.updateValue(image, forKey: image.reduction) == nil {
                cache.bytes += image.pixels.count
            }
            cache.entries[place] = entry
        }
    }
}

/// An image to look at, and how.
public struct ImageView: Codable, Hashable, Sendable {
    /// The image.
    public var record: ImageRecord
    /// The part of it, and its colours.
    public var parameters: ViewParameters

    /// Creates a view.
    public init(_ record: ImageRecord, _ parameters: ViewParameters) {
        self.record = record
        self.parameters = parameters
    }

    /// The `number`-th view of an image under a policy.
    public init(_ record: ImageRecord, _ policy: ViewPolicy, number: Int = 0, seed: UInt64 = 0) {
        self.record = record
        parameters = policy.parameters(
            id: record.id, view: number, seed: seed, width: record.width, height: record.height)
    }
}

/// A failure to load one image, with the image's name.
public struct ImageLoadError: Error, CustomStringConvertible {
    /// The data set's name.
    public let dataset: String
    /// The image's name within the data set.
    public let member: String
    /// What went wrong.
    public let underlying: any Error

    /// `dataset/member: what went wrong`.
    public var description: String { "\(dataset)/\(member): \(underlying)" }
}

/// Arrays of so many bytes each, which `fill` writes all at once; nothing is written twice.
func filledArrays(
    _ counts: [Int], _ fill: ([UnsafeMutableBufferPointer<UInt8>]) throws -> Void
) rethrows -> [[UInt8]] {
    func make(_ buffers: [UnsafeMutableBufferPointer<UInt8>]) throws -> [[UInt8]] {
        guard buffers.count < counts.count else {
            try fill(buffers)
            return []
        }
        let count = counts[buffers.count]
        var others: [[UInt8]] = []
        let array = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            others = try make(buffers + [UnsafeMutableBufferPointer(rebasing: buffer[..<count])])
            initialized = count
        }
        return [array] + others
    }
    return try make([])
}
