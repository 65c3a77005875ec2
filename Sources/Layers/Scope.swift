public import Tensors

/// A position in the state dict: `scope / "attn"` is where `attn.*` lives.
///
/// Layers claim their tensors from a scope when they are made. Whether those are fresh or come from a checkpoint
/// is not the layer's business, so one initializer serves both.
public struct Scope {
    let builder: ParameterBuilder
    /// The names on the way here, joined by dots; empty at the root.
    public let path: String

    /// The scope one name further down.
    public static func / (scope: Scope, name: some CustomStringConvertible) -> Scope {
        Scope(builder: scope.builder, path: scope.name(name))
    }

    /// A trained tensor.
    ///
    /// Weight decay never reaches tensors of fewer than two dimensions; `decays: false` exempts another.
    public func parameter(
        _ name: String, _ shape: Int..., initial: Initializer, decays: Bool = true
    ) throws -> Tensor {
        try builder.claim(
            self.name(name), shape, .float32, .parameter, decays: decays && shape.count > 1, initial)
    }

    /// A tensor that belongs to the model but is not trained, such as a running mean.
    public func buffer(
        _ name: String, _ shape: Int..., dtype: DType = .float32, initial: Initializer
    ) throws -> Tensor {
        try builder.claim(self.name(name), shape, dtype, .buffer, decays: false, initial)
    }

    /// Takes in a tensor that something else made and goes on holding, such as a script.
    ///
    /// It is trained, averaged and saved like any other; a checkpoint's values are copied into it.
    public func adopt(_ name: String, _ tensor: Tensor, _ kind: Parameters.Kind) throws {
        try builder.adopt(self.name(name), tensor, kind)
    }

    /// What stochastic layers draw from.
    public var generator: Generator { builder.generator }

    private func name(_ last: some CustomStringConvertible) -> String {
        path.isEmpty ? "\(last)" : "\(path).\(last)"
    }
}
