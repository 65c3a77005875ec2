internal import Synchronization

/// Where the maps of images come from: the truth of a data set, or what an expert said.
///
/// May be asked by many threads at once.
public protocol DenseTargets: Sendable {
    /// The question that the maps answer.
    var task: DenseTask { get }
    /// The map of an image, or nil where there is none: none of its pixels then counts.
    func map(of record: ImageRecord) throws -> DenseMap?
}

/// The maps that data sets hold themselves: masks in files, and what a renderer knows.
///
/// What fits into `cacheBytes` is read once.
public final class RecordedTargets: DenseTargets {
    private struct Place: Hashable {
        let dataset, member: String
        let identity: String?
    }

    /// The question that the maps answer.
    public let task: DenseTask
    private let provider: ImageProvider
    private let cache: MapCache<Place>

    /// Creates the source of maps of a provider's images.
    public init(_ provider: ImageProvider, _ task: DenseTask, cacheBytes: Int = 256 << 20) {
        self.provider = provider
        self.task = task
        cache = MapCache(cacheBytes)
    }

    /// The map of an image, checked against its record.
    public func map(of record: ImageRecord) throws -> DenseMap? {
        let identity = record.mapIdentity(task)
        return try cache.map(Place(dataset: record.dataset, member: record.member, identity: identity)) {
            try provider.map(of: record, task)
        }
    }
}

/// Maps that were read once; it keeps what came first, as the provider does with images.
public final class MapCache<Key: Hashable & Sendable>: Sendable {
    private struct Kept {
        var maps: [Key: DenseMap] = [:]
        var bytes = 0
    }

    private let capacity: Int
    private let kept = Mutex(Kept())

    /// Creates a cache of so many bytes.
    public init(_ capacity: Int) { self.capacity = capacity }

    /// The map of that key, made where it is not kept.
    public func map(_ key: Key, _ make: () throws -> DenseMap?) rethrows -> DenseMap? {
        if let known = kept.withLock({ $0.maps[key] }) { return known }
        guard let map = try make() else { return nil }
        kept.withLock { kept in
            guard kept.bytes + map.byteCount <= capacity else { return }
            if kept.maps.updateValue(map, forKey: key) == nil { kept.bytes += map.byteCount }
        }
        return map
    }
}
