public import Diagnostics
internal import Foundation

/// Another process is at work on the same artifact.
public struct LockBusy: Error, Hashable, Sendable, CustomStringConvertible {
    /// The node that waits.
    public var node: String
    /// Who holds the lock, as far as is known.
    public var owner: ProcessOwner?
    /// Whether jobs of an earlier run are making parts of it.
    public var isInParts = false

    /// The exit code of a process that ends because of it.
    public var exitCode: ExitCode { .stopped }
    /// What to do about it.
    public var hint: String { "wait for it, or let this run wait: --wait 10min" }
    /// `another process (pid 12 on host) is making 'student'`.
    public var description: String {
        if isInParts { return "jobs of another run are making parts of '\(node)'" }
        let who = owner.map { " (pid \($0.pid) on \($0.host), alive at \($0.heartbeat))" } ?? ""
        return "another process\(who) is making '\(node)'"
    }
}

/// The right to work at a key.
///
/// The kernel keeps the lock and drops it with the process, however that ends. The file's content only tells
/// others who holds it; content without a lock was left by a process that died.
final class WorkLock {
    /// The process that held the lock when it died, if one did.
    let reclaimedFrom: ProcessOwner?
    private let path: String
    private let descriptor: Int32
    private var lastHeartbeat = monotonicSeconds()

    /// Takes the lock, waiting for another process for at most `patience` seconds.
    init(_ path: String, node: String, patience: Double, whileWaiting: (LockBusy) throws -> Void) throws {
        self.path = path
        try Disk().createFolder((path as NSString).deletingLastPathComponent)
        let start = monotonicSeconds()
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw StoreError(errno, .lock, path) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                if Self.isSame(descriptor, path) {
                    self.descriptor = descriptor
                    reclaimedFrom = Self.owner(in: path)
                    break
                }
                // The holder removed the file between our opening and locking it.
                close(descriptor)
                continue
            }
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw StoreError(code, .lock, path) }
            let busy = LockBusy(node: node, owner: Self.owner(in: path))
            guard monotonicSeconds() - start < patience else { throw busy }
            try whileWaiting(busy)
            usleep(100_000)
        }
        try write()
    }

    deinit {
        unlink(path)
        close(descriptor)
    }

    /// Says that this process is alive, at most every five seconds.
    func beat() throws {
        let now = monotonicSeconds()
        guard now - lastHeartbeat > 5 else { return }
        lastHeartbeat = now
        try write()
    }

    /// Who last wrote into a lock file.
    static func owner(in path: String) -> ProcessOwner? {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
        return try? JSONDecoder().decode(ProcessOwner.self, from: data)
    }

    private func write() throws {
        let data = try CanonicalJSON.document(ProcessOwner.current())
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw StoreError(errno, .write, path)
        }
        try Disk.write(data, to: descriptor, path: path)
    }

    /// Whether an open file is the one that has the name now.
    static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        var (opened, named) = (stat(), stat())
        guard fstat(descriptor, &opened) == 0, stat(path, &named) == 0 else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }
}

extension Store {
    /// Who is at work on a key right now, as a reason not to count on it; nil where nobody is known to be.
    func workers(at key: String) -> String? {
        if let owner = WorkLock.owner(in: path("work/\(key).lock")) {
            switch owner.isAlive {
            case .some(true): return "process \(owner.pid) is making it right now"
            case .none:
                return
                    "process \(owner.pid) on \(owner.host) has begun it, and was alive at \(owner.heartbeat)"
            case .some(false): break
            }
        }
        return isFreeOfParts(key) ? nil : "jobs of another run are making parts of it right now"
    }
}
