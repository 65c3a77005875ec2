internal import Diagnostics
public import Engine
internal import Foundation
public import Vision

/// What an expert said about the pixels of a list of images: depths, normals or classes, a map for each image.
///
/// `maps/maps-NNNN.tar` holds the maps of 256 images, each named by its data set, the image's own name and the
/// form of the map (``Vision/DenseMap/suffix(_:)``). `images.jsonl` lists the images in order, those without a map with the
/// reason; `labels.json` says who answered what, and how much of it can be used; `classes.txt` names the classes.
public struct DenseLabelSet: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "dense-labels"
    static let (labelsFile, imagesFile) = ("labels.json", "images.jsonl")
    /// The images of a shard.
    static let imagesPerShard = 256

    /// Where the artifact lies.
    public let location: ArtifactLocation
    /// Who answered what.
    public let summary: DenseLabelSummary

    /// Opens a set of labels.
    public init(_ location: ArtifactLocation) throws {
        self.location = location
        summary = try JSONFiles.read(
            DenseLabelSummary.self, from: location.directory.appending(path: Self.labelsFile))
    }

    static func shard(_ number: Int, in directory: URL) -> URL {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return directory.appending(path: "maps/maps-\(padded).tar")
    }

    /// The node that made it.
    public var node: String { location.node }

    /// The names of the classes in maps of segmentation; empty for other tasks.
    public func classes() throws -> [String] { try readClasses(location.directory) }

    /// Every image, in order.
    public func rows() throws -> [DenseLabelRow] {
        try JSONFiles.readLines(
            DenseLabelRow.self, from: location.directory.appending(path: Self.imagesFile))
    }

    /// The maps, for training: found by the content of the image, so that any list of the same images will do.
    ///
    /// An image that the expert was not asked about, or failed on, has none.
    public func targets(cacheBytes: Int = 256 << 20) throws -> StoredTargets {
        let rows = try rows()
        let count = (rows.count + Self.imagesPerShard - 1) / Self.imagesPerShard
        let shards = try (0..<count).map { try TarArchive(Self.shard($0, in: location.directory)) }
        return try StoredTargets(
            summary.task, rows: rows, shards: shards, imagesPerShard: Self.imagesPerShard,
            node: location.node, cacheBytes: cacheBytes)
    }
}

/// One image of a set of labels.
public struct DenseLabelRow: Codable, Hashable, Sendable {
    /// The image.
    public var record: ImageRecord
    /// The map's name in its shard, without the ending.
    public var key: String
    /// The map's columns; zero where there is none.
    public var width = 0
    /// The map's rows.
    public var height = 0
    /// The bytes of the stored map.
    public var bytes = 0
    /// The share of the map's pixels that can be used.
    public var known = 0.0
    /// The mean of the largest probability over the pixels, for segmentation.
    public var confidence: Double?
    /// Why there is no map.
    public var failure: String?

    /// The image in words: its data set, and its name there.
    public var image: String { "\(record.dataset)/\(record.member)" }

    /// The names under which images' maps are stored, all different: the data set, and the image's own name.
    ///
    /// As in a WebDataset a name ends at its first dot, so that dots in the name of a file become underscores.
    static func keys(of records: [ImageRecord]) -> [String] {
        var known: Set<String> = []
        return records.map { record in
            let key = key(of: record)
            var (own, number) = (key, 1)
            while !known.insert(own).inserted {
                number += 1
                own = "\(key)_\(number)"
            }
            return own
        }
    }

    private static func key(of record: ImageRecord) -> String {
        let isInShard = record.member.contains(".tar#")
        let member = record.member.replacingOccurrences(of: ".tar#", with: "/")
        let start = member.lastIndex(of: "/").map(member.index(after:)) ?? member.startIndex
        let name = member[start...]
        let dot = isInShard ? name.firstIndex(of: ".") : name.lastIndex(of: ".")
        let stem = name[..<(dot ?? name.endIndex)].replacingOccurrences(of: ".", with: "_")
        return "\(record.dataset)/\(member[..<start])\(stem)"
    }
}

/// `labels.json`: who answered what, and how much of it can be used.
public struct DenseLabelSummary: Codable, Hashable, Sendable {
    /// How much of the answers can be used.
    public struct Yield: Codable, Hashable, Sendable {
        /// The share of the images that have a map.
        public var images: Double
        /// The share of the pixels in those maps that can be used.
        public var pixels: Double
        /// The share of the usable pixels by class, for segmentation.
        public var classes: [String: Double]?
    }

    /// The node of the expert.
    public var expert: String
    /// What the expert was made from.
    public var lineage: [String]
    /// The digest of the expert's checkpoint.
    public var digest: String
    /// The licences of what the expert was made from, as they were declared when it was asked.
    public var licences: [String]
    /// The question.
    public var task: DenseTask
    /// The number of images.
    public var images: Int
    /// The number of images without a map.
    public var failures: Int
    /// The mean size of a map, its entry in the shard not counted.
    public var bytesPerImage: Double
    /// The least probability with which a pixel's class is kept.
    public var confidence: Double
    /// The share of each map that was put in wrong places.
    public var noise: Double
    /// How much can be used.
    public var yield: Yield

    /// The question in a word: `segmentation`, `depth` or `normals`.
    public var taskName: String { task.rawValue }

    enum CodingKeys: String, CodingKey {
        case expert, lineage, digest, licences, task, images, failures, confidence, noise, yield
        case bytesPerImage = "bytes_per_image"
    }
}

/// The maps of a set of labels.
public final class StoredTargets: DenseTargets {
    private struct Place {
        let shard: Int
        let entry: TarArchive.Entry
    }

    /// The question that the maps answer.
    public let task: DenseTask
    private let shards: [TarArchive]
    private let places: [String: Place]
    private let cache: MapCache<String>

    init(
        _ task: DenseTask, rows: [DenseLabelRow], shards: [TarArchive], imagesPerShard: Int, node: String,
        cacheBytes: Int
    ) throws {
        self.task = task
        self.shards = shards
        let entries = shards.map { shard in
            Dictionary(shard.entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
        var places: [String: Place] = [:]
        for (number, row) in rows.enumerated() where row.failure == nil {
            let shard = number / imagesPerShard
            guard let entry = entries[shard]["\(row.key).\(DenseMap.suffix(task))"] else {
                throw Diagnostic(
                    "the map '\(row.key)' is not in \(shards[shard].url.path)",
                    hint: "`retort verify` checks the whole store; `retort run` makes '\(node)' anew",
                    exitCode: .badData)
            }
            places[row.record.id] = Place(shard: shard, entry: entry)
        }
        self.places = places
        cache = MapCache(cacheBytes)
    }

    /// The number of images that have a map.
    public var count: Int { places.count }

    /// The map of an image, or nil where there is none.
    public func map(of record: ImageRecord) throws -> DenseMap? {
        guard let place = places[record.id] else { return nil }
        return try cache.map(record.id) {
            try DenseMap(task, stored: shards[place.shard].bytes(of: place.entry))
        }
    }
}
