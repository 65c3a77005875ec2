public import Diagnostics
public import Foundation

/// A folder of images with a mask each: `root/<split>/images/<name>.jpg` and `root/<split>/masks/<name>.png`.
///
/// `root/classes.txt` names the classes, one a line in the order of their numbers; a line may begin with the number
/// and end with a colour, `4 road 128 64 0`.
public struct MaskFolderSource: ImageSource {
    /// The class names.
    public let classes: [String]
    private let root: URL
    private let listed: [SourceMember]
    private let masks: [String: String]

    private static let classesFile = "classes.txt"

    /// Lists a folder; `splits` picks some of the split folders, in that order.
    ///
    /// - Throws: every image without a mask, and whatever else is missing.
    public init(root: URL, splits: [String]? = nil) throws(Problems) {
        self.root = root
        guard ImageFiles.isDirectory(root) else {
            throw Problems([ImageFiles.missing(root)])
        }
        var problems = Problems()
        classes = Self.classes(of: root, &problems)
        var (listed, masks): ([SourceMember], [String: String]) = ([], [:])
        do {
            let folders = try ImageFiles.folders(in: root)
            for split in splits ?? folders {
                let folder = root.appending(path: split)
                guard ImageFiles.isDirectory(folder.appending(path: "images")) else {
                    problems.report(
                        Diagnostic(
                            "there is no folder \(split)/images in \(root.path)",
                            hint: split.didYouMean(folders) ?? "expected <split>/images and <split>/masks",
                            exitCode: .inputMissing))
                    continue
                }
                for name in try ImageFiles.images(below: folder.appending(path: "images")) {
                    let stem = name[..<(name.lastIndex(of: ".") ?? name.endIndex)]
                    let (image, mask) = ("\(split)/images/\(name)", "\(split)/masks/\(stem).png")
                    listed.append(SourceMember(split: split, member: image))
                    masks[image] = mask
                    guard !FileManager.default.fileExists(atPath: root.appending(path: mask).path) else {
                        continue
                    }
                    problems.report(
                        Diagnostic(
                            "'\(image)' has no mask '\(mask)' in \(root.path)", exitCode: .inputMissing))
                }
            }
        } catch {
            problems.report(Diagnostic("cannot read \(root.path): \(reason(error))", exitCode: .io))
        }
        (self.listed, self.masks) = (listed, masks)
        try problems.check()
    }

    private static func classes(of root: URL, _ problems: inout Problems) -> [String] {
        let file = root.appending(path: classesFile)
        guard let text = try? String(contentsOf: file, encoding: .utf8) else {
            problems.report(
                Diagnostic(
                    "there is no \(file.path) that names the classes in the masks",
                    hint: "write one name a line, in the order of their numbers", exitCode: .inputMissing))
            return []
        }
        return text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.enumerated().map { number, line in
                guard let match = line.wholeMatch(of: /(\d+)\s+(.*?)(\s+\d+\s+\d+\s+\d+)?/),
                    Int(match.1) == number
                else { return line }
                return String(match.2)
            }
    }

    /// Every image: splits and files sorted.
    public func members() -> [SourceMember] { listed }

    /// The bytes of a file below the root.
    public func bytes(of member: String) throws -> Data? { try ImageFiles.read(root.appending(path: member)) }

    /// The bytes of an image's mask.
    public func maskBytes(of member: String) throws -> Data? {
        try masks[member].map { try ImageFiles.read(root.appending(path: $0)) }
    }

    /// Every image, every mask and `classes.txt`.
    public func contentFiles() -> [URL] {
        ([Self.classesFile] + Set(listed.map(\.member)).sorted() + Set(masks.values).sorted())
            .map { root.appending(path: $0) }
    }
}
