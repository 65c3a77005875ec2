internal import Diagnostics

/// Which part of a pipeline is meant.
public struct PlanOptions: Codable, Hashable, Sendable {
    /// These nodes and what they are made from; empty means all.
    public var targets: [String] = []
    /// Only what is made from these nodes, themselves included.
    public var from: [String] = []
    /// Like `targets`.
    public var until: [String] = []
    /// These nodes and nothing else.
    public var only: [String] = []
    /// These nodes are executed even when their artifacts are there.
    public var force: [String] = []

    /// Creates options: by default, everything that is not there yet.
    public init() {}

    /// The nodes that may be executed.
    func selection(in graph: Graph) throws -> Set<Int> {
        func indices(_ names: [String], _ option: String?) throws -> [Int] {
            try names.flatMap { try graph.indices(named: $0, option: option) }
        }
        let ends = try indices(targets, nil) + indices(until, "--until")
        let starts = try indices(from, "--from")
        let exact = try indices(only, "--only")
        var selection = ends.isEmpty ? Set(graph.nodes.indices) : graph.upstream(of: ends)
        if !starts.isEmpty { selection.formIntersection(graph.downstream(of: starts)) }
        if !exact.isEmpty { selection.formIntersection(exact) }
        guard !selection.isEmpty || graph.nodes.isEmpty else {
            throw Diagnostic(
                "no stage is left by '\(text)'",
                hint: "--from leaves what is made from a stage, --until what a stage is made from",
                exitCode: .usage)
        }
        return selection
    }

    /// The selected nodes that are executed even when their artifacts are there.
    func forced(in graph: Graph, among selection: Set<Int>) throws -> Set<Int> {
        var forced: Set<Int> = []
        for name in force {
            let meant = selection.intersection(try graph.indices(named: name, option: "--force"))
            guard !meant.isEmpty else {
                throw Diagnostic(
                    "--force: '\(name)' is not among the stages that '\(text)' leaves",
                    hint: "select it, too, or leave '--force \(name)' out", exitCode: .usage)
            }
            forced.formUnion(meant)
        }
        return forced
    }

    /// The options that select, as one writes them.
    private var text: String {
        let options = [("--until", until), ("--from", from), ("--only", only)]
        return (targets + options.flatMap { option, names in names.map { "\(option) \($0)" } })
            .joined(separator: " ")
    }
}
