public import Foundation

/// A folder of files with a known layout, made by a stage and never changed afterwards.
public protocol Artifact: Sendable {
    /// The word for this kind in `artifact.json` and in error messages.
    static var kind: String { get }

    /// The kinds that may stand where this type is read; by default its own.
    static var accepts: Set<String> { get }

    /// The files of an artifact that a selector (`target.train`: `train`) stands for, as paths inside the folder.
    ///
    /// Their digests alone enter the reader's key. Nil means the whole artifact.
    static func files(for selector: String) -> [String]?

    /// The files, besides the usual ones, that tell times or places and so are no part of the artifact's digest.
    static var records: Set<String> { get }

    /// Whether the files are made by something other than Retort: then all of them are content, whatever their names
    /// are, but for ``records``; and what made them may have touched what it should only have read.
    static var isForeign: Bool { get }

    /// Opens the artifact, checking what is cheap to check.
    init(_ location: ArtifactLocation) throws
}

extension Artifact {
    /// The artifact's own kind.
    public static var accepts: Set<String> { [kind] }
    /// No parts: a selector stands for the whole artifact.
    public static func files(for selector: String) -> [String]? { nil }
    /// None besides the usual ones.
    public static var records: Set<String> { [] }
    /// Made by Retort.
    public static var isForeign: Bool { false }

    /// All files that are no part of the artifact's digest.
    static var allRecords: Set<String> { isForeign ? records : records.union(Store.usualRecords) }
}

/// An artifact of any kind, for a stage that looks at the files alone.
public struct AnyArtifact: Artifact {
    /// Stands for every kind.
    public static let kind = "any"
    /// Where it lies.
    public let location: ArtifactLocation
    /// Opens it, whatever it is.
    public init(_ location: ArtifactLocation) throws { self.location = location }
}

/// Where an artifact lies, and under which name the pipeline knows it.
public struct ArtifactLocation: Hashable, Sendable {
    /// The artifact's folder.
    public var directory: URL
    /// The part of it that is meant: `train` in `target.train`.
    public var selector: String?
    /// The node that made it, with its matrix point: `student[seed=0]`.
    public var node: String
    /// The folder of the store that holds it, in which its upstream artifacts lie too, each under its key.
    public var store: URL

    /// Creates a location.
    public init(directory: URL, selector: String? = nil, node: String, store: URL) {
        self.directory = directory
        self.selector = selector
        self.node = node
        self.store = store
    }
}
