internal import Diagnostics
internal import Engine
internal import Foundation
internal import Yams

/// A YAML file as located text, maps and lists; anchors and merge keys are resolved, scalars are not typed.
struct YAMLDocument {
    /// The top of the document.
    let root: PipelineValue

    /// Reads and parses a file.
    init(contentsOf file: URL) throws(Problems) {
        let name = file.relativePath
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw Problems([Self.unreadable(file, name)])
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw Problems([
                Diagnostic("the file is not UTF-8 text", at: SourceLocation(name, 1, 1))
            ])
        }
        try self.init(text, file: name)
    }

    /// Parses the text of a file.
    init(_ text: String, file: String) throws(Problems) {
        let node: Node?
        do {
            node = try compose(yaml: text)
        } catch {
            throw Problems([Diagnostic(error, text: text, file: file)])
        }
        guard let node else {
            throw Problems([
                Diagnostic(
                    "the pipeline file is empty", at: SourceLocation(file, 1, 1),
                    hint: "start it with 'retort: 1'")
            ])
        }
        var reader = NodeReader(file: file)
        root = reader.value(node)
        try reader.problems.check()
    }

    private static func unreadable(_ file: URL, _ name: String) -> Diagnostic {
        let files = FileManager.default
        func pipelines(in folder: URL) -> [String] {
            ((try? files.contentsOfDirectory(atPath: folder.path)) ?? [])
                .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
        }
        var isFolder: ObjCBool = false
        if files.fileExists(atPath: file.path, isDirectory: &isFolder) {
            if isFolder.boolValue {
                let found = pipelines(in: file)
                return Diagnostic(
                    "'\(name)' is a folder, not a pipeline file",
                    hint: found.isEmpty
                        ? "name a file: 'retort init' makes one" : "it has \(found.joined(separator: ", "))",
                    exitCode: .inputMissing)
            }
            return Diagnostic("the pipeline file '\(name)' cannot be read", exitCode: .inputMissing)
        }
        let folder = file.deletingLastPathComponent()
        return Diagnostic(
            "the pipeline file '\(name)' does not exist",
            hint: file.lastPathComponent.didYouMean(pipelines(in: folder)) ?? stageHint(name, in: folder),
            exitCode: .inputMissing)
    }
}

extension YAMLDocument {
    /// A word in the place of the file may have been meant for a stage of the usual one.
    fileprivate static func stageHint(_ name: String, in folder: URL) -> String? {
        let usual = folder.appending(path: "retort.yaml")
        guard !name.contains(where: { "/.".contains($0) }),
            let text = try? String(contentsOf: usual, encoding: .utf8),
            text.split(separator: "\n").contains(where: { line in
                line.first == " " && line.drop { $0 == " " }.hasPrefix(name + ":")
            })
        else { return nil }
        return "the file comes first: retort.yaml \(name)"
    }
}

/// Turns Yams' nodes into located values.
private struct NodeReader {
    let file: String
    var problems = Problems()
    /// Aliases multiply: a small file can stand for more nodes than memory holds.
    private var remaining = 100_000

    init(file: String) { self.file = file }

    mutating func value(_ node: Node) -> PipelineValue {
        let location = location(node.mark)
        remaining -= 1
        guard remaining >= 0 else {
            if remaining == -1 {
                problems.report(Diagnostic("the pipeline file has more than 100000 values", at: location))
            }
            return PipelineValue(.scalar(""), at: location)
        }
        switch node {
        case .scalar(let scalar):
            return PipelineValue(.scalar(scalar.string), at: location)
        case .sequence(let sequence):
            var values: [PipelineValue] = []
            for element in sequence { values.append(value(element)) }
            return PipelineValue(.list(values), at: location)
        case .mapping(let mapping):
            return PipelineValue(.map(entries(mapping)), at: location)
        case .alias(let alias):
            problems.report(Diagnostic("the anchor '\(alias.anchor.rawValue)' is not defined", at: location))
            return PipelineValue(.scalar(""), at: location)
        }
    }

    /// The entries of a map: its own keys first, then the merged ones (`<<`) it does not set itself.
    private mutating func entries(_ mapping: Node.Mapping) -> [PipelineEntry] {
        var entries: [PipelineEntry] = []
        var merged: [PipelineEntry] = []
        for (key, node) in mapping {
            let location = location(key.mark)
            guard case .scalar(let scalar) = key else {
                problems.report(Diagnostic("a key must be a word, not a list or a map", at: location))
                continue
            }
            if scalar.string == "<<", scalar.style == .plain {
                merged += mergedEntries(node, at: location)
            } else if entries.contains(where: { $0.key == scalar.string }) {
                problems.report(.duplicateKey(scalar.string, at: location))
            } else {
                entries.append(PipelineEntry(scalar.string, at: location, value(node)))
            }
        }
        for entry in merged where !entries.contains(where: { $0.key == entry.key }) { entries.append(entry) }
        return entries
    }

    private mutating func mergedEntries(_ node: Node, at location: SourceLocation) -> [PipelineEntry] {
        let sources: [Node]
        if case .sequence(let sequence) = node { sources = Array(sequence) } else { sources = [node] }
        var merged: [PipelineEntry] = []
        for source in sources {
            guard case .mapping(let mapping) = source else {
                problems.report(Diagnostic("'<<' merges maps: write '<<: *anchor' of a map", at: location))
                continue
            }
            merged += entries(mapping)
        }
        return merged
    }

    private func location(_ mark: Mark?) -> SourceLocation {
        SourceLocation(file, mark?.line ?? 1, mark?.column ?? 1)
    }
}

extension Diagnostic {
    fileprivate static func duplicateKey(_ key: String, at location: SourceLocation) -> Diagnostic {
        Diagnostic(
            "the key '\(key)' is written more than once in the same map", at: location,
            hint: "keep one of them")
    }

    /// The parser's complaint, in its own words, at the place it found.
    fileprivate init(_ error: any Error, text: String, file: String) {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let words = [context.map { trimmed($0.text) }, trimmed(problem)].compactMap(\.self)
            self.init(
                "the file is not valid YAML: " + words.joined(separator: ", "),
                at: SourceLocation(file, mark.line, mark.column),
                hint: tabHint(text, line: mark.line) ?? bracketHint(trimmed(problem)))
        case YamlError.reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = before.count { $0.isNewline } + 1
            let column = before.unicodeScalars.reversed().prefix { $0 != "\n" }.count + 1
            self.init("the file is not valid YAML: \(problem)", at: SourceLocation(file, line, column))
        case YamlError.duplicatedKeysInMapping(let duplicates, let context):
            self = .duplicateKey(
                duplicates.first ?? "", at: SourceLocation(file, context.mark.line, context.mark.column))
        default:
            self.init("the file is not valid YAML: \(error)", at: SourceLocation(file, 1, 1))
        }
    }
}

private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }

private func bracketHint(_ problem: String) -> String? {
    problem.contains("or ']'")
        ? "a list that began with '[' must end with ']'"
        : problem.contains("or '}'") ? "a map that began with '{' must end with '}'" : nil
}

private func tabHint(_ text: String, line: Int) -> String? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.indices.contains(line - 1) else { return nil }
    let indentation = lines[line - 1].prefix { $0 == " " || $0 == "\t" }
    return indentation.contains("\t") ? "indent with spaces; YAML does not allow tabs there" : nil
}
