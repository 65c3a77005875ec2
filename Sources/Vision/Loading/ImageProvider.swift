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
    public init(_ sources: [String: any ImageSource], cacheBytes: Int = 512 << 20) {
        self.sources = sources
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
        do {
            let reduction = ImageCodec.reduction(
                width: record.width, height: record.height, atLeast: shortSide)
            let place = Place(dataset: record.dataset, member: record.member)
            if let image = cached(place, reduction) { return image }
            let image = try source(record.dataset).image(record.member, atLeast: shortSide)
            let scale = image.reduction
            guard (record.width + scale - 1) / scale == image.width,
                (record.height + scale - 1) / scale == image.height
            else {
                throw ImageError.changed(
                    reason: "\(image.width)x\(image.height) instead of \(record.width)x\(record.height)")
            }
            keep(image, place, requested: reduction)
            return image
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
        let (record, parameters) = (view.record, view.parameters)
        var decoded: [Int: Image] = [:]
        return try sizes.map { size in
            let shortSide = parameters.shortSide(
                for: size.side, width: record.width, height: record.height)
            let reduction = ImageCodec.reduction(
                width: record.width, height: record.height, atLeast: shortSide)
            let image = try decoded[reduction] ?? self.image(record, atLeast: shortSide)
            decoded[reduction] = image
            do {
                return try Vision.render(image, parameters, size: size)
            } catch {
                throw ImageLoadError(dataset: record.dataset, member: record.member, underlying: error)
            }
        }
    }

    private func cached(_ place: Place, _ reduction: Int) -> Image? {
        cache.withLock { cache in
            guard let entry = cache.entries[place] else { return nil }
            return entry.images[entry.isAlwaysWhole ? 1 : reduction]
        }
    }

    private func keep(_ image: Image, _ place: Place, requested: Int) {
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
