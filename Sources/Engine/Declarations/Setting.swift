/// A value the pipeline file may set; its parsed value is part of the stage's key.
///
/// ```swift
/// @Setting("Softens both distributions before they are compared.", in: 0.5...20) var temperature = 4.0
/// ```
@propertyWrapper
public struct Setting<Value: SettingValue>: Sendable {
    let slot: Slot<Value>
    let help: String
    let fallback: Value?
    let constraint: Constraint<Value>?
    let isHashed: Bool

    /// Declares a setting with a default.
    public init(wrappedValue: Value, _ help: String, hashed: Bool = true) {
        self.init(help, wrappedValue, nil, hashed)
    }

    /// Declares a setting with a default and a range.
    public init(
        wrappedValue: Value, _ help: String, in range: some RangeExpression<Value> & Sendable,
        hashed: Bool = true
    ) where Value: Comparable {
        self.init(help, wrappedValue, Constraint(range), hashed)
    }

    /// Declares a setting that must be given; an optional one may be left out.
    public init(_ help: String, hashed: Bool = true) {
        self.init(help, Value.absent, nil, hashed)
    }

    /// Declares a setting that must be given, with a range.
    public init(_ help: String, in range: some RangeExpression<Value> & Sendable, hashed: Bool = true)
    where Value: Comparable {
        self.init(help, nil, Constraint(range), hashed)
    }

    /// Declares a setting that may be left out, with a range for when it is not.
    public init<Wrapped: SettingValue & Comparable>(
        _ help: String, in range: some RangeExpression<Wrapped> & Sendable, hashed: Bool = true
    ) where Value == Wrapped? {
        self.init(help, .some(nil), Constraint(optional: range), hashed)
    }

    /// Declares a setting with a default that may be set to null, with a range for when it is not.
    public init<Wrapped: SettingValue & Comparable>(
        wrappedValue: Value, _ help: String, in range: some RangeExpression<Wrapped> & Sendable,
        hashed: Bool = true
    ) where Value == Wrapped? {
        self.init(help, wrappedValue, Constraint(optional: range), hashed)
    }

    /// Declares a list with a default and a range for its elements.
    public init<Element: SettingValue & Comparable>(
        wrappedValue: Value, _ help: String, in range: some RangeExpression<Element> & Sendable,
        hashed: Bool = true
    ) where Value == [Element] {
        self.init(help, wrappedValue, Constraint(elements: range), hashed)
    }

    private init(_ help: String, _ fallback: Value?, _ constraint: Constraint<Value>?, _ isHashed: Bool) {
        self.slot = Slot(fallback)
        self.help = help
        self.fallback = fallback
        self.constraint = constraint
        self.isHashed = isHashed
    }

    /// The value, from the pipeline file or else the default.
    public var wrappedValue: Value { slot.value }
}

/// The values of a type that a setting allows.
public struct Constraint<Value: Sendable>: Sendable {
    /// The range as it is written in Swift: `0.5...20`.
    public let description: String
    let allows: @Sendable (Value) -> Bool

    init(_ range: some RangeExpression<Value> & Sendable) where Value: Comparable {
        description = rangeText(range)
        allows = { range.contains($0) }
    }

    init<Wrapped: Comparable>(optional range: some RangeExpression<Wrapped> & Sendable)
    where Value == Wrapped? {
        description = rangeText(range)
        allows = { $0.map(range.contains) ?? true }
    }

    init<Element: Comparable>(elements range: some RangeExpression<Element> & Sendable)
    where Value == [Element] {
        description = rangeText(range)
        allows = { $0.allSatisfy(range.contains) }
    }
}

private func rangeText<Value: Comparable>(_ range: some RangeExpression<Value>) -> String {
    func text(_ bound: Value) -> String {
        let text = "\(bound)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
    return switch range {
    case let range as ClosedRange<Value>: "\(text(range.lowerBound))...\(text(range.upperBound))"
    case let range as Range<Value>: "\(text(range.lowerBound))..<\(text(range.upperBound))"
    case let range as PartialRangeFrom<Value>: "\(text(range.lowerBound))..."
    case let range as PartialRangeThrough<Value>: "...\(text(range.upperBound))"
    case let range as PartialRangeUpTo<Value>: "..<\(text(range.upperBound))"
    default: "\(range)"
    }
}
