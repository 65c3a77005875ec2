internal import Diagnostics
public import Foundation

/// Tar shards in WebDataset form, written from images of anywhere: `<id>.jpg` with the bytes as they were, and
/// `<id>.json`.
///
/// The same images in the same order give the same bytes. The folder has its name only when all of it is written.
public struct WebDatasetWriter {
    private let folder: URL
    /// Where shards are until all are there; what an earlier writer left in it is removed.
    private let draft: URL
    private let shardSize: Int
    private var shard: TarWriter?
    /// The images and shards so far, and the bytes of the images.
    public private(set) var images = 0, shards = 0, bytes = 0

    /// Begins in an empty folder, which is made where there is none.
    ///
    /// - Throws: a `Diagnostic` when something lies in the folder.
    public init(_ folder: URL, shardSize: Int) throws {
        precondition(shardSize > 0, "Retort bug: shards of \(shardSize) images")
        let files = FileManager.default
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        guard try files.contentsOfDirectory(atPath: folder.path).isEmpty else {
            throw Diagnostic(
                "\(folder.path) is not empty", hint: "name a folder that is, or is not there yet",
                exitCode: .usage)
        }
        self.folder = folder
        draft = folder.standardizedFileURL.deletingLastPathComponent()
            .appending(path: ".\(folder.lastPathComponent).partial", directoryHint: .isDirectory)
        if files.fileExists(atPath: draft.path) { try files.removeItem(at: draft) }
        try files.createDirectory(at: draft, withIntermediateDirectories: true)
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
            shard = try TarWriter(draft.appending(path: Self.name(shards)))
            shards += 1
        }
        try shard?.add("\(id).\(format.suffix)", data)
        try shard?.add("\(id).json", description)
        images += 1
        bytes += data.count
    }

    /// Ends the last shard, and gives the folder its name.
    public mutating func finish() throws {
        try shard?.finish()
        shard = nil
        // Takes the place of an empty folder, and of no other.
        guard rename(draft.path, folder.path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: folder.path])
        }
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
