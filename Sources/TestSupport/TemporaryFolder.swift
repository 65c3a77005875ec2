public import Foundation

/// A folder for one test, removed with this object; `RETORT_KEEP_TEMP=1` keeps it for a look.
public final class TemporaryFolder: Sendable {
    /// Where it lies.
    public let url: URL

    /// Makes an empty folder.
    public init() throws {
        url = Self.parent
            .appending(path: "retort-test-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        if Self.isKept { print("kept: \(url.path)") }
    }

    deinit {
        if !Self.isKept { try? FileManager.default.removeItem(at: url) }
    }

    /// In memory where the system offers it: the store waits for the disk often, and tests need not.
    private static let parent: URL = {
        let memory = "/dev/shm"
        let isChosen = ProcessInfo.processInfo.environment["TMPDIR"] != nil
        let isThere = FileManager.default.isWritableFile(atPath: memory)
        return !isChosen && isThere ? URL(filePath: memory) : FileManager.default.temporaryDirectory
    }()

    private static var isKept: Bool { ProcessInfo.processInfo.environment["RETORT_KEEP_TEMP"] == "1" }

    /// A place in the folder.
    public func appending(_ path: String) -> URL { url.appending(path: path) }

    /// Writes a text file, with the folders above it.
    @discardableResult
    public func write(_ text: String, to path: String) throws -> URL {
        let file = appending(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file
    }

    /// Reads a text file.
    public func read(_ path: String) throws -> String {
        try String(contentsOf: appending(path), encoding: .utf8)
    }

    /// The paths of all files, in order.
    public func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: url.path).filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: appending(path).path, isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }
}
