public import Foundation
internal import Synchronization

/// The digests of files outside the store, remembered while the files stay untouched.
///
/// Content decides. A remembered digest is used only while size, both time stamps (to the nanosecond) and inode
/// are those of the moment at which the file was read.
public final class DigestCache: Sendable {
    private struct State {
        var entries: [String: String] = [:]
        var isLoaded = false
        var isChanged = false
        var computed = 0
    }

    private let file: URL?
    private let state = Mutex(State())

    private let clock: @Sendable () -> Double

    /// Opens the cache kept in `file`; without a file it lives as long as the process.
    public convenience init(file: URL? = nil) { self.init(file: file, clock: systemSeconds) }

    init(file: URL? = nil, clock: @escaping @Sendable () -> Double) {
        self.file = file
        self.clock = clock
    }

    /// The folder that it is kept in, which is the store's.
    public var folder: URL? { file?.deletingLastPathComponent() }

    /// How many digests were computed, rather than remembered, by this instance.
    public var computedCount: Int { state.withLock { $0.computed } }

    /// Whether the digest of a file is known without reading the file: it is there, and as it was.
    public func remembers(_ file: URL) -> Bool {
        (try? known(file.standardizedFileURL.path).digest) != nil
    }

    /// The SHA-256 of a file's bytes.
    public func digest(of file: URL) throws -> String {
        let path = file.standardizedFileURL.path
        let (known, stamp) = try known(path)
        if let known { return known }
        let digest = try SHA256.digest(of: file)
        // A file that is being written, or was written within a tick of the file system's clock, may change
        // again without a new stamp.
        let isSettled = try Self.stamp(of: path) == stamp && age(of: path) > 0.02
        state.withLock { state in
            state.computed += 1
            guard isSettled else { return }
            state.entries[path] = "\(stamp) \(digest)"
            state.isChanged = true
        }
        return digest
    }

    /// One digest for many files: of each file's path below `root` and its content, in order of path.
    public func digest(of files: [URL], below root: URL) throws -> String {
        let base = root.standardizedFileURL.path + "/"
        let lines = try files.map { file -> String in
            let path = file.standardizedFileURL.path
            let name = path.hasPrefix(base) ? String(path.dropFirst(base.count)) : file.lastPathComponent
            return "\(name) \(try digest(of: file))\n"
        }
        return SHA256.digest(of: lines.sorted().joined())
    }

    /// Writes what was learned back to the cache's file.
    public func save() throws {
        guard let file else { return }
        let entries = state.withLock { state in
            defer { state.isChanged = false }
            return state.isChanged ? state.entries : nil
        }
        if let entries { try Disk().replace(file.path, with: try CanonicalJSON.document(entries)) }
    }

    /// A file's stamp now, and its digest where it is remembered under that stamp.
    private func known(_ path: String) throws -> (digest: String?, stamp: String) {
        let stamp = try Self.stamp(of: path)
        guard let entry = remembered(path), entry.hasPrefix(stamp + " ") else { return (nil, stamp) }
        return (String(entry.suffix(64)), stamp)
    }

    private func remembered(_ path: String) -> String? {
        state.withLock { state in
            if !state.isLoaded, let file {
                // An unreadable cache is an empty one: everything in it can be computed again.
                let data = (try? Data(contentsOf: file)) ?? Data()
                state.entries = (try? JSONDecoder().decode([String: String].self, from: data)) ?? [:]
            }
            state.isLoaded = true
            return state.entries[path]
        }
    }

    private static func status(of path: String) throws -> stat {
        var status = stat()
        guard stat(path, &status) == 0 else { throw StoreError(errno, .read, path) }
        return status
    }

    /// Size, both times and inode of a file: another stamp, and its bytes may be others.
    static func stamp(of path: String) throws -> String {
        let status = try status(of: path)
        let (changed, modified) = (status.st_ctim, status.st_mtim)
        return
            "\(status.st_size) \(modified.tv_sec).\(modified.tv_nsec) \(changed.tv_sec).\(changed.tv_nsec) "
            + "\(status.st_ino)"
    }

    private func age(of path: String) throws -> Double {
        let changed = try Self.status(of: path).st_ctim
        return clock() - Double(changed.tv_sec) - Double(changed.tv_nsec) / 1e9
    }
}
