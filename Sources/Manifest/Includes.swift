internal import Diagnostics
internal import Engine
internal import Foundation

/// A pipeline file together with those it includes.
///
/// An included file is weaker than the file that names it: maps are merged by key, down to the settings of a node, and
/// everything else is replaced; gates add up. Of several included files the later one is the stronger.
struct Includes {
    /// The merged document.
    let root: PipelineValue

    /// Reads a file and those it includes, each relative to the one that names it.
    init(_ file: URL) throws(Problems) { root = try Self.read(file, path: []) }

    private static func read(_ file: URL, path: [URL]) throws(Problems) -> PipelineValue {
        let root = try YAMLDocument(contentsOf: file).root
        guard case .map(let sections) = root.content, let include = sections["include"] else { return root }
        var problems = Problems()
        var merged: [PipelineEntry] = []
        let path = path + [file]
        let folder = file.absoluteURL.standardizedFileURL.deletingLastPathComponent()
        for value in names(include.value, problems: &problems) {
            guard let name = value.text("an included file", problems: &problems) else { continue }
            let included = URL(
                filePath: (name as NSString).expandingTildeInPath,
                relativeTo: folder)
            if let start = path.firstIndex(where: { isSame($0, included) }) {
                let circle = (path[start...] + [included]).map(\.lastPathComponent)
                problems.report(
                    Diagnostic(
                        "files include each other in a circle: \(circle.joined(separator: " → "))",
                        at: value.location))
                continue
            }
            guard FileManager.default.fileExists(atPath: included.path) else {
                problems.report(
                    Diagnostic(
                        "the included file '\(name)' does not exist", at: value.location,
                        hint: "it is looked for at \(included.standardizedFileURL.path)",
                        exitCode: .inputMissing))
                continue
            }
            do {
                let base = try read(Self.shown(included, of: file, as: name), path: path)
                if case .map(let entries) = base.content {
                    merged = merge(merged, under: entries)
                } else {
                    problems.report(Diagnostic("an included file is a map of sections", at: base.location))
                }
            } catch {
                problems.report(error)
            }
        }
        try problems.check()
        return PipelineValue(
            .map(merge(merged, under: sections.filter { $0.key != "include" })), at: root.location)
    }

    /// The included file under a name that reads like that of the including one.
    private static func shown(_ included: URL, of file: URL, as name: String) -> URL {
        guard !name.hasPrefix("/"), !name.hasPrefix("~") else { return included }
        let folder = (file.relativePath as NSString).deletingLastPathComponent
        return URL(
            filePath: folder.isEmpty ? name : "\(folder)/\(name)", relativeTo: file.baseURL)
    }

    private static func isSame(_ one: URL, _ other: URL) -> Bool {
        one.resolvingSymlinksInPath().standardizedFileURL.path
            == other.resolvingSymlinksInPath().standardizedFileURL.path
    }

    private static func names(_ value: PipelineValue, problems: inout Problems) -> [PipelineValue] {
        if case .scalar = value.content, !value.isNull { return [value] }
        return value.list("'include'", problems: &problems)
    }

    // MARK: Merging

    private static func merge(_ base: [PipelineEntry], under over: [PipelineEntry]) -> [PipelineEntry] {
        var merged = base
        for entry in over {
            guard let index = merged.firstIndex(where: { $0.key == entry.key }) else {
                merged.append(entry)
                continue
            }
            merged[index] = merge(merged[index], under: entry, depth: depth(of: entry.key))
        }
        return merged
    }

    /// How many levels of maps below a section are merged rather than replaced.
    private static func depth(of section: String) -> Int {
        switch section {
        case "vars", "matrix": 1
        case "data", "models", "stages", "profiles": 2
        default: 0
        }
    }

    private static func merge(_ base: PipelineEntry, under over: PipelineEntry, depth: Int) -> PipelineEntry {
        if base.key == "gates", case .list(let first) = base.value.content,
            case .list(let second) = over.value.content
        {
            return PipelineEntry(
                over.key, at: over.keyLocation, PipelineValue(.list(first + second), at: over.value.location))
        }
        guard depth > 0, case .map(let first) = base.value.content,
            case .map(let second) = over.value.content
        else { return over }
        var merged = first
        for entry in second {
            if let index = merged.firstIndex(where: { $0.key == entry.key }) {
                merged[index] = merge(merged[index], under: entry, depth: depth - 1)
            } else {
                merged.append(entry)
            }
        }
        return PipelineEntry(
            over.key, at: over.keyLocation, PipelineValue(.map(merged), at: over.value.location))
    }
}
