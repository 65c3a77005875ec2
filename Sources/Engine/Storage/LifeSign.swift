internal import Foundation
internal import Synchronization

/// The sign by which others see that the process of a run lives: a lock on `owner.lock` in the run's folder.
///
/// The kernel drops the lock with the process, however that ends, and it is seen in containers that do not see the
/// process. Where the lock does not reach, on other machines, the file's time stamp tells: it is renewed every minute.
final class LifeSign {
    static let fileName = "owner.lock"
    /// A process that has not renewed its sign for so many seconds is dead.
    static let patience = 600.0
    /// A run that has not said for so many seconds whose it is will not do so any more.
    static let beginning = 300.0

    /// Whether the file system has such locks.
    let isLocked: Bool
    private let descriptor: Mutex<Int32>
    private let timer: any DispatchSourceTimer

    /// Gives the sign in a run's folder for as long as this lives.
    init(_ folder: String) throws {
        let path = "\(folder)/\(Self.fileName)"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw StoreError(errno, .create, path) }
        // Who looks holds it for a moment.
        var code = flock(file, LOCK_EX)
        while code != 0 && errno == EINTR { code = flock(file, LOCK_EX) }
        isLocked = code == 0
        descriptor = Mutex(file)
        timer = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
        timer.schedule(deadline: .now() + 60, repeating: 60)
        timer.setEventHandler { [weak self] in self?.renew() }
        timer.activate()
    }

    deinit {
        timer.cancel()
        descriptor.withLock { _ = close($0) }
    }

    /// Says that the process lives.
    func renew() { descriptor.withLock { _ = futimens($0, nil) } }

    /// How a lock file is found.
    private enum State { case held, free, unknown }

    private static func state(_ path: String) -> State {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return .unknown }
        defer { close(file) }
        // Several may look at once.
        if flock(file, LOCK_SH | LOCK_NB) == 0 { return .free }
        return errno == EWOULDBLOCK ? .held : .unknown
    }

    /// Whether the process whose run has a folder lives; nil when nobody here can know.
    static func isAlive(_ folder: String, now: Double = systemSeconds()) -> Bool? {
        let path = "\(folder)/\(fileName)"
        let owner = WorkLock.owner(in: "\(folder)/\(RunFolder.owner)")
        let state = state(path)
        if state == .held { return true }
        guard let owner else { return now - modified(folder) > beginning ? false : nil }
        if state == .free, owner.holdsLock == true,
            owner.isOfThisBoot || FileSystem.of(folder)?.isShared == false
        {
            return false
        }
        if let isAlive = owner.isAlive { return isAlive }
        // Runs of earlier versions gave no sign.
        guard owner.holdsLock != nil else { return nil }
        return now - max(modified(path), seconds(of: owner.heartbeat) ?? 0) > patience ? false : nil
    }
}

extension Store {
    /// Whether the process of a run lives; nil when nobody here can know.
    func isAlive(run id: String) -> Bool? { LifeSign.isAlive(path("runs/\(id)")) }
}
