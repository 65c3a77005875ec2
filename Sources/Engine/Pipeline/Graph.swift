public import Diagnostics

/// A pipeline whose every node is bound to a stage: checked, expanded along its matrix, and in the order in which
/// it can be executed.
public struct Graph: Sendable {
    /// One stage to be executed: a node of the pipeline file, at one point of the matrix.
    public struct Node: Sendable {
        /// The name, with the point: `student[seed=0]`.
        public let name: String
        /// The node as the pipeline file has it.
        public let spec: NodeSpec
        /// The point of the matrix, axis by axis.
        public let point: [Coordinate]
        /// The stage, with its settings filled in.
        public let stage: any Stage
        /// What the stage declares.
        public let schema: StageSchema
        /// The artifacts it reads, in the order of the declaration.
        public let inputs: [Edge]
        /// Where each of its settings and inputs stands.
        public let locations: [String: SourceLocation]
        /// What it needs of a machine.
        public let resources: StageResources
        /// Whether its artifact may go once everything that reads it is made.
        public let isEphemeral: Bool

        /// The kind of stage.
        public var kind: StageName { type(of: stage).name }
        /// The values of the matrix axes: `seed` → `0`.
        public var matrix: [String: String] { point.reduce(into: [:]) { $0[$1.axis] = $1.value } }
        /// The name of a node of the file at a point of the matrix.
        static func name(_ name: String, at point: [Coordinate]) -> String {
            let suffix = point.map { "\($0.axis)=\($0.value)" }.joined(separator: ",")
            return name + (suffix.isEmpty ? "" : "[\(suffix)]")
        }
        /// A node's name without its seed: what repetitions of one thing have in common.
        ///
        /// `student[seed=0]` is of the family `student`, `student[model=a,seed=0]` of `student[model=a]`.
        public static func family(of name: String) -> String {
            guard let open = name.firstIndex(of: "["), name.hasSuffix("]") else { return name }
            let coordinates = name[name.index(after: open)...].dropLast().split(separator: ",")
            let kept = coordinates.filter { !$0.hasPrefix("seed=") }
            return name[..<open] + (kept.isEmpty ? "" : "[\(kept.joined(separator: ","))]")
        }
        /// The name as part of a file's name.
        public var fileName: String { Self.fileName(of: name) }
    }

    /// The value of one axis of the matrix.
    public struct Coordinate: Codable, Hashable, Sendable {
        /// The axis.
        public var axis: String
        /// The value.
        public var value: String
    }

    /// An artifact that a node reads.
    public struct Edge: Hashable, Sendable {
        /// The input's name.
        public let input: String
        /// What the input is used for.
        public let role: InputRole
        /// The index of the node that makes the artifact.
        public let producer: Int
        /// The part that is read.
        public let selector: String?
        /// Where the pipeline file says so.
        public let location: SourceLocation
    }

    /// The pipeline as its file says it.
    public let spec: PipelineSpec
    /// The nodes; each stands after those it reads.
    public let nodes: [Node]
    /// The conditions the results must meet.
    public let gates: [Gate]
    /// How many processes share the work: part of the key of stages whose bytes depend on it.
    public var processes = 1

    /// Binds a pipeline to the stages of a catalogue, or throws every problem there is.
    ///
    /// - Parameters:
    ///   - gaps: what of the pipeline could not be read.
    ///   - problems: why; they are thrown together with those that are found here.
    public init(
        _ spec: PipelineSpec, catalog: [any Stage.Type], gaps: PipelineGaps = PipelineGaps(),
        after problems: Problems = Problems()
    ) throws(Problems) {
        var builder = GraphBuilder(spec, catalog: catalog, gaps: gaps)
        self.spec = spec
        self.nodes = builder.build()
        self.gates = builder.gates(for: nodes)
        var all = problems
        all.report(builder.problems)
        try all.check()
    }

    /// The indices of the nodes that a name means: one node, or a node at all points of the matrix.
    public func indices(named name: String) -> [Int] {
        nodes.indices.filter { nodes[$0].name == name || nodes[$0].spec.name == name }
    }

    /// The indices of the nodes that a name on the command line means, or the problem with the name.
    func indices(named name: String, option: String?) throws(Problems) -> [Int] {
        let found = indices(named: name)
        if !found.isEmpty { return found }
        throw Problems([
            Diagnostic(
                "\(option.map { "\($0): " } ?? "")the pipeline has no stage '\(name)'",
                hint: stageHint(for: name), exitCode: .usage)
        ])
    }

    /// What to say to somebody who names a stage that there is none of.
    func stageHint(for name: String) -> String? {
        let declared = nodes.map(\.spec.name).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
        return name.didYouMean(Set(declared + nodes.map(\.name)).sorted())
            ?? name.didYouMean(declared, among: "stages")
    }

    /// The nodes from which some nodes are made, themselves included.
    func upstream(of nodes: some Sequence<Int>) -> Set<Int> {
        var found = Set<Int>()
        var open = Array(nodes)
        while let index = open.popLast() {
            guard found.insert(index).inserted else { continue }
            open += self.nodes[index].inputs.map(\.producer)
        }
        return found
    }

    /// The nodes that are made from some nodes, themselves included.
    func downstream(of nodes: some Sequence<Int>) -> Set<Int> {
        var found = Set(nodes)
        for index in self.nodes.indices
        where self.nodes[index].inputs.contains(where: { found.contains($0.producer) }) {
            found.insert(index)
        }
        return found
    }

    /// What a node's stage may look at while it is planned.
    func environment(of node: Node, digests: DigestCache) -> PlanningEnvironment {
        PlanningEnvironment(directory: spec.directory, digests: digests, locations: node.locations)
    }
}
