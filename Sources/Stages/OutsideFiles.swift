import Diagnostics
import Engine
import Foundation

/// What a command makes where Retort was started, from where it is moved into the artifact.
///
/// None of it may be there before: it would pass for what the command made. Stages that are executed side by side and
/// make files of the same name there would take each other's, so each holds a lock that says which ones it may make.
struct OutsideFiles {
    private let context: StageContext
    private let paths: [String]
    private let locks: [String: FileLock]

    /// - Throws: a `Diagnostic` where one of the files is there already.
    init(_ paths: [String], in context: StageContext) throws {
        (self.paths, self.context) = (paths, context)
        let folder = context.store.deletingLastPathComponent().appending(path: "work")
        if !paths.isEmpty {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        locks = try Dictionary(
            uniqueKeysWithValues: paths.map { path in
                let name = SHA256.digest(of: context.resolve(path).path).prefix(16)
                return (path, try FileLock(folder.appending(path: "outside-\(name).lock")))
            })
        for path in paths where exists(path) {
            throw Diagnostic(
                "out: '\(path)' is there before the command has run", at: context.sourceLocation(of: "out"),
                hint:
                    "move it away, or let the command write to $OUT; what it leaves here would be moved into the artifact",
                exitCode: .badData)
        }
    }

    private func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: context.resolve(path).path)
    }

    /// Moves a file or folder into the artifact; false where there is none.
    ///
    /// - Throws: a `Diagnostic` where another stage that is at work may be making it.
    func take(_ path: String) throws -> Bool {
        guard exists(path) else { return false }
        guard locks[path]?.isExclusive() ?? true else {
            throw Diagnostic(
                "out: another command that is at work makes '\(path)' in \(context.directory.path), too",
                at: context.sourceLocation(of: "out"),
                hint: "let both write to $OUT, or run them one after the other (without -j)",
                exitCode: .badData)
        }
        try move(path)
        return true
    }

    /// Moves what is there beside what a command made that did not come to its end.
    func putAside() {
        for path in paths where exists(path) && locks[path]?.isExclusive() ?? true { try? move(path) }
    }

    private func move(_ path: String) throws {
        let inside = context.output.appending(path: path)
        if FileManager.default.fileExists(atPath: inside.path) { return }
        try FileManager.default.createDirectory(
            at: inside.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.moveItem(at: context.resolve(path), to: inside)
    }
}

/// A lock that many hold together, and one can hold alone; it ends with this object or the process.
private final class FileLock {
    private let descriptor: Int32

    /// Waits until nobody holds it alone.
    init(_ file: URL) throws {
        descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw StoreError(errno, .create, file.path) }
        _ = flock(descriptor, LOCK_SH)
    }

    deinit { close(descriptor) }

    /// Whether nobody else holds it; then nobody else gets it.
    func isExclusive() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK }
}
