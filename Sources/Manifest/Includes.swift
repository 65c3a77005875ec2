internal import Diagnostics
internal import Engine
internal import Foundation

/// A pipeline file together with those it includes.
///
/// An included file is weaker than the file that names it: maps are merged by key, down to the settings of a node, and
/// everything else is replaced; gates add up. Of several included files the later one is the stronger. A file that is
/// included on several ways counts once, at the first of them.
struct Includes {
    /// The merged document.
    let root: PipelineValue

    /// Reads a file and those it includes, each relative to the one that names it.
    init(_ file: URL) throws(Problems) {
        let document = try YAMLDocument(contentsOf: file).root
        guard case .map(let sections) = document.content, sections["include"] != nil else {
            root = document
            return
        }
        var reader = Reader()
        reader.add(sections, of: file, path: [file])
        try reader.problems.check()
        root = PipelineValue(.map(reader.merged), at: document.location)
    }

    /// Reads files in the order in which each comes before those that are stronger.
    private struct Reader {
        var merged: [PipelineEntry] = []
        var problems = Problems()
        /// The real paths of the files that were read.
        private var seen: Set<String> = []

        /// Adds the sections of a file below which its included ones lie.
        mutating func add(_ sections: [PipelineEntry], of file: URL, path: [URL]) {
            if let named = sections["include"] {
                for value in Includes.names(named.value, problems: &problems) {
                    include(value, of: file, path: path)
                }
            }
            merged = Includes.merge(merged, under: sections.filter { $0.key != "include" })
        }

        private mutating func include(_ value: PipelineValue, of file: URL, path: [URL]) {
            guard let name = value.text("an included file", problems: &problems) else { return }
            let folder = file.absoluteURL.standardizedFileURL.deletingLastPathComponent()
            let included = URL(filePath: (name as NSString).expandingTildeInPath, relativeTo: folder)
            if let start = path.firstIndex(where: { $0.realPath == included.realPath }) {
                let circle = (path[start...] + [included]).map(\.lastPathComponent)
                problems.report(
                    Diagnostic(
                        "files include each other in a circle: \(circle.joined(separator: " → "))",
                        at: value.location))
                return
            }
            guard FileManager.default.fileExists(atPath: included.path) else {
                problems.report(
                    Diagnostic(
                        "the included file '\(name)' does not exist", at: value.location,
                        hint: "it is looked for at \(included.standardizedFileURL.path)",
                        exitCode: .inputMissing))
                return
            }
            guard seen.insert(included.realPath).inserted else { return }
            do {
                let shown = Includes.shown(included, of: file, as: name)
                let document = try YAMLDocument(contentsOf: shown).root
                if case .map(let sections) = document.content {
                    add(sections, of: shown, path: path + [shown])
                } else {
                    problems.report(
                        Diagnostic("an included file is a map of sections", at: document.location))
                }
            } catch {
                problems.report(error)
            }
        }
    }

    /// The included file under a name that reads like that of the including one.
    fileprivate static func shown(_ included: URL, of file: URL, as name: String) -> URL {
        guard !name.hasPrefix("/"), !name.hasPrefix("~") else { return included }
        let folder = (file.relativePath as NSString).deletingLastPathComponent
        return URL(
            filePath: folder.isEmpty ? name : "\(folder)/\(name)", relativeTo: file.baseURL)
    }

    fileprivate static func names(_ value: PipelineValue, problems: inout Problems) -> [PipelineValue] {
        if case .scalar = value.content, !value.isNull { return [value] }
        return value.list("'include'", problems: &problems)
    }

    // MARK: Merging

    fileprivate static func merge(_ base: [PipelineEntry], under over: [PipelineEntry]) -> [PipelineEntry] {
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

extension URL {
    /// The path without links, by which two names of a file are the same.
    fileprivate var realPath: String { resolvingSymlinksInPath().standardizedFileURL.path }
}
