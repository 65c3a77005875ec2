import Diagnostics

/// Everything that decides a model's shape and its view of images; the weights are apart.
///
/// The options are complete: a checkpoint is read back the same when the defaults of its architecture change.
public struct ModelConfiguration: Codable, Hashable, Sendable {
    /// The name in the registry.
    public var architecture: String
    /// The height and width of the images.
    public var imageSize: Int
    /// The number of classes; zero makes a model of features only.
    public var classCount: Int
    /// What else the architecture can be told.
    public var options: [String: ModelOption]
    /// What the model expects of the numbers in an image.
    public var preprocessing: Preprocessing

    enum CodingKeys: String, CodingKey {
        case architecture, options, preprocessing
        case imageSize = "image_size"
        case classCount = "class_count"
    }

    /// Creates a configuration; `ModelRegistry.defaults` fills in an architecture's own.
    public init(
        architecture: String, imageSize: Int, classCount: Int, options: [String: ModelOption],
        preprocessing: Preprocessing
    ) {
        self.architecture = architecture
        self.imageSize = imageSize
        self.classCount = classCount
        self.options = options
        self.preprocessing = preprocessing
    }
}

/// The value of an option: yes or no, a number or a word.
public enum ModelOption: Hashable, Sendable, CustomStringConvertible {
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)

    /// The value as it is written in a pipeline.
    public var description: String {
        switch self {
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): value
        }
    }

    /// Reads a value of the same kind as this one from text.
    func parse(_ text: String) -> ModelOption? {
        switch self {
        case .bool: Bool(text).map(ModelOption.bool)
        case .int: Int(text).map(ModelOption.int)
        case .double: Double(text).map(ModelOption.double)
        case .string: .string(text)
        }
    }
}

extension ModelOption: Codable {
    /// Reads a JSON boolean, number or string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    /// Writes a JSON boolean, number or string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        }
    }
}

extension ModelOption: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral
{
    /// Yes or no.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A word.
    public init(stringLiteral value: String) { self = .string(value) }
}

// MARK: - Reading options

extension ModelConfiguration {
    /// A whole number of at least `minimum`.
    func int(_ name: String, atLeast minimum: Int = 1) throws(Diagnostic) -> Int {
        guard case .int(let value)? = options[name], value >= minimum else {
            throw bad(name, "a whole number of at least \(minimum)")
        }
        return value
    }

    /// Yes or no.
    func flag(_ name: String) throws(Diagnostic) -> Bool {
        guard case .bool(let value)? = options[name] else { throw bad(name, "true or false") }
        return value
    }

    /// A number in a range.
    func double(_ name: String, in range: ClosedRange<Double>) throws(Diagnostic) -> Double {
        let value: Double? =
            switch options[name] {
            case .int(let value): Double(value)
            case .double(let value): value
            default: nil
            }
        guard let value, range.contains(value) else {
            throw bad(name, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws(Diagnostic) -> Choice {
        let words = Choice.allCases.map(\.rawValue)
        guard case .string(let word)? = options[name], let choice = Choice(rawValue: word) else {
            throw bad(name, "one of \(words.joined(separator: ", "))", among: words)
        }
        return choice
    }

    /// The complaint about an option's value.
    func bad(_ name: String, _ expected: String, among words: [String] = []) -> Diagnostic {
        guard let value = options[name] else {
            return Diagnostic("model '\(architecture)' needs the option '\(name)': \(expected)")
        }
        return Diagnostic(
            "option '\(name)' of model '\(architecture)' is '\(value)', expected \(expected)",
            hint: "\(value)".didYouMean(words))
    }
}
