internal import CTorch

/// A number that a tensor can be combined with.
///
/// An `Int` keeps an integer tensor an integer tensor; a `Double` or `Float` makes it floating-point.
public protocol TensorScalar: Sendable {
    /// The number as a `Double`.
    var real: Double { get }
    /// The number as an integer, where it is one by type.
    var integer: Int? { get }
}

extension Int: TensorScalar {
    /// The number as a `Double`.
    public var real: Double { Double(self) }
    /// The number itself.
    public var integer: Int? { self }
}

extension Double: TensorScalar {
    /// The number itself.
    public var real: Double { self }
    /// Nil: the type is not an integer type.
    public var integer: Int? { nil }
}

extension Float: TensorScalar {
    /// The number as a `Double`.
    public var real: Double { Double(self) }
    /// Nil: the type is not an integer type.
    public var integer: Int? { nil }
}

extension TensorScalar {
    var scalar: CTScalar {
        let integer = integer
        return CTScalar(real: real, integer: Int64(integer ?? 0), is_integer: integer != nil)
    }
}
