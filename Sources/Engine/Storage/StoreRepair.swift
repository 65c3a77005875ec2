internal import Foundation

/// What a crash, a lost file or a careless hand left in a store, and what puts it right.
///
/// Folders are the truth: what is only remembered from them is rebuilt, and what cannot be rebuilt is put aside,
/// never deleted, unless it is scratch.
public struct StoreRepair: Sendable {
    /// One thing that is not as it should be.
    public struct Finding: Codable, Hashable, Sendable {
        /// The ways for a thing to be wrong.
        public enum Kind: String, Codable, Hashable, Sendable {
            /// The cache of digests cannot be read: it is started anew.
            case digestCache = "digest-cache"
            /// A node's last execution is not remembered: it is read from the newest run that has it.
            case nodeHistory = "node-history"
            /// A lock whose holder died: it is removed.
            case staleLock = "stale-lock"
            /// Scratch of a process that died: it is deleted.
            case leftover
            /// An artifact without a readable record: it is put aside.
            case halfArtifact = "half-artifact"
            /// A run that died before its plan was written: it is deleted.
            case halfRun = "half-run"
            /// A run with a file that cannot be read: it is put aside.
            case unreadableRun = "unreadable-run"
            /// A pin that cannot be read: it is put aside.
            case unreadablePin = "unreadable-pin"
        }

        /// What is wrong.
        public var kind: Kind
        /// The path below the store's root.
        public var path: String
        /// What is done about it, in a few words.
        public var remedy: String
    }

    /// What was found, in the order in which it is put right.
    public let findings: [Finding]
    private let store: Store
    private let entries: [String: NodeHistory.Entry]

    /// Looks, and changes nothing.
    public init(_ store: Store) throws {
        self.store = store
        var findings: [Finding] = []
        if let data = FileManager.default.contents(atPath: store.path("digests.json")),
            (try? JSONDecoder().decode([String: String].self, from: data)) == nil
        {
            findings.append(Finding(kind: .digestCache, path: "digests.json", remedy: "started anew"))
        }
        findings += Self.names(in: "work", store).compactMap { Self.finding(inWork: $0, store) }
        for key in store.keys() where (try? ArtifactRecord.read(at: store.folder(of: key))) == nil {
            findings.append(
                Finding(kind: .halfArtifact, path: "store/\(key)", remedy: "moved to quarantine/"))
        }
        for id in Self.names(in: "runs", store)
        where !store.disk.exists(store.path("runs/\(id)/\(RunFolder.plan)")) {
            // A run that is just beginning has no plan either.
            let age = systemSeconds() - modified(store.path("runs/\(id)"))
            if store.isAlive(run: id) == false && age > 60 {
                findings.append(Finding(kind: .halfRun, path: "runs/\(id)", remedy: "deleted"))
            }
        }
        let references = try StoreReferences(store)
        for run in references.runs.reversed() where run.isRunning == false {
            guard let file = run.unreadable else { continue }
            findings.append(
                Finding(
                    kind: .unreadableRun, path: "runs/\(run.id)",
                    remedy: "moved to quarantine/: \(file) cannot be read"))
        }
        for name in try Pins(store).unreadable() {
            findings.append(
                Finding(kind: .unreadablePin, path: "pins/\(name)", remedy: "moved to quarantine/"))
        }
        if !Self.names(in: "trash", store).isEmpty {
            findings.append(Finding(kind: .leftover, path: "trash", remedy: "deleted"))
        }
        findings += ScratchExecution.leftovers(in: store).map {
            Finding(kind: .leftover, path: $0, remedy: "deleted")
        }
        for folder in ["", "pins"] {
            for name in Self.names(in: folder, store) where Disk.isTemporary(name) {
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                findings.append(Finding(kind: .leftover, path: path, remedy: "deleted"))
            }
        }
        entries = Self.forgotten(store, references)
        findings += entries.keys.sorted().map {
            Finding(kind: .nodeHistory, path: $0, remedy: "read from the newest run that has it")
        }
        self.findings = findings
    }

    /// Puts right what was found.
    public func repair() throws {
        for finding in findings {
            let path = store.path(finding.path)
            switch finding.kind {
            case .staleLock: try remove(lock: path)
            case .digestCache:
                if unlink(path) != 0 && errno != ENOENT { throw StoreError(errno, .remove, path) }
            case .leftover, .halfRun:
                try store.disk.removeFolder(path)
                if finding.path.hasPrefix("replay/") { rmdir(store.path("replay")) }
            case .halfArtifact:
                try store.quarantine((path as NSString).lastPathComponent)
            case .unreadableRun, .unreadablePin:
                try store.setAside(path, as: (path as NSString).lastPathComponent)
            case .nodeHistory:
                guard let entry = entries[finding.path] else { continue }
                try store.disk.replace(path, with: try CanonicalJSON.document(entry))
            }
        }
    }

    /// Removes a lock file that nobody holds: the kernel drops a lock with its process.
    private func remove(lock path: String) throws {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return }
        if unlink(path) != 0 && errno != ENOENT { throw StoreError(errno, .remove, path) }
    }

    private static func names(in folder: String, _ store: Store) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: store.path(folder))) ?? []).sorted()
    }

    private static func finding(inWork name: String, _ store: Store) -> Finding? {
        let path = "work/\(name)"
        if name.hasSuffix(Store.partLockSuffix) {
            guard PartLock.isFree(store.path(path)) else { return nil }
            return Finding(kind: .staleLock, path: path, remedy: "removed")
        }
        if name.hasSuffix(".lock") {
            let owner = WorkLock.owner(in: store.path(path))
            // A lock that is just being taken is empty.
            let isDead =
                owner.map { $0.isAlive == false } ?? (systemSeconds() - modified(store.path(path)) > 60)
            // Its process may be in another container.
            guard isDead, PartLock.isFree(store.path(path)) else { return nil }
            return Finding(kind: .staleLock, path: path, remedy: "removed")
        }
        let isLocked = store.disk.exists(store.path("\(path).lock"))
        if name.hasSuffix(".removed") || (!isLocked && !store.hasWork(name)) {
            return Finding(kind: .leftover, path: path, remedy: "deleted")
        }
        return nil
    }

    /// What nodes' files should hold that are missing or unreadable, by path below the root.
    private static func forgotten(_ store: Store, _ references: StoreReferences) -> [String: NodeHistory
        .Entry]
    {
        var entries: [String: NodeHistory.Entry] = [:]
        // Newest first: the first run that has a node decides.
        for run in references.runs where run.unreadable == nil {
            lazy var host = FileManager.default.contents(
                atPath: store.path("runs/\(run.id)/\(RunFolder.owner)")
            ).flatMap { try? JSONDecoder().decode(ProcessOwner.self, from: $0).host }
            lazy var names = (try? RunHistory(store).summary(of: run.id).stages.map(\.name)) ?? []
            for (link, key) in run.keys {
                let file = "nodes/\(NodeHistory.folderName(of: run.pipeline))/\(link).json"
                guard entries[file] == nil, let record = references.records[key] else { continue }
                let isReadable = FileManager.default.contents(atPath: store.path(file))
                    .map { (try? JSONDecoder().decode(NodeHistory.Entry.self, from: $0)) != nil }
                if isReadable == true { continue }
                entries[file] = NodeHistory.Entry(
                    names.first { Graph.Node.fileName(of: $0) == link }
                        ?? names.first { Graph.Node.earlierFileName(of: $0) == link } ?? record.node,
                    of: record, madeOn: host)
            }
        }
        return entries
    }
}
