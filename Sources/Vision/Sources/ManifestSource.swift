public import Diagnostics
public import Foundation

/// A list of image files: CSV with a header (`path,label[,split][,class]`) or JSON Lines with the same keys.
///
/// Paths are relative to the manifest's folder. A label is a number or a class name; an empty one means unlabelled.
/// Beside a number, `class` gives that label's name. JSON Lines may add `caption` or `captions`. Every problem of
/// the file is reported at its line.
public struct ManifestSource: ImageSource {
    /// The class names, in label order; sorted where labels are names.
    public let classes: [String]
    private let manifest: URL
    private let listed: [SourceMember]

    /// Reads a manifest; the name's ending tells CSV (`.csv`) from JSON Lines (`.jsonl`, `.ndjson`).
    ///
    /// `classes` fixes the class names and their order.
    public init(_ manifest: URL, classes: [String]? = nil) throws(Problems) {
        self.manifest = manifest
        var problems = Problems()
        let text: String
        do {
            text = String(decoding: try Data(contentsOf: manifest), as: UTF8.self)
        } catch {
            throw Problems([
                Diagnostic("cannot read \(manifest.path): \(reason(error))", exitCode: .inputMissing)
            ])
        }
        let rows =
            switch manifest.pathExtension.lowercased() {
            case "csv": ManifestRow.csv(text, manifest.path, &problems)
            case "jsonl", "ndjson": ManifestRow.jsonLines(text, manifest.path, &problems)
            default:
                throw Problems([Diagnostic("\(manifest.path) is neither .csv nor .jsonl", exitCode: .badData)]
                )
            }
        let labels = ManifestLabels(rows, given: classes, manifest.path, &problems)
        let folder = manifest.deletingLastPathComponent()
        var first: [String: Int] = [:]
        for row in rows {
            let location = SourceLocation(manifest.path, row.line, 1)
            if let earlier = first.updateValue(row.line, forKey: row.path) {
                problems.report(
                    Diagnostic(
                        "'\(row.path)' is listed twice, first on line \(earlier)", at: location,
                        exitCode: .badData))
            } else if !FileManager.default.fileExists(atPath: URL.file(row.path, in: folder).path) {
                problems.report(
                    Diagnostic("there is no file '\(row.path)'", at: location, exitCode: .inputMissing))
            }
        }
        if rows.isEmpty, problems.all.isEmpty {
            problems.report(Diagnostic("\(manifest.path) lists no image", exitCode: .badData))
        }
        try problems.check()
        self.classes = labels.names
        listed = rows.map { row in
            SourceMember(
                split: row.split ?? "all", member: row.path, label: labels.number(of: row),
                captions: row.captions)
        }
    }

    /// Every image, in the manifest's order.
    public func members() -> [SourceMember] { listed }

    /// The bytes of a listed file.
    public func bytes(of member: String) throws -> Data? {
        try ImageFiles.read(URL.file(member, in: manifest.deletingLastPathComponent()))
    }

    /// The manifest, then every image in its order.
    public func contentFiles() -> [URL] {
        let folder = manifest.deletingLastPathComponent()
        return [manifest] + listed.map { URL.file($0.member, in: folder) }
    }
}

/// One row of a manifest, before its label is a number.
struct ManifestRow {
    let line: Int
    let path: String
    var split: String?
    var label: String?
    var className: String?
    var captions: [String]?

    private static let columns = ["path", "label", "split", "class", "caption"]

