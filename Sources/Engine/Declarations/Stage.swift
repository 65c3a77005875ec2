/// One step of a pipeline: reads immutable artifacts, writes one artifact.
///
/// Declare what the stage reads with ``Input`` and what the user may tune with ``Setting``. Everything declared
/// is documented, checked and part of the stage's key.
public protocol Stage: Sendable {
    /// What the stage leaves behind.
    associatedtype Output: Artifact

    /// The word that selects this stage in a pipeline file.
    static var name: StageName { get }

    /// Raise this when the same inputs and settings would give a different result.
    static var revision: Int { get }

    /// One sentence for `retort stages`.
    static var summary: String { get }

    /// The section of the pipeline file in which the stage may stand.
    static var section: PipelineSection { get }

    /// Whether the artifact holds the names of the node and of those it reads, so that a renamed node runs again.
    ///
    /// By default it does for data, whose name is part of every image's record.
    static var recordsNames: Bool { get }

    /// How several processes share the work; one that is shared calls ``StageContext/gather(_:)``.
    static var sharing: WorkSharing { get }

    /// The settings that decide how long it takes: another execution tells of its time only where it is of the same node
    /// and has the same ones. By default there are none, and any execution of the kind tells something.
    static var timedBy: [String] { get }

    /// Creates the stage with its default settings; the engine fills in the rest.
    init()

    /// Rejects settings that are each legal but wrong together.
    func validate() throws

    /// Rejects nodes whose names are wrong together, by the inputs that read them.
    func validate(reading nodes: [String: [String]]) throws

    /// A node that a node of this kind brings along, by what the pipeline file says there; nil for none.
    static func implied(by given: [String: PipelineValue]) -> ImpliedNode?

    /// The entries of a node of this kind, in the order and under the names in which the stage declares them; by
    /// default as they are written. `nodes` are the names of the pipeline's nodes.
    static func arranged(_ entries: [PipelineEntry], of node: String, nodes: Set<String>) -> [PipelineEntry]

    /// The digest of content that comes from outside the store, by name; part of the key.
    ///
    /// Called while planning, after the settings were bound. Relative paths in settings are resolved against
    /// `environment.directory`; files are hashed through `environment.digests`, which remembers unchanged ones.
    func externalContent(in environment: PlanningEnvironment) throws -> [String: String]

    /// Brings an artifact's records (never its content) up to date when the stage need not run.
    ///
    /// A data stage notes here that its root has moved. Only the records `source.json` and `licence.txt` may be rewritten:
    /// all other files are compared with what was published.
    func refresh(_ artifact: ArtifactLocation, in environment: PlanningEnvironment) throws

    /// Does the work on one dedicated thread, writing only below `context.output` and `context.state`.
    ///
    /// A stage that was interrupted runs again with both folders as it left them, and goes on from there.
    func run(in context: StageContext) throws -> Output
}

extension Stage {
    /// The section `stages`.
    public static var section: PipelineSection { .stages }
    /// Whether the stage makes data.
    public static var recordsNames: Bool { section == .data }
    /// Process 0 does it alone.
    public static var sharing: WorkSharing { .alone }
    /// None.
    public static var timedBy: [String] { [] }
    /// No node.
    public static func implied(by given: [String: PipelineValue]) -> ImpliedNode? { nil }
    /// As they are written.
    public static func arranged(
        _ entries: [PipelineEntry], of node: String, nodes: Set<String>
    ) -> [PipelineEntry] { entries }
    /// Accepts all settings.
    public func validate() throws {}
    /// Accepts all names.
    public func validate(reading nodes: [String: [String]]) throws {}
    /// Nothing from outside the store.
    public func externalContent(in environment: PlanningEnvironment) throws -> [String: String] { [:] }
    /// Leaves the artifact as it is.
    public func refresh(_ artifact: ArtifactLocation, in environment: PlanningEnvironment) throws {}
}

/// The word that selects a stage kind in a pipeline file.
public struct StageName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The word itself, in kebab-case.
    public let description: String

    /// Creates a name from a literal.
    public init(stringLiteral value: String) { description = value }
}

/// The sections of a pipeline file that declare nodes of the graph.
public enum PipelineSection: String, Codable, Hashable, Sendable, CaseIterable {
    case data, models, stages
}
