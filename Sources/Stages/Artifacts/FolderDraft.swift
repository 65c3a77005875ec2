internal import Diagnostics
public import Foundation

/// A folder that has its contents only when all of them are there.
public enum FolderDraft {
    /// Lets `body` write beside an empty folder, which is made where there is none, and then puts that in its place.
    ///
    /// What a `body` that throws has written is removed, and so is what a process left that was killed.
    /// - Throws: a `Diagnostic` when something lies in the folder, or is no folder; what `body` throws.
    public static func write<Result>(_ folder: URL, _ body: (_ draft: URL) throws -> Result) throws -> Result
    {
        let files = FileManager.default
        var isFolder: ObjCBool = false
        let hint = "name a folder that is empty, or is not there yet"
        if files.fileExists(atPath: folder.path, isDirectory: &isFolder), !isFolder.boolValue {
            throw Diagnostic("\(folder.path) is no folder", hint: hint, exitCode: .usage)
        }
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        guard try files.contentsOfDirectory(atPath: folder.path).isEmpty else {
            throw Diagnostic("\(folder.path) is not empty", hint: hint, exitCode: .usage)
        }
        let whole = folder.standardizedFileURL
        let draft = whole.deletingLastPathComponent()
            .appending(path: ".\(whole.lastPathComponent).partial", directoryHint: .isDirectory)
        if files.fileExists(atPath: draft.path) { try files.removeItem(at: draft) }
        defer { try? files.removeItem(at: draft) }
        try files.createDirectory(at: draft, withIntermediateDirectories: true)
        let result = try body(draft)
        // Takes the place of an empty folder, and of no other.
        guard rename(draft.path, whole.path) == 0 else {
            throw Diagnostic(
                "cannot give '\(folder.path)' its contents: \(String(cString: strerror(errno)))",
                exitCode: .io)
        }
        return result
    }
}
