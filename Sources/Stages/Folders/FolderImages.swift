internal import Diagnostics
internal import Foundation
internal import Vision

/// The images below a plain folder, outside any pipeline: those that can be decoded, in the order of their names.
struct FolderImages {
    /// The readable images; their ids are their paths below the folder.
    let records: [ImageRecord]
    /// Files that could not be read as images, with the reasons.
    let skipped: [String: String]
    /// Opens the images.
    let provider: ImageProvider

    /// Looks at every file with the extension of an image.
    ///
    /// - Throws: a `Diagnostic` where there is no folder, no image, or none that can be decoded.
    init(_ folder: URL) throws {
        let keys = Set(["jpg", "jpeg", "png", "webp"])
        guard let walk = FileManager.default.enumerator(atPath: folder.path) else {
            throw Diagnostic("no folder \(folder.path)", exitCode: .inputMissing)
        }
        let names = walk.compactMap { $0 as? String }
            .filter { keys.contains(($0 as NSString).pathExtension.lowercased()) }.sorted()
        guard !names.isEmpty else {
            throw Diagnostic(
                "\(folder.path) holds no images", hint: "images are .jpg, .jpeg, .png or .webp files",
                exitCode: .badData)
        }
        let source = PlainFolder(root: folder)
        var records: [ImageRecord] = []
        var skipped: [String: String] = [:]
        for name in names {
            do {
                let image = try source.image(name, atLeast: nil)
                records.append(
                    ImageRecord(
                        id: name, dataset: Self.dataset, member: name, width: image.width,
                        height: image.height))
            } catch let error as ImageError {
                skipped[name] = "\(error)"
            }
        }
        guard !records.isEmpty else {
            throw Diagnostic(
                "none of the \(names.count) images of \(folder.path) can be decoded", exitCode: .badData)
        }
        self.records = records
        self.skipped = skipped
        provider = ImageProvider([Self.dataset: source])
    }

    private static let dataset = "folder"
}

/// Images by their path below a folder.
private struct PlainFolder: ImageSource {
    let root: URL
    var classes: [String] { [] }
    func members() throws -> [SourceMember] { [] }
    func contentFiles() throws -> [URL] { [] }
    func bytes(of member: String) throws -> Data? {
        do {
            return try Data(contentsOf: root.appending(path: member))
        } catch {
            throw ImageError.unreadable(reason: "\(error.localizedDescription)")
        }
    }
}
