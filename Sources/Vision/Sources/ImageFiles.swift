internal import Diagnostics
import Foundation

/// Listing of image files in folders, in an order that no file system decides.
enum ImageFiles {
    /// Endings of names that say "image".
    ///
    /// Formats that Retort cannot decode are among them, so that such a file ends in quarantine, where it is
    /// counted, instead of being passed over in silence.
    static let suffixes: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "heic",
        "avif",
    ]

    static func isImage(_ name: String) -> Bool {
        guard let dot = name.lastIndex(of: ".") else { return false }
        return suffixes.contains(name[name.index(after: dot)...].lowercased())
    }

    /// The complaint about a folder that is not there, with one beside it that may be meant.
    static func missing(_ root: URL) -> Diagnostic {
        let parent = root.deletingLastPathComponent()
        let beside = (try? folders(in: parent)) ?? []
        return Diagnostic(
            "there is no folder \(root.path)",
            hint: root.lastPathComponent.didYouMean(beside)
                ?? "a path is looked for in the folder in which retort runs, unless it begins with /",
            exitCode: .inputMissing)
    }

    static func isDirectory(_ url: URL) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }

    /// The visible entries of a folder, sorted.
    static func entries(of directory: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { !$0.hasPrefix(".") }
            .sorted()
    }

    /// The visible folders in a folder, sorted.
    static func folders(in directory: URL) throws -> [String] {
        try entries(of: directory).filter { !isImage($0) && isDirectory(directory.appending(path: $0)) }
    }

    /// Every image below a folder, as paths relative to it, sorted within each folder.
    static func images(below directory: URL) throws -> [String] {
        var paths: [String] = []
        for name in try entries(of: directory) {
            if isImage(name) {
                paths.append(name)
            } else if isDirectory(directory.appending(path: name)) {
                paths += try images(below: directory.appending(path: name)).map { "\(name)/\($0)" }
            }
        }
        return paths
    }

    /// The bytes of an image file.
    static func read(_ url: URL) throws(ImageError) -> Data {
        do { return try Data(contentsOf: url) } catch { throw .unreadable(reason: reason(error)) }
    }
}

extension URL {
    /// A file the user named: as it stands where absolute, else below a folder.
    static func file(_ path: String, in folder: URL) -> URL {
        path.hasPrefix("/") ? URL(filePath: path) : folder.appending(path: path)
    }
}

/// Why Foundation could not read a file, in the operating system's words where it passes them on.
func reason(_ error: any Error) -> String {
    if let code = ((error as? CocoaError)?.underlying as? POSIXError)?.code {
        return String(cString: strerror(code.rawValue))
    }
    return (error as NSError).localizedDescription
}
