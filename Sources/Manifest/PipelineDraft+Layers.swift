internal import Diagnostics
internal import Engine

/// One change that a profile or an override makes.
struct PipelineEdit {
    /// The keys to follow: `transfer`, `epochs`; `vars`, `keep`; `matrix`, `seed`; `gates`.
    var path: [String]
    var value: PipelineValue
    /// Where the path is written.
    var location: SourceLocation
    /// The layer, for `config --show-origin`.
    var origin: String

    /// The path as the user writes it.
    var dotted: String { path.joined(separator: ".") }
}

extension PipelineDraft {
    /// Lays a profile over the file.
    mutating func apply(profile name: String, problems: inout Problems) {
        guard let profile = profiles[name] else {
            problems.report(
                Diagnostic(
                    "unknown profile '\(name)'", at: profilesLocation,
                    hint: name.didYouMean(profiles.map(\.key))
                        ?? (profiles.isEmpty
                            ? "the pipeline file declares no profiles"
                            : "the profiles are \(profiles.map(\.key).joined(separator: ", "))"),
                    exitCode: .usage))
            // What it would have changed is not known, wherever one of them changes something.
            var reported = Problems()
            for edit in profiles.flatMap({ edits(of: $0, problems: &reported) }) { gaps.insert(edit.path) }
            return
        }
        // The problems of every profile, this one's too, were reported when the file was read.
        var reported = Problems()
        for edit in edits(of: profile, problems: &reported) { apply(edit) }
    }

    /// Lays `stage.setting=value` or `vars.name=value` over the file and its profile.
    mutating func apply(override text: String, problems: inout Problems) {
        let file = "-s \(text)"
        guard let equals = text.firstIndex(of: "=") else {
            problems.report(
                Diagnostic(
                    "'\(text)' sets nothing", hint: "write -s stage.setting=value or -s vars.name=value",
                    exitCode: .usage))
            return
        }
        let key = text[..<equals]
        let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let column = key.unicodeScalars.count - (path.last?.unicodeScalars.count ?? 0) + 1
        let location = SourceLocation(file, 1, column)
        let start = SourceLocation(file, 1, key.unicodeScalars.count + 2)
        let value: PipelineValue
        do {
            value = try PipelineValue(override: String(text[text.index(after: equals)...]), at: start)
        } catch {
            problems.report(error)
            gaps.insert(path)
            return
        }
        let edit = PipelineEdit(path: path, value: value, location: location, origin: file)
        if check(edit, exitCode: .usage, problems: &problems) { apply(edit) }
    }

    /// Reports what is wrong in every profile, selected or not.
    func checkProfiles(problems: inout Problems) {
        for profile in profiles { _ = edits(of: profile, problems: &problems) }
    }

    /// The legal changes of a profile, whose keys may be nested, dotted or both.
    private func edits(of profile: PipelineEntry, problems: inout Problems) -> [PipelineEdit] {
        var edits: [PipelineEdit] = []
        for entry in profile.value.entries("the profile '\(profile.key)'", problems: &problems) {
            let path = entry.key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if path.count == 1, path != ["gates"], case .map(let inner) = entry.value.content {
                edits += inner.map { edit(path + [$0.key], $0, of: profile) }
            } else {
                edits.append(edit(path, entry, of: profile))
            }
        }
        return edits.filter { check($0, exitCode: .badConfiguration, problems: &problems) }
    }

    private func edit(_ path: [String], _ entry: PipelineEntry, of profile: PipelineEntry) -> PipelineEdit {
        PipelineEdit(
            path: path, value: entry.value, location: entry.keyLocation,
            origin: "profile \(profile.key) (\(entry.keyLocation))")
    }

    /// Whether an edit names something that it may change.
    private func check(_ edit: PipelineEdit, exitCode: ExitCode, problems: inout Problems) -> Bool {
        let target = edit.path.first ?? ""
        let names = nodes.map(\.name)
        let known = ["vars", "matrix", "gates"] + names
        guard known.contains(target) else {
            problems.report(
                Diagnostic(
                    "'\(edit.dotted)' changes '\(target)', which the pipeline does not declare",
                    at: edit.location,
                    hint: target.didYouMean(known) ?? "the nodes are \(names.joined(separator: ", "))",
                    exitCode: exitCode))
            return false
        }
        let isComplete =
            switch target {
            case "gates": edit.path.count == 1
            case "vars", "matrix": edit.path.count == 2
            default: edit.path.count >= 2
            }
        guard isComplete, !edit.path.contains("") else {
            problems.report(
                Diagnostic(
                    "'\(edit.dotted)' does not name one setting", at: edit.location,
                    hint: target == "gates" ? "gates are replaced as a whole" : "write '\(target).NAME'",
                    exitCode: exitCode))
            return false
        }
        if target == "vars", variables[edit.path[1]] == nil {
            problems.report(
                Diagnostic(
                    "unknown variable '\(edit.path[1])'", at: edit.location,
                    hint: edit.path[1].didYouMean(variables.map(\.key))
                        ?? "declare it under 'vars', with the value it has by default",
                    exitCode: exitCode))
            return false
        }
        return true
    }

    private mutating func apply(_ edit: PipelineEdit) {
        origins[edit.dotted] = edit.origin
        let rest = edit.path.dropFirst()
        switch edit.path[0] {
        case "vars": variables.set(rest, to: edit.value, at: edit.location)
        case "gates":
            var reported = Problems()
            gates = edit.value.list("'gates'", problems: &reported)
        case "matrix": apply(axis: edit)
        default:
            guard let index = nodes.firstIndex(where: { $0.name == edit.path[0] }) else { return }
            nodes[index].entries.set(rest, to: edit.value, at: edit.location)
        }
    }

    /// A bare list replaces the values of an axis and leaves alone which nodes it goes to.
    private mutating func apply(axis edit: PipelineEdit) {
        let axis = edit.path[1]
        if case .list = edit.value.content, case .map? = matrix[axis]?.value.content {
            matrix.set([axis, "values"], to: edit.value, at: edit.location)
        } else {
            matrix.set([axis], to: edit.value, at: edit.location)
        }
    }
}

extension PipelineValue {
    /// The value of an override: text as it stands, or a list or map in YAML's flow style.
    fileprivate init(override text: String, at location: SourceLocation) throws(Problems) {
        guard let first = text.first, first == "[" || first == "{" else {
            self.init(.scalar(text), at: location)
            return
        }
        let indented = String(repeating: " ", count: location.column - 1) + text
        let lines = indented.split(separator: "\n", omittingEmptySubsequences: false)
        do {
            self = try YAMLDocument(indented, file: location.file).root
        } catch {
            throw Problems(
                error.all.map { problem in
                    var problem = problem
                    problem.exitCode = .usage
                    // The parser finds out that something is missing on the line behind the last one.
                    if let place = problem.location, place.line > lines.count {
                        let last = lines.last ?? ""
                        problem.location = SourceLocation(
                            place.file, lines.count, last.unicodeScalars.count + 1)
                    }
                    return problem
                })
        }
    }
}
