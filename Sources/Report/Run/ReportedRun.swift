internal import Engine
public import Foundation

/// Everything a report needs to know about a run, finished or not; the artifacts' folders hold the rest.
public struct ReportedRun: Sendable {
    /// How a run ended.
    public enum Outcome: String, Sendable, CaseIterable {
        case succeeded, failed, interrupted, running
        /// Its process ended without a word.
        case died
    }

    /// The run's id in the store.
    public var id: String
    /// The name of the pipeline.
    public var pipeline: String
    /// How it ended.
    public var outcome: Outcome
    /// When it began.
    public var started: Date
    /// Wall-clock time from beginning to end.
    public var seconds: Double
    /// Its nodes in the order in which they run.
    public var nodes: [Node]
    /// The command line that made the run and those that repeat or resume it.
    public var commands: [String]
    /// The pipeline file, or the frozen pipeline, as text.
    public var configuration: String
    /// Machine, versions and numerics, in the order in which they are shown.
    public var environment: [Fact]
    /// The gates of the pipeline and what came of them.
    public var gates: [Gate]
    /// Warnings and errors of the run, each with its remedy.
    public var problems: [String]

    /// Creates a description of a run.
    public init(
        id: String, pipeline: String, outcome: Outcome, started: Date, seconds: Double, nodes: [Node],
        commands: [String] = [], configuration: String = "", environment: [Fact] = [], gates: [Gate] = [],
        problems: [String] = []
    ) {
        self.id = id
        self.pipeline = pipeline
        self.outcome = outcome
        self.started = started
        self.seconds = seconds
        self.nodes = nodes
        self.commands = commands
        self.configuration = configuration
        self.environment = environment
        self.gates = gates
        self.problems = problems
    }

    /// A name and a value.
    public struct Fact: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// Creates a fact.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A condition on the results.
    public struct Gate: Hashable, Sendable {
        /// The condition as the pipeline file spells it.
        public var text: String
        /// Whether it held; nil when the run did not get that far.
        public var passed: Bool?
        /// The value it was decided on.
        public var found: String?

        /// Creates a gate.
        public init(_ text: String, passed: Bool?, found: String? = nil) {
            self.text = text
            self.passed = passed
            self.found = found
        }
    }
}

extension ReportedRun {
    /// One node of the graph in a run.
    public struct Node: Sendable {
        /// What became of a node.
        public enum State: String, Sendable, CaseIterable {
            case ran, resumed, cached, failed, interrupted, running, blocked, skipped, pending

            /// Whether its artifact is complete.
            public var isDone: Bool { self == .ran || self == .resumed || self == .cached }
        }

        /// Its name, with its matrix point: `student[seed=0]`.
        public var name: String
        /// The stage kind, as in `uses:`.
        public var stage: String
        /// What became of it.
        public var state: State
        /// Why it ran or did not: `temperature 1 → 2`.
        public var reason: String
        /// When it began; nil when it did not.
        public var started: Date?
        /// How long it worked in this run; for a cached node, nil.
        public var seconds: Double?
        /// The folder of its artifact, complete or still in work; nil when there is none.
        public var artifact: URL?
        /// The names of the nodes it reads.
        public var inputs: [String]
        /// Its settings, in the order in which they were declared.
        public var settings: [Fact]
        /// What stopped it.
        public var error: String?
        /// The components of its key, by name: `setting.epochs`.
        public var components: [String: String]
        /// The nodes behind the components that are inputs: `input.teacher` → `teacher`.
        public var producers: [String: String]

        /// Creates a node.
        public init(
            name: String, stage: String, state: State, reason: String = "", started: Date? = nil,
            seconds: Double? = nil, artifact: URL? = nil, inputs: [String] = [], settings: [Fact] = [],
            error: String? = nil, components: [String: String] = [:], producers: [String: String] = [:]
        ) {
            self.name = name
            self.stage = stage
            self.state = state
            self.reason = reason
            self.started = started
            self.seconds = seconds
            self.artifact = artifact
            self.inputs = inputs
            self.settings = settings
            self.error = error
            self.components = components
            self.producers = producers
        }

        /// The name without the seed.
        var baseName: String { Self.baseName(of: name) }

        static func baseName(of name: String) -> String { Graph.Node.family(of: name) }
    }

    /// The nodes that differ in their seed only, together, in the order of the run.
    var families: [Family] { Self.families(of: nodes) }

    static func families(of nodes: [Node]) -> [Family] {
        var families: [Family] = []
        for node in nodes {
            if let position = families.firstIndex(where: { $0.name == node.baseName }) {
                families[position].nodes.append(node)
            } else {
                families.append(Family(name: node.baseName, nodes: [node]))
            }
        }
        return families
    }

    /// All seeds of one node at one point of the other axes; a family of one without a matrix.
    struct Family {
        var name: String
        var nodes: [Node]

        var stage: String { nodes[0].stage }

        /// The state that most needs attention.
        var state: Node.State {
            let order: [Node.State] = [
                .failed, .interrupted, .running, .blocked, .skipped, .pending, .resumed, .ran, .cached,
            ]
            return order.first { state in nodes.contains { $0.state == state } } ?? .pending
        }

        /// The families that this one reads.
        var inputs: [String] {
            var seen: Set<String> = []
            return nodes.flatMap(\.inputs).map(Node.baseName).filter { seen.insert($0).inserted }
        }

        var seconds: Double { nodes.reduce(0) { $0 + ($1.seconds ?? 0) } }
    }
}
