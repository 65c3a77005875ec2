public import Diagnostics
public import Foundation

/// A pipeline as its file says it, with variables resolved and nothing yet checked against the stages.
public struct PipelineSpec: Codable, Hashable, Sendable {
    /// The pipeline's name.
    public var name: String
    /// The file it was read from, as the user named it.
    public var file: String
    /// The folder against which relative paths are resolved.
    public var directory: URL
    /// The nodes, in the order of the file.
    public var nodes: [NodeSpec]
    /// The axes along which nodes are repeated.
    public var matrix: [MatrixAxis]
    /// The conditions the results must meet.
    public var gates: [GateSpec]
    /// Where each setting got its value: `transfer.epochs` → `profile smoke`.
    public var sources: [String: String]

    /// Creates a specification.
    public init(
        name: String, file: String, directory: URL, nodes: [NodeSpec], matrix: [MatrixAxis] = [],
        gates: [GateSpec] = [], sources: [String: String] = [:]
    ) {
        self.name = name
        self.file = file
        self.directory = directory
        self.nodes = nodes
        self.matrix = matrix
        self.gates = gates
        self.sources = sources
    }
}

/// One node of a pipeline: a name, the stage kind it uses, and what it sets.
public struct NodeSpec: Hashable, Sendable {
    /// The node's name.
    public var name: String
    /// Where the name stands.
    public var nameLocation: SourceLocation
    /// The section in which the node stands.
    public var section: PipelineSection
    /// The stage kind, from `uses:` (or `kind:` in the section `data`).
    public var uses: String
    /// Where the stage kind stands.
    public var usesLocation: SourceLocation
    /// Everything else that the node says: inputs and settings.
    public var entries: [PipelineEntry]

    /// Creates a node.
    public init(
        _ name: String, at nameLocation: SourceLocation, in section: PipelineSection = .stages, uses: String,
        at usesLocation: SourceLocation, entries: [PipelineEntry]
    ) {
        self.name = name
        self.nameLocation = nameLocation
        self.section = section
        self.uses = uses
        self.usesLocation = usesLocation
        self.entries = entries
    }
}

/// An axis of the matrix: one setting or input that takes several values in turn.
public struct MatrixAxis: Hashable, Sendable {
    /// The setting or input it varies.
    public var name: String
    /// The values, as text.
    public var values: [String]
    /// The nodes it applies to; nil means every node that declares the setting.
    public var to: [String]?
    /// Where the axis stands.
    public var location: SourceLocation

    /// Creates an axis.
    public init(_ name: String, values: [String], to: [String]? = nil, at location: SourceLocation) {
        self.name = name
        self.values = values
        self.to = to
        self.location = location
    }
}

/// A condition on a result: `curate.leakage.exact == 0`.
public struct GateSpec: Hashable, Sendable {
    /// The condition, as the user wrote it.
    public var text: String
    /// Where it stands.
    public var location: SourceLocation

    /// Creates a gate.
    public init(_ text: String, at location: SourceLocation) {
        self.text = text
        self.location = location
    }
}
