internal import Diagnostics
public import Foundation
internal import Synchronization

/// A file of an artifact that is not what was published.
///
/// Thrown by a stage that was about to read it; the artifact is then taken out of use.
public struct Damage: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// The artifact's key.
    public var artifact: String
    /// The file, as a path inside the artifact.
    public var file: String
    /// What is wrong with it.
    public var finding: String

    /// `content.txt has other bytes than were published`.
    public var description: String { "\(file) \(finding)" }
}

extension Store {
    /// Reads every byte of an artifact and compares with its record; the damaged files, in order of path.
    public func damages(of key: String) throws -> [Damage] {
        let folder = artifactPath(key)
        func damage(_ file: String, _ finding: String) -> Damage {
            Damage(artifact: key, file: file, finding: finding)
        }
        let recordFile = ArtifactRecord.fileName
        guard disk.exists("\(folder)/\(recordFile)") else { return [damage(recordFile, "is missing")] }
        guard let record = try? ArtifactRecord.read(at: URL(filePath: folder)) else {
            return [damage(recordFile, "is unreadable")]
        }
        guard record.key == key else { return [damage(recordFile, "has the key \(record.key.prefix(12))")] }
        // What the record says of the files counts only when the record itself is as it was published.
        let isSealed = try record.seal.map { try $0 == record.expectedSeal() } ?? (record.format < 2)
        let content = record.files.filter { $0.role == .content }
        let isTrue = ArtifactRecord.digest(of: content) == record.digest
        guard isSealed, isTrue, KeyComponents(values: record.components).key == key else {
            return [damage(recordFile, "contradicts itself")]
        }
        let findings = try concurrently(record.files) { try $0.finding(in: folder) }
        return zip(record.files, findings).compactMap { file, finding in
            finding.map { damage(file.path, $0) }
        }
    }

    /// Reads every byte of an artifact and compares with its record.
    public func verify(_ key: String) throws -> Status {
        let status = status(of: key)
        guard case .present = status, let damage = try damages(of: key).first else { return status }
        return .damaged("\(damage)")
    }

    /// Compares what a stage is about to read with what was published, each file once in the life of this store
    /// object unless it was touched since; a damaged artifact is taken out of use, and the error says so.
    ///
    /// `files` are the paths that are read; nil means all. The usual records, which are small, are always among them.
    /// Hashing takes a second for 1.7 GB on the development machine (`openssl speed -evp sha256`), and what was just
    /// written is read from memory.
    func confirm(_ key: String, files: [String]?, node: String) throws {
        guard case .present(let record) = status(of: key) else {
            throw try damaged(node, key, "it was changed while the run was at work")
        }
        let chosen = files.map(Set.init)
        let known = confirmed.withLock { $0 }
        // Stamps are taken before the files are read: what is written meanwhile is read again.
        let open = record.files
            .filter { chosen?.contains($0.path) ?? true || Self.usualRecords.contains($0.path) }
            .map { (file: $0, stamp: stamp(of: $0, of: key)) }
            .filter { $0.stamp == nil || known["\(key)/\($0.file.path)"] != $0.stamp }
        let folder = artifactPath(key)
        for (open, finding) in zip(open, try concurrently(open) { try $0.file.finding(in: folder) }) {
            if let finding { throw try damaged(node, key, "\(open.file.path) \(finding)") }
            noteConfirmed(open.file, of: key, at: open.stamp)
        }
    }

    /// Size, times and inode of an artifact's file; nil where there is none.
    func stamp(of file: ArtifactRecord.FileRecord, of key: String) -> String? {
        try? DigestCache.stamp(of: "\(artifactPath(key))/\(file.path)")
    }

    /// Remembers that a file is what was published as long as its stamp stays.
    func noteConfirmed(_ file: ArtifactRecord.FileRecord, of key: String, at stamp: String?) {
        confirmed.withLock { $0["\(key)/\(file.path)"] = stamp }
    }

    /// Takes an artifact out of use that a stage found damaged; the error says so.
    func putAside(_ damage: Damage) throws -> Diagnostic {
        let node = (try? ArtifactRecord.read(at: folder(of: damage.artifact)))?.node
        return try damaged(node ?? String(damage.artifact.prefix(12)), damage.artifact, "\(damage)")
    }

    private func damaged(_ node: String, _ key: String, _ how: String) throws -> Diagnostic {
        // Another process may have found it, too.
        let place = disk.exists(artifactPath(key)) ? try quarantine(key) : path("quarantine")
        return Diagnostic(
            "the artifact of '\(node)' is damaged: \(how)",
            hint: "it was moved to \(place); run again, and it is made again", exitCode: .badData)
    }
}

extension ArtifactRecord {
    /// Compares a file of an artifact with what was published, for a stage that reads it by way of another artifact:
    /// only what is named as an input is compared before the stage begins.
    ///
    /// A file that was not published with the artifact, or lies in no artifact, has nothing to be compared with.
    ///
    /// - Throws: ``Damage`` when the file is not what was published.
    public static func confirm(_ file: String, of artifact: URL) throws {
        guard let record = try? read(at: artifact),
            let known = record.files.first(where: { $0.path == file }),
            let finding = try known.finding(in: artifact.path)
        else { return }
        throw Damage(artifact: record.key, file: file, finding: finding)
    }
}

extension ArtifactRecord.FileRecord {
    /// Whether the file must stay as it was published.
    ///
    /// `Stage.refresh` rewrites two records when data have moved or terms have changed. They are read as text that
    /// the next run puts right.
    var isLasting: Bool { role == .content || !Store.refreshedRecords.contains(path) }

    /// What is wrong with the file, as far as its size tells.
    func sizeFinding(in folder: String) -> String? {
        guard let size = Disk().size("\(folder)/\(path)") else { return "is missing" }
        return isLasting && size != bytes ? "has \(size) bytes instead of \(bytes)" : nil
    }

    /// What is wrong with the file: all its bytes are read, unless it may have been rewritten.
    func finding(in folder: String) throws -> String? {
        if let finding = sizeFinding(in: folder) { return finding }
        guard isLasting else { return nil }
        let digest = try SHA256.digest(of: URL(filePath: "\(folder)/\(path)"))
        return digest == sha256 ? nil : "has other bytes than were published"
    }
}
