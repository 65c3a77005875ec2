internal import Diagnostics
internal import Engine
public import Foundation
internal import Search
internal import Vision

/// Writes the images of a list into WebDataset shards, for use elsewhere: the pixels of a transfer set, not its names.
public struct ImageGathering {
    /// What was written.
    public struct Summary: Codable, Hashable, Sendable {
        /// How many images, in how many shards, and the bytes of the images.
        public var images, shards, bytes: Int
    }

    /// What stands beside an image.
    private struct Description: Encodable {
        var id: String
        var source: String
        /// The class's name, where it is known; a WebDataset source reads it back.
        var label: String?
        var captions: [String]?
        var query: String?
        var queryClass: String?
        var rank: Int?
        var similarity: Float?

        enum CodingKeys: String, CodingKey {
            case id, source, label, captions, query, rank, similarity
            case queryClass = "query_class"
        }
    }

    private struct Item {
        var record: ImageRecord
        var description: Description
    }

    private let items: [Item]
    private let provider: ImageProvider

    /// The images of an artifact: of a data set (of one split, where `selector` names it), or of a transfer set.
    ///
    /// - Throws: a `Diagnostic` when the artifact lists no images, or its data are gone.
    public init(of artifact: URL, selector: String?, store: URL) throws {
        let location = ArtifactLocation(
            directory: artifact, selector: selector, node: artifact.lastPathComponent, store: store)
        func exists(_ file: String) -> Bool {
            FileManager.default.fileExists(atPath: artifact.appending(path: file).path)
        }
        if exists(TransferSet.rowsFile) {
            items = try TransferSet(location).rows().map(Self.item)
        } else if exists("splits") {
            let set = try ImageSet(location)
            items = try set.records().map { record in
                Item(
                    record: record,
                    description: Description(
                        id: record.id, source: "\(record.dataset)/\(record.member)",
                        label: record.label.map { set.classes[$0] }, captions: record.captions))
            }
        } else {
            throw Diagnostic(
                "the artifact lists no images", hint: "name a data set or a curate stage", exitCode: .usage)
        }
        provider =
            exists(Datasets.file)
            ? try Datasets(of: [location]).provider(store: store, cacheBytes: 0)
            : try Datasets(scanned: items.first?.record.dataset, location).provider(
                store: store, cacheBytes: 0)
    }

    /// The images of rows that `retort curate` wrote about embeddings, found in tar shards or below folders.
    ///
    /// - Parameter places: shards (braces are expanded; those that no row names are not opened), or folders that the rows'
    ///   members are relative to.
    /// - Throws: a `Diagnostic` when a row names an image that is in none of the places.
    public init(rows file: URL, in places: [String]) throws {
        let rows = try JSONFiles.readLines(TransferSetRow.self, from: file)
        let wanted = Set(rows.compactMap { $0.member.split(separator: "#").first.map(String.init) })
        let paths = try places.flatMap { try BraceExpansion.expand($0) }
        let shards = paths.filter { $0.hasSuffix(".tar") }
        let folders = paths.filter { !$0.hasSuffix(".tar") }
        let source = GatheredSource(
            shards: try WebDatasetSource(
                shards: shards.filter { wanted.contains(URL(filePath: $0).lastPathComponent) }),
            folders: folders.map { URL(filePath: $0, directoryHint: .isDirectory) })
        items = rows.map(Self.item)
        provider = ImageProvider(
            Dictionary(rows.map { ($0.dataset, source as any ImageSource) }) { first, _ in first },
            cacheBytes: 0)
    }

    private static func item(_ row: TransferSetRow) -> Item {
        Item(
            record: ImageRecord(
                id: row.id, dataset: row.dataset, member: row.member, width: row.width, height: row.height),
            description: Description(
                id: row.id, source: row.source, query: row.query, queryClass: row.queryClass, rank: row.rank,
                similarity: row.similarity))
    }

    /// How many images there are.
    public var count: Int { items.count }

    /// Writes all images, `shardSize` to a shard, into an empty folder.
    ///
    /// - Throws: a `Diagnostic` that names the image which is gone, was changed, or never was a file.
    public func write(to folder: URL, shardSize: Int) throws -> Summary {
        try FolderDraft.write(folder) { try writeShards(in: $0, shardSize: shardSize) }
    }

    private func writeShards(in folder: URL, shardSize: Int) throws -> Summary {
        var writer = WebDatasetWriter(folder, shardSize: shardSize)
        let encoder = JSONFiles.encoder()
        for item in items {
            do {
                guard let data = try provider.bytes(item.record) else {
                    throw ImageError.unreadable(
                        reason: CropID.box(of: item.record.id) == nil
                            ? "it is rendered, and no file" : "it is part of an image, and no file")
                }
                try writer.add(
                    item.record.id, data, description: encoder.encode(item.description) + Data("\n".utf8))
            } catch let error as ImageLoadError {
                throw Self.failure(item, error.underlying)
            } catch let error as ImageError {
                throw Self.failure(item, error)
            }
        }
        try writer.finish()
        return Summary(images: writer.images, shards: writer.shards, bytes: writer.bytes)
    }

    private static func failure(_ item: Item, _ error: any Error) -> Diagnostic {
        Diagnostic(
            "\(item.description.source): \(error)",
            hint: "images are written as the files they were when 'retort run' scanned them",
            exitCode: .badData)
    }
}

/// Shards and folders in which images are looked for by the names in rows.
private struct GatheredSource: ImageSource {
    let shards: WebDatasetSource
    let folders: [URL]

    var classes: [String] { [] }
    func members() -> [SourceMember] { shards.members() }
    func contentFiles() -> [URL] { shards.contentFiles() }

    func bytes(of member: String) throws -> Data? {
        if member.contains("#") { return try shards.bytes(of: member) }
        // A row's name stays below the folder.
        guard !member.hasPrefix("/"), !member.split(separator: "/").contains("..") else {
            throw ImageError.unreadable(reason: "its name leads out of the folder")
        }
        for folder in folders {
            if let data = FileManager.default.contents(atPath: folder.appending(path: member).path) {
                return data
            }
        }
        throw ImageError.unreadable(reason: "no such file")
    }
}
