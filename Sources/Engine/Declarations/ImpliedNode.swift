/// A node that a stage brings along without its being written: its artifact stands between what the pipeline file
/// says and what the stage reads.
///
/// The graph then has a node of its own for it, named after the one that implies it, which is planned, cached and
/// shared like any other. Nodes that imply the same share one.
public struct ImpliedNode: Hashable, Sendable {
    /// What follows the name of the node that implies it: `transfer` and `labels` make `transfer-labels`.
    public var suffix: String
    /// The stage kind.
    public var uses: StageName
    /// The input by which the implying node reads the artifact.
    public var input: String
    /// The entries that are the implied node's alone, and with them the axes of the matrix that vary them.
    public var moved: Set<String>
    /// The entries that both nodes have.
    public var shared: Set<String>
    /// Settings of the implied node.
    public var settings: [String: String]

    /// Creates a description.
    public init(
        suffix: String, uses: StageName, input: String, moved: Set<String>, shared: Set<String> = [],
        settings: [String: String] = [:]
    ) {
        self.suffix = suffix
        self.uses = uses
        self.input = input
        self.moved = moved
        self.shared = shared
        self.settings = settings
    }
}
