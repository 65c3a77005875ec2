public import Diagnostics
public import Foundation

/// A folder of image files, one folder for each class.
///
/// Four layouts are told apart by what is there:
/// - `root/<split>/<class>/<file>`: folders hold folders;
/// - `root/<class>/<file>`: one split, called `all`;
/// - `root/<class>/<file>` with split lists: text files that name one `<class>/<file>` a line;
/// - `root/<file>`: one split, `all`, without labels.
///
/// Classes are the sorted folder names, unless `root/classes.txt` names them, one a line, in label order.
public struct ImageFolderSource: ImageSource {
    /// The class names.
    public let classes: [String]
    private let root: URL
    private let listed: [SourceMember]
    private let companions: [URL]

    /// Lists a folder.
    ///
    /// `splits` picks some of the split folders, in that order; `lists` maps a split's name to its list file.
    public init(root: URL, splits: [String]? = nil, lists: [String: URL] = [:]) throws(Problems) {
        self.root = root
        guard ImageFiles.isDirectory(root) else {
            throw Problems([ImageFiles.missing(root)])
        }
        var problems = Problems()
        var images: [FolderImage] = []
        do {
            images =
                lists.isEmpty
                ? try FolderImage.list(root, splits: splits, &problems)
                : try FolderImage.list(root, lists: lists, &problems)
        } catch {
            problems.report(Diagnostic("cannot read \(root.path): \(reason(error))", exitCode: .io))
        }
        let namesFile = root.appending(path: "classes.txt")
        let found = Set(images.compactMap(\.class))
        if let text = try? String(contentsOf: namesFile, encoding: .utf8) {
            classes = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty }
            companions = [namesFile] + lists.sorted { $0.key < $1.key }.map(\.value)
        } else {
            classes = found.sorted()
            companions = lists.sorted { $0.key < $1.key }.map(\.value)
        }
        for name in found.subtracting(classes).sorted() {
            problems.report(
                Diagnostic(
                    "folder '\(name)' is not a class of \(namesFile.path)", hint: name.didYouMean(classes),
                    exitCode: .badData))
        }
        if images.isEmpty, problems.all.isEmpty {
            problems.report(
                Diagnostic(
                    "there are no images in \(root.path)",
                    hint: "expected <split>/<class>/<file> or <class>/<file>",
                    exitCode: .badData))
        }
        try problems.check()
        let labels = Dictionary(classes.enumerated().map { ($1, $0) }) { first, _ in first }
        listed = images.map { image in
            SourceMember(
                split: image.split, member: image.path, label: image.class.flatMap { labels[$0] })
        }
    }

    /// Every image: splits and files sorted, or in the order of the lists.
    public func members() -> [SourceMember] { listed }

    /// The bytes of a file below the root.
    public func bytes(of member: String) throws -> Data? { try ImageFiles.read(root.appending(path: member)) }

    /// Every listed file, `classes.txt` and the lists.
    public func contentFiles() -> [URL] {
        companions + Set(listed.map(\.member)).sorted().map { root.appending(path: $0) }
    }
}

/// An image file with what its path says about it.
private struct FolderImage {
    let split: String
    let path: String
    let `class`: String?

    static func list(_ root: URL, splits: [String]?, _ problems: inout Problems) throws -> [FolderImage] {
        let folders = try ImageFiles.folders(in: root)
        guard try splits != nil || folders.contains(where: { try hasFolders(root.appending(path: $0)) })
        else {
            return try ImageFiles.images(below: root).map { FolderImage(split: "all", path: $0, below: $0) }
        }
        var images: [FolderImage] = []
        for split in splits ?? folders {
            guard folders.contains(split) else {
                problems.report(
                    Diagnostic(
                        "there is no split '\(split)' in \(root.path)", hint: split.didYouMean(folders),
                        exitCode: .inputMissing))
                continue
            }
            images += try ImageFiles.images(below: root.appending(path: split)).map {
                FolderImage(split: split, path: "\(split)/\($0)", below: $0)
            }
        }
        return images
    }

    static func list(_ root: URL, lists: [String: URL], _ problems: inout Problems) throws -> [FolderImage] {
        var images: [FolderImage] = []
        for (split, list) in lists.sorted(by: { $0.key < $1.key }) {
            guard let text = try? String(contentsOf: list, encoding: .utf8) else {
                problems.report(Diagnostic("cannot read the list \(list.path)", exitCode: .inputMissing))
                continue
            }
            var first: [String: Int] = [:]
            for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .enumerated()
            {
                let path = line.trimmingCharacters(in: .whitespaces)
                if path.isEmpty || path.hasPrefix("#") { continue }
                let location = SourceLocation(list.path, index + 1, 1)
                if let earlier = first.updateValue(index + 1, forKey: path) {
                    problems.report(
                        Diagnostic(
                            "'\(path)' is listed twice, first on line \(earlier)", at: location,
                            exitCode: .badData))
                } else if FileManager.default.fileExists(atPath: root.appending(path: path).path) {
                    images.append(FolderImage(split: split, path: path, below: path))
                } else {
                    problems.report(
                        Diagnostic(
                            "there is no file '\(path)' in \(root.path)", at: location,
                            exitCode: .inputMissing))
                }
            }
        }
        return images
    }

    private static func hasFolders(_ url: URL) throws -> Bool { try !ImageFiles.folders(in: url).isEmpty }

    /// The first folder below the split is the class; folders within a class do not count.
    private init(split: String, path: String, below: String) {
        let folders = below.split(separator: "/").dropLast()
        self.init(split: split, path: path, class: folders.first.map(String.init))
    }

    private init(split: String, path: String, class: String?) {
        self.split = split
        self.path = path
        self.class = `class`
    }
}
