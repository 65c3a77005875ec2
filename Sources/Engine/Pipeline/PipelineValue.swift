public import Diagnostics

/// A value of a pipeline file with the place where it stands; what it means is decided by who reads it.
public struct PipelineValue: Hashable, Sendable {
    /// The three shapes a value can have; scalars stay text until a setting's type reads them.
    public indirect enum Content: Hashable, Sendable {
        case scalar(String)
        case list([PipelineValue])
        case map([PipelineEntry])
    }

    /// The value.
    public var content: Content
    /// Where it stands.
    public var location: SourceLocation

    /// Creates a value.
    public init(_ content: Content, at location: SourceLocation) {
        self.content = content
        self.location = location
    }

    /// The text of a scalar, or nil.
    public var scalar: String? { if case .scalar(let text) = content { text } else { nil } }

    /// Whether the value says that there is none: empty, `null` or `~`.
    public var isNull: Bool { scalar.map { ["", "~", "null"].contains($0) } ?? false }

    /// What a message calls the value: its text in quotes, `a list` or `a map`.
    public var phrase: String {
        switch content {
        case .scalar(let text): "'\(text)'"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

/// One `key: value` of a map in a pipeline file.
public struct PipelineEntry: Hashable, Sendable {
    /// The key.
    public var key: String
    /// Where the key stands.
    public var keyLocation: SourceLocation
    /// The value.
    public var value: PipelineValue

    /// Creates an entry.
    public init(_ key: String, at keyLocation: SourceLocation, _ value: PipelineValue) {
        self.key = key
        self.keyLocation = keyLocation
        self.value = value
    }
}
