public import Foundation

/// The contents of `artifact.json`: what an artifact is, and everything it was made from.
public struct ArtifactRecord: Codable, Hashable, Sendable {
    /// An artifact that was read.
    public struct InputRecord: Codable, Hashable, Sendable {
        /// The input's name.
        public var name: String
        /// The node that made the artifact.
        public var node: String
        /// The part of it that was read.
        public var selector: String?
        /// The artifact's kind.
        public var kind: String
        /// The artifact's key in the store.
        public var key: String
        /// The digest of what was read.
        public var digest: String
    }

    /// What a file's bytes count for.
    public enum FileRole: String, Codable, Hashable, Sendable {
        /// Part of the artifact's digest.
        case content
        /// Kept for people, and not part of the digest, because it tells times and places.
        case record
    }

    /// A file of the artifact.
    public struct FileRecord: Codable, Hashable, Sendable {
        /// The path inside the artifact.
        public var path: String
        /// The size.
        public var bytes: Int
        /// The digest of the bytes.
        public var sha256: String
        /// What the bytes count for.
        public var role: FileRole
    }

    /// When and how long the stage ran.
    public struct Timings: Codable, Hashable, Sendable {
        /// When the stage first started, ISO 8601 in UTC.
        public var started: String
        /// When it finished.
        public var finished: String
        /// The seconds it ran, interruptions left out.
        public var seconds: Double
    }

    /// The version of this layout; records have a seal since 2.
    public var format = 2
    /// The kind of artifact.
    public var kind: String
    /// The node that made it.
    public var node: String
    /// The stage kind that made it.
    public var stage: String
    /// The stage's revision.
    public var revision: Int
    /// The key in the store.
    public var key: String
    /// Every component of the key, by name.
    public var components: [String: String]
    /// What was read.
    public var inputs: [InputRecord]
    /// What the stage counted.
    public var counts: [String: Int]
    /// What else the stage found out.
    public var facts: [String: JSON]
    /// When and how long the stage ran.
    public var timings: Timings
    /// The files, in order of path.
    public var files: [FileRecord]
    /// The digest of the content files: equal digests mean equal bytes.
    public var digest: String
    /// The version of Retort that made it.
    public var retort: String
    /// What the bytes may depend on besides the components: processor, libraries, device, threads.
    public var numerics: [String: String]?
    /// The digest of everything else in the record, so that a changed bit is found here, too.
    public var seal: String?

    /// The record with its seal.
    func sealed() throws -> ArtifactRecord {
        var record = self
        record.seal = try expectedSeal()
        return record
    }

    /// What the seal must be: of the record as it will be read, since a number may be written in fewer digits.
    func expectedSeal() throws -> String {
        var record = self
        record.seal = nil
        let read = try JSONDecoder().decode(ArtifactRecord.self, from: try CanonicalJSON.data(record))
        return SHA256.digest(of: try CanonicalJSON.data(read))
    }

    /// The name of the file that holds the record.
    public static let fileName = "artifact.json"

    /// Reads the record of an artifact's folder.
    public static func read(at directory: URL) throws -> ArtifactRecord {
        let file = directory.appending(path: fileName)
        let data: Data
        do { data = try Data(contentsOf: file) } catch { throw StoreError(ENOENT, .read, file.path) }
        do {
            return try JSONDecoder().decode(ArtifactRecord.self, from: data)
        } catch {
            throw StoreError("it is not a record of an artifact", path: file.path)
        }
    }

    /// The digest of what a reader with a selector reads: of those files alone, or of all content.
    ///
    /// Nil when a file of the selection is not there.
    func digest(of selection: [String]?, selector: String?) -> String? {
        guard let selection else { return selector.map { "\(digest)#\($0)" } ?? digest }
        let chosen = Set(selection)
        let files = files.filter { chosen.contains($0.path) }
        return files.count == chosen.count ? Self.digest(of: files) : nil
    }

    /// The digest of files: of their paths and contents, in order of path.
    static func digest(of files: [FileRecord]) -> String {
        SHA256.digest(of: files.sorted { $0.path < $1.path }.map { "\($0.path) \($0.sha256)\n" }.joined())
    }
}
