internal import Foundation

/// The right to make parts of a stage's result beside others, which keeps everybody else out of the work folder.
///
/// The jobs that make parts share it; the kernel drops it with the process. It is taken only by who holds the key's
/// ``WorkLock``: who holds that and finds this lock free knows that no part is being made, and that none begins.
final class PartLock {
    private let descriptor: Int32

    /// Takes the lock beside others that have it.
    init(_ path: String) throws {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw StoreError(errno, .lock, path) }
            // Nobody keeps it to himself for longer than it takes to look.
            var code = flock(descriptor, LOCK_SH)
            while code != 0 && errno == EINTR { code = flock(descriptor, LOCK_SH) }
            guard code == 0 else {
                let reason = errno
                close(descriptor)
                throw StoreError(reason, .lock, path)
            }
            if WorkLock.isSame(descriptor, path) {
                self.descriptor = descriptor
                return
            }
            // The file was removed between our opening and locking it.
            close(descriptor)
        }
    }

    deinit { close(descriptor) }

    /// Whether no process has the lock; `removing` also removes the file that those who had it have left.
    static func isFree(_ path: String, removing: Bool = false) -> Bool {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT || errno == ENOTDIR }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return false }
        if removing && WorkLock.isSame(descriptor, path) { unlink(path) }
        return true
    }
}

extension Store {
    /// What the name of a ``PartLock`` ends with.
    static let partLockSuffix = ".parts.lock"

    func partLockPath(_ key: String) -> String { path("work/\(key)\(Self.partLockSuffix)") }

    /// Whether no job makes parts at a key: only then may others change its work folder.
    func isFreeOfParts(_ key: String, removing: Bool = false) -> Bool {
        PartLock.isFree(partLockPath(key), removing: removing)
    }
}
