internal import Diagnostics
internal import Engine

/// The variables of a pipeline, resolved, and the environment they may fall back on.
struct Variables {
    /// A text without references, and the variables it was made from.
    struct Expansion {
        var text: String
        var variables: [String]
    }

    private let environment: [String: String]
    private let entries: [PipelineEntry]
    /// The values that were resolved; nil marks one whose problem was reported already.
    private var values: [String: String?] = [:]

    /// Resolves every variable once, so that each problem among them is reported once.
    init(_ entries: [PipelineEntry], environment: [String: String], problems: inout Problems) {
        self.entries = entries
        self.environment = environment
        for entry in entries { resolve(entry, path: [], problems: &problems) }
    }

    /// Replaces the references of a text; nil if one of them has no value.
    func expand(_ text: String, at location: SourceLocation, problems: inout Problems) -> Expansion? {
        // Every variable was resolved before, so that the copy learns nothing new.
        var copy = self
        return copy.expand(text, at: location, path: [], problems: &problems)
    }

    private mutating func resolve(_ entry: PipelineEntry, path: [String], problems: inout Problems) {
        guard values[entry.key] == nil else { return }
        guard let text = entry.value.text("the variable '\(entry.key)'", problems: &problems) else {
            values[entry.key] = .some(nil)
            return
        }
        let location = entry.value.location
        let value = expand(text, at: location, path: path + [entry.key], problems: &problems)?.text
        values[entry.key] = .some(value)
    }

    private mutating func expand(
        _ text: String, at location: SourceLocation, path: [String], problems: inout Problems
    ) -> Expansion? {
        var result = Expansion(text: "", variables: [])
        var isComplete = true
        var rest = text[...]
        while let start = rest.firstIndex(of: "$") {
            let tail = rest[rest.index(after: start)...]
            if tail.hasPrefix("${") {
                // `$${` is a literal `${`.
                result.text += rest[..<start] + "${"
                rest = tail.dropFirst(2)
                continue
            }
            guard tail.hasPrefix("{") else {
                result.text += rest[...start]
                rest = tail
                continue
            }
            guard let end = Self.end(of: tail) else {
                problems.report(
                    Diagnostic("'${' without '}'", at: location, hint: "write '$${' for a literal '${'"))
                return nil
            }
            result.text += rest[..<start]
            let reference = String(tail[tail.index(after: tail.startIndex)..<end])
            if let value = self.value(of: reference, at: location, path: path, problems: &problems) {
                result.text += value.text
                result.variables += value.variables
            } else {
                isComplete = false
            }
            rest = tail[tail.index(after: end)...]
        }
        result.text += rest
        return isComplete ? result : nil
    }

    /// Where the brace that a text begins with is closed; the default of a reference may have braces of its own.
    private static func end(of text: Substring) -> Substring.Index? {
        var depth = 0
        for index in text.indices {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    private mutating func value(
        of reference: String, at location: SourceLocation, path: [String], problems: inout Problems
    ) -> Expansion? {
        if reference.hasPrefix("env.") {
            return environmentValue(
                of: String(reference.dropFirst(4)), at: location, path: path, problems: &problems)
        }
        let names = entries.map(\.key)
        guard reference.hasPrefix("vars.") else {
            let candidates = names.map { "vars." + $0 }
            let hint =
                names.contains(reference)
                ? "write '${vars.\(reference)}'"
                : reference.didYouMean(candidates) ?? "references are ${vars.NAME} and ${env.NAME:-default}"
            problems.report(Diagnostic("unknown reference '${\(reference)}'", at: location, hint: hint))
            return nil
        }
        let name = String(reference.dropFirst(5))
        guard let entry = entries[name] else {
            problems.report(
                Diagnostic(
                    "unknown variable '\(name)'", at: location,
                    hint: name.didYouMean(names) ?? "declare it under 'vars'"))
            return nil
        }
        if let start = path.firstIndex(of: name) {
            let cycle = (path[start...] + [name]).map { "vars." + $0 }.joined(separator: " → ")
            problems.report(Diagnostic("variables refer to each other: \(cycle)", at: location))
            return nil
        }
        resolve(entry, path: path, problems: &problems)
        return (values[name] ?? nil).map { Expansion(text: $0, variables: [name]) }
    }

    /// The value of `NAME` or `NAME:-default`; as in a shell, the default also stands for an empty value.
    ///
    /// The default may have references of its own; they are looked at where it is needed.
    private mutating func environmentValue(
        of reference: String, at location: SourceLocation, path: [String], problems: inout Problems
    ) -> Expansion? {
        let parts = reference.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map(String.init) ?? ""
        if let value = environment[name], parts.count == 1 || !value.isEmpty {
            return Expansion(text: value, variables: [])
        }
        if parts.count > 1 {
            return expand(String(parts[1]), at: location, path: path, problems: &problems)
        }
        problems.report(
            Diagnostic(
                "the environment variable '\(name)' is not set", at: location,
                hint: "set it, or give it a default: ${env.\(name):-value}"))
        return nil
    }
}
