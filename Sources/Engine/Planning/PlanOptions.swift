internal import Diagnostics

/// Which part of a pipeline is meant.
public struct PlanOptions: Hashable, Sendable {
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
        func indices(_ names: [String], _ option: String) throws -> [Int] {
            try names.flatMap { try graph.indices(named: $0, option: option) }
        }
        let ends = try indices(targets, "target") + indices(until, "--until")
        let starts = try indices(from, "--from")
        let exact = try indices(only, "--only")
        var selection = ends.isEmpty ? Set(graph.nodes.indices) : graph.upstream(of: ends)
        if !starts.isEmpty { selection.formIntersection(graph.downstream(of: starts)) }
        if !exact.isEmpty { selection.formIntersection(exact) }
        return selection
    }
}
