/// A nonlinearity that an operation can apply to its result.
public enum Activation: Int32, Sendable {
    /// None.
    case none = 0
    /// `max(x, 0)`.
    case relu = 1
    /// `min(max(x, 0), 6)`.
    case relu6 = 2
    /// `x · relu6(x + 3) / 6`.
    case hardswish = 3
    /// `x · sigmoid(x)`.
    case silu = 4
}
