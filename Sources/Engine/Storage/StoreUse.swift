internal import Diagnostics
internal import Foundation

/// The right to rely on what lies in a store: while one process has it, `gc` deletes nothing.
///
/// Those who take artifacts hold a lock on `runs.lock` together; who deletes holds it alone. The kernel drops it with
/// the process. Where the file system has no such locks, or the store cannot be written and has no such file, nothing
/// is held.
public final class StoreUse: Sendable {
    private let descriptor: Int32

    fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}

extension Store {
    /// The file that those who use the store lock.
    static let useLock = "runs.lock"

    /// Takes the right to use what lies in the store, beside others; nil where there are no locks.
    ///
    /// - Parameter whileWaiting: is called, ten times a second, while something is being deleted.
    public func use(whileWaiting: () throws -> Void = {}) throws -> StoreUse? {
        let descriptor = openUseLock()
        guard descriptor >= 0 else { return nil }
        let use = StoreUse(descriptor)
        while flock(descriptor, LOCK_SH | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { return nil }
            try whileWaiting()
            usleep(100_000)
        }
        return use
    }

    /// Takes the right to delete; nil where there are no locks.
    ///
    /// - Throws: a `Diagnostic` where somebody uses the store.
    func own() throws -> StoreUse? {
        let descriptor = openUseLock()
        guard descriptor >= 0 else { return nil }
        let use = StoreUse(descriptor)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { return nil }
            throw Diagnostic(
                "a run, or a job of one, is at work in '\(root.path)'",
                hint: "collect when it is over, or stop it", exitCode: .stopped)
        }
        return use
    }

    /// Opens the file, for reading where the store cannot be written; a store that is not there is not made.
    private func openUseLock() -> Int32 {
        let path = path(Self.useLock)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        return descriptor >= 0 ? descriptor : open(path, O_RDONLY | O_CLOEXEC)
    }
}
