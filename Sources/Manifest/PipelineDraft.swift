internal import Diagnostics
internal import Engine

/// The sections of a pipeline file, while profiles and overrides may still change them.
struct PipelineDraft {
    /// A node as written: its settings, its kind among them.
    struct Node {
        var section: PipelineSection
        var name: String
        var nameLocation: SourceLocation
        var entries: [PipelineEntry]
        /// Whether it is no map: nothing about it is known.
        var isBroken = false
    }

    var name: PipelineValue?
    var variables: [PipelineEntry] = []
    var nodes: [Node] = []
    var matrix: [PipelineEntry] = []
    var gates: [PipelineValue] = []
    var profiles: [PipelineEntry] = []
    /// Where the file keeps its profiles, for a profile that is not among them.
    var profilesLocation: SourceLocation?
    /// Who set a value last, by dotted path, for the values that the file itself did not set.
    var origins: [String: String] = [:]
    /// What could not be read.
    var gaps = PipelineGaps()

    static let sections = [
        "retort", "name", "include", "vars", "data", "models", "stages", "matrix", "gates", "profiles",
    ]

    /// Names that a node may not have, because profiles and overrides give them a meaning of their own.
    private static let reserved: Set<String> = ["vars", "env", "matrix", "gates"]

    /// Sorts the top of a document into its sections.
    init(_ root: PipelineValue, problems: inout Problems) {
        guard case .map(let sections) = root.content else {
            problems.report(
                Diagnostic(
                    "a pipeline file is a map of sections", at: root.location,
                    hint: "the sections are \(Self.sections.joined(separator: ", "))"))
            return
        }
        if sections["retort"] == nil {
            problems.report(
                Diagnostic(
                    "the pipeline file does not state its version", at: root.location,
                    hint: "start it with 'retort: 1'"))
        }
        for section in sections { read(section, problems: &problems) }
        if nodes.isEmpty, problems.all.isEmpty {
            problems.report(
                Diagnostic(
                    "the pipeline declares no nodes", at: root.location,
                    hint: "declare them under 'data', 'models' and 'stages'"))
        }
        checkProfiles(problems: &problems)
    }

    private mutating func read(_ section: PipelineEntry, problems: inout Problems) {
        let value = section.value
        switch section.key {
        case "retort":
            if let version = value.text("'retort'", problems: &problems), version != "1" {
                problems.report(
                    Diagnostic(
                        "unsupported pipeline version '\(version)'", at: value.location,
                        hint: "this Retort reads 'retort: 1'"))
            }
        case "name": name = value
        case "vars": variables = value.entries("'vars'", problems: &problems)
        case "matrix":
            matrix = value.entries("'matrix'", problems: &problems)
            gaps.hidesAxes = !value.isMap
        case "gates": gates = value.list("'gates'", problems: &problems)
        case "profiles":
            profiles = value.entries("'profiles'", problems: &problems)
            profilesLocation = section.keyLocation
        // Merged already.
        case "include": break
        // A place for anchors that several nodes share.
        case let key where key.hasPrefix("x-"): break
        default:
            guard let declared = PipelineSection(rawValue: section.key) else {
                problems.report(
                    Diagnostic(
                        "unknown section '\(section.key)'", at: section.keyLocation,
                        hint: section.key.didYouMean(Self.sections)
                            ?? "the sections are \(Self.sections.joined(separator: ", "))"))
                if case .map(let entries) = value.content { gaps.nodes.formUnion(entries.map(\.key)) }
                return
            }
            if !value.isMap { gaps.hidesNodes = true }
            for entry in value.entries("'\(section.key)'", problems: &problems) {
                add(entry, to: declared, problems: &problems)
            }
        }
    }

    private mutating func add(
        _ entry: PipelineEntry, to section: PipelineSection, problems: inout Problems
    ) {
        let name = entry.key
        if Self.reserved.contains(name) || !name.isNodeName {
            problems.report(
                Diagnostic(
                    "'\(name)' cannot name a node", at: entry.keyLocation,
                    hint: Self.reserved.contains(name)
                        ? "profiles and overrides use this word"
                        : "a name is letters, digits, '-' and '_', and starts with a letter"))
            gaps.nodes.insert(name)
        } else if let other = nodes.first(where: { $0.name == name }) {
            problems.report(
                Diagnostic(
                    "a node named '\(name)' exists already", at: entry.keyLocation,
                    hint: "the first one is at \(other.nameLocation)"))
        } else {
            let entries = entry.value.entries("the node '\(name)'", problems: &problems)
            nodes.append(
                Node(
                    section: section, name: name, nameLocation: entry.keyLocation, entries: entries,
                    isBroken: !entry.value.isMap))
        }
    }
}

extension String {
    fileprivate var isNodeName: Bool {
        guard let first = utf8.first, UInt8(ascii: "a")...UInt8(ascii: "z") ~= first | 0x20 else {
            return false
        }
        return utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
    }
}
