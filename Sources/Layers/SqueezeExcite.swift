public import Tensors

/// Weighs channels by what the whole image holds: Hu et al., "Squeeze-and-Excitation Networks", section 3.
public struct SqueezeExcite {
    /// What makes weights between 0 and 1.
    public enum Gate: Hashable, Sendable {
        case sigmoid, hardsigmoid
    }

    let reduce, expand: Conv2d
    let gate: Gate

    /// Claims `fc1` and `fc2`, unless other names are given; without `initial` both start as PyTorch's do.
    public init(
        _ scope: Scope, _ channels: Int, reduced: Int,
        names: (reduce: String, expand: String) = ("fc1", "fc2"),
        gate: Gate = .sigmoid, initial: Initializer? = nil
    ) throws {
        reduce = try Conv2d(scope / names.reduce, channels, reduced, kernel: 1, bias: true, initial: initial)
        expand = try Conv2d(scope / names.expand, reduced, channels, kernel: 1, bias: true, initial: initial)
        self.gate = gate
    }

    /// Weighs `[B, C, H, W]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let weights = try expand(reduce(x.mean(2, 3, keepingDim: true)).relu())
        return switch gate {
        case .sigmoid: try x * weights.sigmoid()
        case .hardsigmoid: try x * weights.hardsigmoid()
        }
    }
}
