public import Diagnostics

/// A type of value that a pipeline file can spell, with the one spelling that enters a key.
///
/// A string enumeration conforms by naming the protocol: `enum Mode: String, CaseIterable, SettingValue`.
public protocol SettingValue: Sendable {
    /// What messages and tables call the type: `number`, `whole number`.
    static var typeName: String { get }

    /// The only values there are, for types that can list them.
    static var choices: [String]? { get }

    /// The value of a setting that was left out and has no default, where the type has one.
    static var absent: Self? { get }

    /// Reads the value, or says what is wrong with it.
    init(_ value: PipelineValue) throws(Diagnostic)

    /// The value's one spelling: equal values have equal spellings.
    var canonical: String { get }
}

extension SettingValue {
    /// No list of values: most types have too many.
    public static var choices: [String]? { nil }
    /// Nothing: most types have no value that stands for none.
    public static var absent: Self? { nil }

    /// The text of a scalar, or the complaint that there is none.
    static func scalar(_ value: PipelineValue) throws(Diagnostic) -> String {
        guard let text = value.scalar else { throw mismatch(value) }
        return text
    }

    /// The complaint that a value is of another type.
    static func mismatch(_ value: PipelineValue) -> Diagnostic {
        let article = "aeiou".contains(typeName.prefix(1)) ? "an" : "a"
        let examples = ["whole number": "write it as 3, 1e4 or 100k", "number": "write it as 0.001 or 1e-3"]
        return Diagnostic(
            "\(value.phrase) is not \(article) \(typeName)", at: value.location, hint: examples[typeName])
    }
}
