public import Foundation

/// Tar shards in WebDataset form, written from images of anywhere: `<id>.jpg` with the bytes as they were, and
/// `<id>.json`.
///
/// The same images in the same order give the same bytes.
public struct WebDatasetWriter {
    private let folder: URL
    private let shardSize: Int
    private var shard: TarWriter?
    /// The images and shards so far, and the bytes of the images.
    public private(set) var images = 0, shards = 0, bytes = 0

    /// Begins in a folder that is there and empty.
    public init(_ folder: URL, shardSize: Int) {
        precondition(shardSize > 0, "Retort bug: shards of \(shardSize) images")
        self.folder = folder
        self.shardSize = shardSize
    }

    /// Appends an image, and what is known of it as JSON.
    ///
    /// - Throws: an ``ImageError`` when the bytes are not those of the image, or of no format that Retort reads.
    public mutating func add(_ id: String, _ data: Data, description: Data) throws {
        guard ContentID.of(data) == id else {
            throw ImageError.changed(reason: "its content is not \(id.prefix(12))…")
        }
        let format = try data.withUnsafeBytes { try ImageCodec.format(of: $0) }
        if images.isMultiple(of: shardSize) {
            try shard?.finish()
            shard = try TarWriter(folder.appending(path: Self.name(shards)))
            shards += 1
        }
        try shard?.add("\(id).\(format.suffix)", data)
        try shard?.add("\(id).json", description)
        images += 1
        bytes += data.count
    }

    /// Ends the last shard.
    public mutating func finish() throws {
        try shard?.finish()
        shard = nil
    }

    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return "images-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".tar"
    }
}

extension ImageFormat {
    /// The usual ending of a file's name.
    var suffix: String {
        switch self {
        case .jpeg: "jpg"
        case .png: "png"
        case .webp: "webp"
        }
    }
}
