// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// These are witnesses of SettingValue, documented there; only what is particular to a type is documented here.

public import Diagnostics

extension String: SettingValue {
    public static var typeName: String { "text" }
    public init(_ value: PipelineValue) throws(Diagnostic) {
        guard let text = value.scalar else {
            throw Diagnostic("\(value.phrase) is not a text", at: value.location)
        }
        self = text
    }
    public var canonical: String { self }
}

extension Bool: SettingValue {
    public static var typeName: String { "yes or no" }
    public init(_ value: PipelineValue) throws(Diagnostic) {
        switch try Self.scalar(value).lowercased() {
        case "true", "yes", "on": self = true
        case "false", "no", "off": self = false
        default: throw Diagnostic("\(value.phrase) is neither true nor false", at: value.location)
        }
    }
    public var canonical: String { self ? "true" : "false" }
}

extension Int: SettingValue {
    public static var typeName: String { "whole number" }

    /// Reads `3`, `010` (ten), `1e4`, `100_000`, `100k` and `2M`.
    public init(_ value: PipelineValue) throws(Diagnostic) {
        var text = try Self.scalar(value).replacing("_", with: "")
        var scale = 1.0
        if let suffix = text.last, let power: Double = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9][suffix] {
            scale = power
            text.removeLast()
        }
        if scale == 1, let number = Int(text) {
            self = number
        } else if let number = finite(text),
            let whole = Int(exactly: (number * scale).rounded(.toNearestOrEven)),
            Double(whole) == number * scale
        {
            self = whole
        } else {
            throw Self.mismatch(value)
        }
    }
    public var canonical: String { description }
}

extension Double: SettingValue {
    public static var typeName: String { "number" }

    /// Reads `0.001`, `1e-3` and `1_000`; infinities and NaN are refused.
    public init(_ value: PipelineValue) throws(Diagnostic) {
        guard let number = finite(try Self.scalar(value).replacing("_", with: "")) else {
            throw Self.mismatch(value)
        }
        self = number
    }
    public var canonical: String { self == 0 ? "0.0" : description }
}

private func finite(_ text: String) -> Double? {
    guard text.allSatisfy({ $0.isNumber || "+-.eE".contains($0) }) else { return nil }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
}

extension Optional: SettingValue where Wrapped: SettingValue {
    public static var typeName: String { "\(Wrapped.typeName) or null" }
    public static var choices: [String]? { Wrapped.choices }
    public static var absent: Self? { .some(nil) }
    public init(_ value: PipelineValue) throws(Diagnostic) {
        self = value.isNull ? nil : try Wrapped(value)
    }
    public var canonical: String { self?.canonical ?? "null" }
}

extension Array: SettingValue where Element: SettingValue {
    public static var typeName: String { "list of \(Element.typeName)" }
    public static var choices: [String]? { Element.choices }

    /// Reads a list; a single value is a list of one.
    public init(_ value: PipelineValue) throws(Diagnostic) {
        self = []
        guard case .list(let values) = value.content else {
            append(try Element(value))
            return
        }
        for value in values { append(try Element(value)) }
    }
    public var canonical: String { "[" + map { quoted($0.canonical) }.joined(separator: ",") + "]" }
}

extension Dictionary: SettingValue where Key == String, Value: SettingValue {
    public static var typeName: String { "map to \(Value.typeName)" }
    public init(_ value: PipelineValue) throws(Diagnostic) {
        guard case .map(let entries) = value.content else { throw Self.mismatch(value) }
        self = [:]
        for entry in entries { self[entry.key] = try Value(entry.value) }
    }
    public var canonical: String {
        let members = sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value.canonical))" }
        return "{" + members.joined(separator: ",") + "}"
    }
}

/// The text as a JSON string, so that no element can look like two.
private func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}

extension SettingValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    public static var typeName: String { "choice" }
    public static var choices: [String]? { allCases.map(\.rawValue) }
    public init(_ value: PipelineValue) throws(Diagnostic) {
        let names = Self.allCases.map(\.rawValue)
        guard let text = value.scalar, let choice = Self(rawValue: text) else {
            throw Diagnostic(
                "\(value.phrase) is none of \(names.joined(separator: ", "))", at: value.location,
                hint: value.scalar.flatMap { $0.didYouMean(names) })
        }
        self = choice
    }
    public var canonical: String { rawValue }
}
