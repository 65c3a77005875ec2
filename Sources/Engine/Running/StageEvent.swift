/// Something a running stage says about itself.
public enum StageEvent: Hashable, Sendable {
    /// So much is done, and how it looks.
    case progress(step: Int, total: Int, metrics: [Metric])
    /// A measured value.
    case metric(step: Int, Metric)
    /// Something may be wrong.
    case warning(message: String, hint: String?)
    /// A line for the journal.
    case log(message: String)
    /// Another of several pieces of work begins: its measured values are no continuation of those before.
    case began(String)
}

/// A named number.
public struct Metric: Codable, Hashable, Sendable {
    /// The name.
    public var name: String
    /// The number.
    public var value: Double

    /// Creates a metric.
    public init(name: String, value: Double) {
        self.name = name
        self.value = value
    }
}
