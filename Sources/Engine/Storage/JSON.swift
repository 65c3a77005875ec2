public import Foundation

/// A JSON value, for what has no Swift type of its own: facts, settings, journal lines.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// The value at a key of an object, or nil.
    public subscript(key: String) -> JSON? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// The value as a number, or nil.
    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The value as text, or nil.
    public var text: String? { if case .string(let text) = self { text } else { nil } }
}

extension JSON: Codable {
    /// Reads any JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    /// Writes the value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// The value that `value` encodes to.
    public init(encoding value: some Encodable) throws {
        self = try JSONDecoder().decode(JSON.self, from: try CanonicalJSON.data(value))
    }
}

/// The one way in which Retort writes JSON: sorted keys, plain slashes, shortest floats, so that equal values
/// have equal bytes.
public enum CanonicalJSON {
    /// The bytes of a value on one line.
    public static func data(_ value: some Encodable) throws -> Data { try encoder([]).encode(value) }

    /// The text of a value on one line.
    public static func text(_ value: some Encodable) throws -> String {
        String(decoding: try data(value), as: UTF8.self)
    }

    /// The bytes of a value for a file that people read: indented, with a newline at the end.
    public static func document(_ value: some Encodable) throws -> Data {
        try encoder(.prettyPrinted).encode(value) + Data("\n".utf8)
    }

    /// The value of bytes that were written so, with infinities and what is no number, which stand there as words.
    ///
    /// Not for ``JSON`` values, in which such a word stays a word.
    public static func value<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        try decoder().decode(type, from: data)
    }

    /// Reads what was written so; see ``value(_:from:)``.
    static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: Word.infinity, negativeInfinity: Word.negativeInfinity, nan: Word.nan)
        return decoder
    }

    /// Numbers that JSON does not have.
    private enum Word {
        static let infinity = "inf"
        static let negativeInfinity = "-inf"
        static let nan = "nan"
    }

    private static func encoder(_ extra: JSONEncoder.OutputFormatting) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, extra]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: Word.infinity, negativeInfinity: Word.negativeInfinity, nan: Word.nan)
        return encoder
    }
}
