internal import Diagnostics
internal import Foundation
internal import Synchronization

extension Store {
    /// The names of files that are records in every artifact that Retort makes: they tell times and places.
    static let usualRecords: Set<String> = ["metrics.jsonl", "events.jsonl", "source.json", "datasets.json"]

    /// The records that `Stage.refresh` may rewrite: they are not compared with what was published.
    static let refreshedRecords: Set<String> = ["source.json", "licence.txt"]

    /// Makes the folders in which a stage works; what lies there already is kept.
    ///
    /// State without output is what a crash left of work that was already published: it must not be resumed. Hidden files,
    /// which a crash may have left, stay where the files are not Retort's.
    func prepareWork(_ key: String, isForeign: Bool = false) throws {
        if !hasWork(key) { try discardWork(key) }
        if !isForeign { try removeHiddenFiles(below: workPath(key)) }
        try disk.createFolder(outputPath(key))
        try disk.createFolder("\(workPath(key))/state")
        unlink(failurePath(key))
    }

    private func failurePath(_ key: String) -> String { "\(workPath(key))/failure.txt" }

    /// Remembers why the work at a key could not be finished, until it is gone on with.
    func noteFailure(_ error: any Error, of key: String) {
        guard hasWork(key) else { return }
        let diagnostic = Diagnostic.first(of: error)
        let line = (diagnostic?.message ?? "\(error)").prefix { $0 != "\n" }
        let text = line.hasSuffix(":") ? line.dropLast() : line
        // Where even this cannot be written, a plan says that the work was interrupted.
        try? disk.replace(failurePath(key), with: Data(text.utf8), isDurable: false)
    }

    /// Why the work at a key could not be finished; nil when it was interrupted.
    func failure(of key: String) -> String? {
        FileManager.default.contents(atPath: failurePath(key)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Measures the files of finished work, once every byte and every name of them is on the disk.
    func settle(_ key: String, as type: any Artifact.Type) throws -> [ArtifactRecord.FileRecord] {
        let output = outputPath(key)
        if !type.isForeign { try removeHiddenFiles(below: output) }
        let records = type.allRecords
        let paths = try disk.files(below: output).filter { $0 != ArtifactRecord.fileName }
        for path in paths { try disk.sync("\(output)/\(path)") }
        let digests = try concurrently(paths) { try SHA256.digest(of: URL(filePath: "\(output)/\($0)")) }
        let files = zip(paths, digests).map { path, digest in
            ArtifactRecord.FileRecord(
                path: path, bytes: disk.size("\(output)/\(path)") ?? 0, sha256: digest,
                role: records.contains(path) ? .record : .content)
        }
        let folders = Set(paths.flatMap(Self.folders))
        for folder in folders.sorted(by: >) { try disk.sync("\(output)/\(folder)") }
        return files
    }

    /// Removes what a crash left of files that were being replaced: Foundation and Retort write such files under
    /// hidden names before they move them into place.
    private func removeHiddenFiles(below folder: String) throws {
        guard disk.exists(folder) else { return }
        for path in try disk.files(below: folder) where path.split(separator: "/").last?.first == "." {
            unlink("\(folder)/\(path)")
        }
    }

    /// The folders above a relative path: `a/b/c` lies in `a` and `a/b`.
    private static func folders(above path: String) -> [String] {
        let parts = path.split(separator: "/").dropLast()
        return parts.indices.map { parts[...$0].joined(separator: "/") }
    }

    /// Turns finished work into an artifact, in one step that a crash leaves done or not done.
    ///
    /// The record is written last: work that has one is complete, and only needs to be moved.
    func publish(_ record: ArtifactRecord) throws {
        try disk.replace(
            "\(outputPath(record.key))/\(ArtifactRecord.fileName)",
            with: try CanonicalJSON.document(try record.sealed()))
        try moveIntoStore(record)
        for file in record.files { noteConfirmed(file, of: record.key, at: stamp(of: file, of: record.key)) }
    }

    /// Publishes work that a crash left complete but not yet in the store; nil when there is none.
    func publishLeftover(_ key: String) throws -> ArtifactRecord? {
        guard case .present(let record) = status(ofFolder: outputPath(key), key: key) else { return nil }
        try moveIntoStore(record)
        return record
    }

    private func moveIntoStore(_ record: ArtifactRecord) throws {
        let destination = artifactPath(record.key)
        try disk.createFolder(path("store"))
        switch status(of: record.key) {
        case .present(let old) where try old.digest == record.digest && damages(of: record.key).isEmpty:
            // Made again, with the same result: what readers may have open stays where it is.
            break
        case .absent:
            try moveWork(record.key, to: destination)
        case .present, .damaged:
            try quarantine(record.key)
            try moveWork(record.key, to: destination)
        }
        try discardWork(record.key)
    }

    /// Removes a work folder; its new name makes sure that nobody resumes what is left of it after a crash.
    private func discardWork(_ key: String) throws {
        guard disk.exists(workPath(key)) else { return }
        let remains = path("work/\(key).removed")
        try disk.removeFolder(remains)
        try disk.move(workPath(key), to: remains)
        try disk.removeFolder(remains)
    }

    /// Removes what crashes left of work that is published.
    ///
    /// These are folders whose removal was interrupted, and those without output, which nobody resumes. Where somebody is
    /// at it, it stays.
    func removeRemains() {
        let suffix = ".removed"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path("work"))) ?? []
        for name in names where name.hasSuffix(suffix) || !(name.hasSuffix(".lock") || hasWork(name)) {
            let key = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
            // Who makes or removes a work folder holds its lock.
            guard
                let lock = try? WorkLock(
                    path("work/\(key).lock"), node: "", patience: 0, whileWaiting: { _ in })
            else { continue }
            withExtendedLifetime(lock) {
                try? disk.removeFolder(path("work/\(key)\(suffix)"))
                if !hasWork(key), isFreeOfParts(key) { try? discardWork(key) }
            }
        }
    }

    private func moveWork(_ key: String, to destination: String) throws {
        try disk.move(outputPath(key), to: destination)
        try disk.sync(path("store"))
        try disk.sync(workPath(key))
    }

    /// Takes an artifact out of use without destroying it; returns where it lies now.
    @discardableResult
    public func quarantine(_ key: String) throws -> String {
        confirmed.withLock { stamps in stamps = stamps.filter { !$0.key.hasPrefix(key) } }
        return try setAside(artifactPath(key), as: key)
    }

    /// Takes unfinished work out of use without destroying it.
    func quarantineWork(_ key: String) throws {
        if disk.exists(workPath(key)) { try setAside(workPath(key), as: "\(key)-work") }
    }

    @discardableResult
    func setAside(_ source: String, as name: String) throws -> String {
        let folder = path("quarantine")
        try disk.createFolder(folder)
        let taken = Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        var destination = name
        var number = 2
        while taken.contains(destination) {
            destination = "\(name)-\(number)"
            number += 1
        }
        try disk.move(source, to: "\(folder)/\(destination)")
        return "\(folder)/\(destination)"
    }
}
