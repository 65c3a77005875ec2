internal import Diagnostics
internal import Foundation

// The frozen pipeline of a run, `pipeline.json`: values with their places, so that a resumed run still points its
// messages to the right lines.

extension PipelineValue: Codable {
    private enum CodingKeys: String, CodingKey { case at, text, list, map }

    /// Reads a value from `pipeline.json`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let place = try container.decode(Place.self, forKey: .at).location
        if let text = try container.decodeIfPresent(String.self, forKey: .text) {
            self.init(.scalar(text), at: place)
        } else if let list = try container.decodeIfPresent([PipelineValue].self, forKey: .list) {
            self.init(.list(list), at: place)
        } else {
            self.init(.map(try container.decode([PipelineEntry].self, forKey: .map)), at: place)
        }
    }

    /// Writes a value for `pipeline.json`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Place(location), forKey: .at)
        switch content {
        case .scalar(let text): try container.encode(text, forKey: .text)
        case .list(let list): try container.encode(list, forKey: .list)
        case .map(let map): try container.encode(map, forKey: .map)
        }
    }
}

extension PipelineEntry: Codable {
    private enum CodingKeys: String, CodingKey { case key, at, value }

    /// Reads an entry from `pipeline.json`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .key),
            at: try container.decode(Place.self, forKey: .at).location,
            try container.decode(PipelineValue.self, forKey: .value))
    }

    /// Writes an entry for `pipeline.json`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(Place(keyLocation), forKey: .at)
        try container.encode(value, forKey: .value)
    }
}

extension NodeSpec: Codable {
    private enum CodingKeys: String, CodingKey { case name, at, section, uses, usesAt = "uses_at", entries }

    /// Reads a node from `pipeline.json`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .name),
            at: try container.decode(Place.self, forKey: .at).location,
            in: try container.decode(PipelineSection.self, forKey: .section),
            uses: try container.decode(String.self, forKey: .uses),
            at: try container.decode(Place.self, forKey: .usesAt).location,
            entries: try container.decode([PipelineEntry].self, forKey: .entries))
    }

    /// Writes a node for `pipeline.json`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(Place(nameLocation), forKey: .at)
        try container.encode(section, forKey: .section)
        try container.encode(uses, forKey: .uses)
        try container.encode(Place(usesLocation), forKey: .usesAt)
        try container.encode(entries, forKey: .entries)
    }
}

extension MatrixAxis: Codable {
    private enum CodingKeys: String, CodingKey { case name, values, to, at }

    /// Reads an axis from `pipeline.json`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .name),
            values: try container.decode([String].self, forKey: .values),
            to: try container.decodeIfPresent([String].self, forKey: .to),
            at: try container.decode(Place.self, forKey: .at).location)
    }

    /// Writes an axis for `pipeline.json`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(values, forKey: .values)
        try container.encodeIfPresent(to, forKey: .to)
        try container.encode(Place(location), forKey: .at)
    }
}

extension GateSpec: Codable {
    private enum CodingKeys: String, CodingKey { case text, at }

    /// Reads a gate from `pipeline.json`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .text),
            at: try container.decode(Place.self, forKey: .at).location)
    }

    /// Writes a gate for `pipeline.json`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(text, forKey: .text)
        try container.encode(Place(location), forKey: .at)
    }
}

/// A source location as one JSON string, `food.yml:14:7`.
private struct Place: Codable {
    let location: SourceLocation

    init(_ location: SourceLocation) { self.location = location }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let parts = try container.decode(String.self).split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3, let line = Int(parts[parts.count - 2]),
            let column = Int(parts[parts.count - 1])
        else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a source location")
        }
        location = SourceLocation(parts.dropLast(2).joined(separator: ":"), line, column)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(location)")
    }
}
