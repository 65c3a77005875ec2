internal import Diagnostics
public import Engine
internal import Foundation
public import Vision

/// A scanned data set: the images of each split, by content, and the ones that could not be read.
public struct ImageSet: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "images"
    /// The licence, which decides nothing about the content, and the hashes, which follow from it.
    public static let records: Set<String> = [Licences.file, PerceptualPrints.file]
    /// The list of the selected split, and the class names.
    public static func files(for selector: String) -> [String]? {
        ["splits/\(selector).jsonl", "classes.txt"]
    }

    /// Where the artifact lies.
    public let location: ArtifactLocation
    /// The class names, by label; empty for an unlabelled set.
    public let classes: [String]

    /// Opens a scanned data set and checks that the selected split exists.
    public init(_ location: ArtifactLocation) throws {
        self.location = location
        classes = try readClasses(location.directory)
        guard let split = location.selector else { return }
        let available = try Self.splits(in: location.directory)
        guard available.contains(split) else {
            throw Diagnostic(
                "'\(location.node)' has no split '\(split)'",
                hint: split.didYouMean(available) ?? "its splits are \(available.joined(separator: ", "))",
                exitCode: .badData)
        }
    }

    /// The images of the selected split, or of all splits in alphabetical order.
    public func records() throws -> [ImageRecord] {
        try splitRecords().map(\.record)
    }

    /// The images with the split each one belongs to.
    public func splitRecords() throws -> [(split: String, record: ImageRecord)] {
        let splits = try location.selector.map { [$0] } ?? Self.splits(in: location.directory)
        return try splits.flatMap { split in
            try JSONFiles.readLines(
                ImageRecord.self, from: location.directory.appending(path: "splits/\(split).jsonl")
            ).map { (split, $0) }
        }
    }

    static func splits(in directory: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.appending(path: "splits").path)
            .filter { $0.hasSuffix(".jsonl") }.map { String($0.dropLast(".jsonl".count)) }.sorted()
    }
}

/// Anything that lists images: a scanned data set, or a curated transfer set.
public struct ImageCollection: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "images"
    /// A scanned set or a curated one.
    public static let accepts: Set<String> = [ImageSet.kind, TransferSet.kind]
    /// The list of the selected split, and the class names.
    public static func files(for selector: String) -> [String]? { ImageSet.files(for: selector) }

    /// Where the artifact lies.
    public let location: ArtifactLocation
    private let set: ImageSet?

    /// Opens either kind.
    public init(_ location: ArtifactLocation) throws {
        self.location = location
        let isCurated = FileManager.default.fileExists(
            atPath: location.directory.appending(path: TransferSet.rowsFile).path)
        set = isCurated ? nil : try ImageSet(location)
    }

    /// The images with the split each one belongs to; curated images stand in the split `curated`.
    public func splitRecords() throws -> [(split: String, record: ImageRecord)] {
        if let set { return try set.splitRecords() }
        return try TransferSet(location).records().map { ("curated", $0) }
    }

    /// The images in the artifact's order.
    public func records() throws -> [ImageRecord] { try splitRecords().map(\.record) }

    /// The images as a teacher sees them, which is not told what they show; at least one.
    func unlabelled(in context: StageContext) throws -> [ImageRecord] {
        let records = try records().map { record in
            var record = record
            record.captions = nil
            return record
        }
        guard !records.isEmpty else {
            throw Diagnostic(
                "'\(location.node)' has no images to label",
                at: context.sourceLocation(of: "images"), exitCode: .badData)
        }
        return records
    }
}

func readClasses(_ directory: URL) throws -> [String] {
    let file = directory.appending(path: "classes.txt")
    guard FileManager.default.fileExists(atPath: file.path) else { return [] }
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
}

func writeClasses(_ classes: [String], to directory: URL) throws {
    try Data(classes.map { $0 + "\n" }.joined().utf8)
        .write(to: directory.appending(path: "classes.txt"), options: .atomic)
}