    static func csv(_ text: String, _ file: String, _ problems: inout Problems) -> [ManifestRow] {
        let rows: [CSV.Row]
        do { rows = try CSV.rows(of: text, file: file) } catch {
            problems.report(error)
            return []
        }
        guard let header = rows.first else { return [] }
        let names = header.fields.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        guard names.contains("path") else {
            problems.report(
                Diagnostic(
                    "the header names no column 'path'", at: SourceLocation(file, header.line, 1),
                    hint: "path".nearest(in: names).map { "did you mean it by '\($0)'?" }
                        ?? "expected path,label[,split][,class]", exitCode: .badData))
            return []
        }
        return rows.dropFirst().compactMap { row in
            guard row.fields.count == names.count else {
                problems.report(
                    Diagnostic(
                        "\(row.fields.count) fields where the header has \(names.count)",
                        at: SourceLocation(file, row.line, 1),
                        hint: "quote a field that holds a comma", exitCode: .badData))
                return nil
            }
            let values = Dictionary(zip(names, row.fields).filter { !$1.isEmpty }) { first, _ in first }
            guard let path = values["path"] else {
                problems.report(
                    Diagnostic("the path is empty", at: SourceLocation(file, row.line, 1), exitCode: .badData)
                )
                return nil
            }
            return ManifestRow(
                line: row.line, path: path, split: values["split"], label: values["label"],
                className: values["class"], captions: values["caption"].map { [$0] })
        }
    }

    static func jsonLines(_ text: String, _ file: String, _ problems: inout Problems) -> [ManifestRow] {
        var rows: [ManifestRow] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            if line.allSatisfy(\.isWhitespace) { continue }
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let location = SourceLocation(file, index + 1, 1)
            guard let object else {
                problems.report(
                    Diagnostic("this line is not a JSON object", at: location, exitCode: .badData))
                continue
            }
            guard let path = object["path"] as? String, !path.isEmpty else {
                problems.report(
                    Diagnostic(
                        "the key 'path' is missing", at: location,
                        hint: "path".didYouMean(object.keys.sorted()), exitCode: .badData))
                continue
            }
            rows.append(
                ManifestRow(
                    line: index + 1, path: path, split: object["split"] as? String,
                    label: object["label"] as? String ?? (object["label"] as? Int).map(String.init),
                    className: object["class"] as? String,
                    captions: object["captions"] as? [String] ?? (object["caption"] as? String).map { [$0] }))
        }
        return rows
    }
}

/// What the labels of a manifest mean: numbers as written, or names in sorted order.
private struct ManifestLabels {
    let names: [String]
    private let numbers: [String: Int]
    private let areNumbers: Bool

    init(_ rows: [ManifestRow], given: [String]?, _ file: String, _ problems: inout Problems) {
        let texts = Set(rows.compactMap(\.label))
        let values = texts.compactMap { Int($0) }
        areNumbers = !texts.isEmpty && values.count == texts.count
        guard areNumbers else {
            // A `class` without a label is a label by name.
            names = given ?? Set(rows.compactMap { $0.label ?? $0.className }).sorted()
            numbers = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
            for row in rows {
                guard let name = row.label ?? row.className, numbers[name] == nil else { continue }
                problems.report(
                    Diagnostic(
                        "class '\(name)' is not among those named", at: SourceLocation(file, row.line, 1),
                        hint: name.didYouMean(names), exitCode: .badData))
            }
            return
        }
        let highest = values.filter(SourceMember.labels.contains).max() ?? -1
        var names = given ?? (0..<highest + 1).map(String.init)
        var firstLine: [Int: Int] = [:]
        for row in rows {
            guard let label = row.label.flatMap({ Int($0) }) else { continue }
            let location = SourceLocation(file, row.line, 1)
            if !SourceMember.labels.contains(label) {
                problems.report(
                    Diagnostic(
                        "label \(label) is no class number", at: location,
                        hint: "classes are counted from 0; leave the label empty where there is none",
                        exitCode: .badData))
            } else if label >= names.count {
                problems.report(
                    Diagnostic(
                        "label \(label) has no name: \(names.count) classes are named", at: location,
                        exitCode: .badData))
            } else if let name = row.className, given == nil {
                if let line = firstLine[label], names[label] != name {
                    problems.report(
                        Diagnostic(
                            "label \(label) is '\(name)' here and '\(names[label])' on line \(line)",
                            at: location,
                            exitCode: .badData))
                } else if firstLine[label] == nil {
                    names[label] = name
                    firstLine[label] = row.line
                }
            }
        }
        self.names = names
        numbers = [:]
    }

    func number(of row: ManifestRow) -> Int? {
        areNumbers ? row.label.flatMap { Int($0) } : (row.label ?? row.className).flatMap { numbers[$0] }
    }
}
