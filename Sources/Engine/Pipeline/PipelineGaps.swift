/// What of a pipeline could not be read, and was reported: whoever looks at the rest says nothing about it again.
public struct PipelineGaps: Hashable, Sendable {
    /// The names of nodes that are declared, but not in a way that could be used.
    public var nodes: Set<String> = []
    /// Whether there may be further nodes, whose names are not known.
    public var hidesNodes = false
    /// The inputs and settings whose values are not known, by node.
    public var entries: [String: Set<String>] = [:]
    /// The settings and inputs that the matrix varies in a way that is not known.
    public var axes: Set<String> = []
    /// Whether the matrix may vary others, too.
    public var hidesAxes = false

    /// Nothing is missing.
    public init() {}

    /// Notes that what a path of keys leads to is not known: `transfer`, `epochs`; `matrix`, `seed`.
    public mutating func insert(_ path: [String]) {
        guard path.count >= 2 else { return }
        if path[0] == "matrix" { axes.insert(path[1]) } else { entries[path[0], default: []].insert(path[1]) }
    }
}

extension GraphBuilder {
    /// Whether the pipeline file has, or may have, a node of this name.
    func isDeclared(_ name: String) -> Bool {
        gaps.hidesNodes || gaps.nodes.contains(name) || nodeSpecs.contains { $0.name == name }
    }

    /// Whether all that the matrix varies is known.
    var knowsMatrix: Bool { gaps.axes.isEmpty && !gaps.hidesAxes }

    /// The inputs and settings of a node about whose values nothing is known.
    func unknownKeys(of node: String, _ schema: StageSchema) -> Set<String> {
        (gaps.entries[node] ?? []).union(
            gaps.hidesAxes ? Set(schema.keys) : gaps.axes.intersection(schema.keys))
    }

    /// Whether all that a node says is known, so that its settings can be judged together.
    func isWhole(_ node: Resolved, _ entries: [PipelineEntry]) -> Bool {
        guard node.unknownKeys.isEmpty else { return false }
        let inputs = Set(node.schema.inputs.map(\.name))
        return entries.filter { inputs.contains($0.key) }.flatMap { Self.references($0.value) }
            .compactMap { $0.scalar.flatMap(NodeReference.init)?.node }
            .allSatisfy { name in !gaps.nodes.contains(name) && (!gaps.hidesNodes || resolved[name] != nil) }
    }
}
