internal import Diagnostics
public import Foundation
internal import Synchronization

/// The folder in which everything that was made is kept, each artifact under the key of what it was made from.
///
/// - `store/<key>/` holds finished artifacts, which never change;
/// - `work/<key>/{output,state}/` holds work that can be resumed;
/// - `runs/<id>/` tells what happened when;
/// - `nodes/<pipeline>/<node>.json` remembers the last key of each node, so that a plan can say what changed;
/// - `pins/` says what must be kept;
/// - `runs.lock` is held by those who use what lies here, so that nothing is deleted meanwhile;
/// - `quarantine/` holds what was found damaged or was replaced; only the user removes it.
public final class Store: Sendable {
    /// How an artifact was found.
    public enum Status: Sendable {
        /// There is none with this key.
        case absent
        /// It is whole, as far as sizes tell.
        case present(ArtifactRecord)
        /// It is not what was published.
        case damaged(String)
    }

    /// The store's root folder.
    public let root: URL
    /// The digests of files outside the store.
    public let digests: DigestCache
    let disk: Disk
    /// The stamps of the files, as key/path, that were found to be what was published.
    let confirmed = Mutex<[String: String]>([:])
    private let rootPath: String

    /// Opens a store; nothing is created before something is written.
    public convenience init(root: URL) { self.init(root: root, disk: Disk()) }

    init(root: URL, disk: Disk) {
        self.root = root.standardizedFileURL
        self.rootPath = self.root.path
        self.disk = disk
        self.digests = DigestCache(file: self.root.appending(path: "digests.json"))
    }

    /// The folder in which the finished artifacts lie, each under its key.
    public var artifacts: URL { root.appending(path: "store", directoryHint: .isDirectory) }

    /// The folder of a finished artifact.
    public func folder(of key: String) -> URL {
        root.appending(path: "store/\(key)", directoryHint: .isDirectory)
    }

    func path(_ relative: String) -> String { "\(rootPath)/\(relative)" }
    func artifactPath(_ key: String) -> String { path("store/\(key)") }
    func workPath(_ key: String) -> String { path("work/\(key)") }
    func outputPath(_ key: String) -> String { path("work/\(key)/output") }

    /// Looks an artifact up, checking its record and the sizes of its files.
    public func status(of key: String) -> Status { status(ofFolder: artifactPath(key), key: key) }

    func status(ofFolder folder: String, key: String) -> Status {
        guard disk.exists(folder) else { return .absent }
        guard disk.exists("\(folder)/\(ArtifactRecord.fileName)") else {
            return .damaged("\(ArtifactRecord.fileName) is missing")
        }
        guard let record = try? ArtifactRecord.read(at: URL(filePath: folder)) else {
            return .damaged("\(ArtifactRecord.fileName) is unreadable")
        }
        guard record.key == key else {
            return .damaged("\(ArtifactRecord.fileName) has the key \(record.key.prefix(12))")
        }
        for file in record.files {
            if let finding = file.sizeFinding(in: folder) { return .damaged("\(file.path) \(finding)") }
        }
        return .present(record)
    }

    /// The keys of all artifacts, in order.
    public func keys() -> [String] { names { isArtifact($0) } }

    /// What lies among the artifacts and is none, in order: a file, or a folder whose name is no key.
    public func strays() -> [String] { names { !isArtifact($0) } }

    private func names(where isWanted: (String) -> Bool) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path("store"))) ?? []
        return names.filter(isWanted).sorted()
    }

    private func isArtifact(_ name: String) -> Bool {
        var status = stat()
        return name.allSatisfy { $0.isASCII && $0.isHexDigit } && stat(artifactPath(name), &status) == 0
            && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether there is a store at its root: a folder with at least one of those that a run makes.
    public var isThere: Bool {
        ["store", "runs", "work", "nodes", "quarantine"].contains { disk.exists(path($0)) }
    }

    /// Refuses a root at which there can be no folder, because a file is in the way.
    func checkRoot() throws(Diagnostic) {
        var path = rootPath
        while path.count > 1 {
            var status = stat()
            if stat(path, &status) == 0 {
                guard status.st_mode & S_IFMT != S_IFDIR else { return }
                let place = path == rootPath ? "" : ": '\(path)' is none"
                throw Diagnostic(
                    "the store '\(rootPath)' is no folder\(place)",
                    hint: "name a folder with --store or RETORT_HOME; the first run makes it",
                    exitCode: .inputMissing)
            }
            path = (path as NSString).deletingLastPathComponent
        }
    }

    /// Whether resumable work lies at a key.
    func hasWork(_ key: String) -> Bool { disk.exists(outputPath(key)) }

    /// How far the work at a key has got.
    func progress(of key: String) -> StageProgress? {
        guard
            let data = try? Data(
                contentsOf: URL(filePath: workPath(key)).appending(path: StageProgress.fileName))
        else { return nil }
        return try? JSONDecoder().decode(StageProgress.self, from: data)
    }

    /// The resumable work that nobody has finished, by key.
    public func unfinishedWork() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path("work"))) ?? []
        return names.filter { !$0.contains(".") && hasWork($0) }.sorted()
    }
}
