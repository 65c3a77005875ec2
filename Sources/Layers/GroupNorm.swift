public import Tensors

/// Brings groups of channels of `[B, C, …]` to mean zero and variance one, then scales and shifts each channel.
///
/// Wu and He, "Group Normalization"; one group is timm's `GroupNorm1`.
public struct GroupNorm {
    let weight, bias: Tensor
    let groups: Int
    let epsilon: Double

    /// Claims `weight` and `bias`.
    public init(_ scope: Scope, _ channels: Int, groups: Int = 1, epsilon: Double = 1e-5) throws {
        precondition(channels.isMultiple(of: groups), "configurations are checked before: a bug in Retort")
        weight = try scope.parameter("weight", channels, initial: .ones)
        bias = try scope.parameter("bias", channels, initial: .zeros)
        self.groups = groups
        self.epsilon = epsilon
    }

    /// Normalises `[B, C, …]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.groupNorm(groups, weight: weight, bias: bias, epsilon: epsilon)
    }
}
