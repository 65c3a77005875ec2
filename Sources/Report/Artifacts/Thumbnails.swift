public import Foundation
public import Stages

/// Makes small pictures of images that a page refers to.
public protocol ThumbnailProvider {
    /// The image as a JPEG of at most `side` pixels on its longer side; nil when it cannot be read any more.
    func jpeg(dataset: String, member: String, side: Int) -> Data?
}

/// Thumbnails of the images that a store's scans tell of.
public struct StoreThumbnails: ThumbnailProvider {
    private let images: StoredImages

    /// Creates a provider.
    public init(_ images: StoredImages) { self.images = images }

    /// The image as a JPEG of at most `side` pixels on its longer side; nil when it cannot be read any more.
    public func jpeg(dataset: String, member: String, side: Int) -> Data? {
        images.jpeg(dataset: dataset, member: member, side: side)
    }
}

/// An image of a data set, by its content id and by the place where it was found.
package struct ImageReference: Hashable, Sendable {
    package let id: String
    package let source: String
    package let dataset: String
    package let member: String

    /// A reference whose `source` is `<dataset>/<member>` where the two are not given apart.
    package init(id: String, source: String, dataset: String? = nil, member: String? = nil) {
        let parts = source.split(separator: "/", maxSplits: 1).map(String.init)
        self.id = id
        self.source = source
        self.dataset = dataset ?? parts.first ?? ""
        self.member = member ?? (parts.count > 1 ? parts[1] : source)
    }
}

/// Puts thumbnails on a page: inside it or in a folder beside it.
protocol ThumbnailSink: AnyObject {
    /// What an `img` element names as its source; nil when there is no picture.
    func location(of image: ImageReference) -> String?
}

/// Thumbnails as data URIs, until a budget of bytes is spent.
final class InlineThumbnails: ThumbnailSink {
    private let provider: any ThumbnailProvider
    private let side: Int
    private var remaining: Int
    private var known: [ImageReference: String] = [:]

    init(_ provider: any ThumbnailProvider, side: Int, budget: Int) {
        self.provider = provider
        self.side = side
        remaining = budget
    }

    func location(of image: ImageReference) -> String? {
        if known[image] == nil {
            guard let jpeg = provider.jpeg(dataset: image.dataset, member: image.member, side: side) else {
                return nil
            }
            known[image] = "data:image/jpeg;base64,\(jpeg.base64EncodedString())"
        }
        guard let location = known[image], location.utf8.count <= remaining else { return nil }
        remaining -= location.utf8.count
        return location
    }
}

/// Thumbnails as files below `thumbs/` beside the page, each written once.
final class ThumbnailFolder: ThumbnailSink {
    private let provider: any ThumbnailProvider
    private let side: Int
    private let directory: URL
    private var known: [String: String?] = [:]
    /// The first write that failed; a page whose thumbnails are incomplete must not pass for done.
    private(set) var failure: (any Error)?

    init(_ provider: any ThumbnailProvider, side: Int, beside page: URL) throws {
        self.provider = provider
        self.side = side
        directory = page.appending(path: "thumbs", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    func location(of image: ImageReference) -> String? {
        let name = Self.fileName(image.source)
        if let location = known[name] { return location }
        let location = write(image, name)
        known[name] = .some(location)
        return location
    }

    private func write(_ image: ImageReference, _ name: String) -> String? {
        guard let jpeg = provider.jpeg(dataset: image.dataset, member: image.member, side: side) else {
            return nil
        }
        do {
            try jpeg.write(to: directory.appending(path: name))
            return "thumbs/\(name)"
        } catch {
            failure = failure ?? error
            return nil
        }
    }

    /// A file name that any file system and any URL takes, distinct for distinct sources (FNV-1a, 64 bits, twice).
    static func fileName(_ source: String) -> String {
        let seeds: [UInt64] = [0xcbf2_9ce4_8422_2325, 0x8422_2325_cbf2_9ce4]
        let hashes = seeds.map { seed in
            source.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        return hashes.map { String($0, radix: 36) }.joined() + ".jpg"
    }
}
