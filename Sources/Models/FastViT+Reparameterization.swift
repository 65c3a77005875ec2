import Layers
public import Tensors

extension FastViT {
    /// The tensors of the inference form, made from those of the training form.
    ///
    /// As timm's `reparameterize_model`, but on the CPU and in fp64 until the end: in evaluation mode both forms
    /// compute the same but for rounding. Throws `CheckpointMismatch` if `state` is not of the training form.
    public static func reparameterize(
        _ state: [String: Tensor], of configuration: ModelConfiguration
    ) throws -> [String: Tensor] {
        var shape = try Shape(configuration)
        shape.form = .training
        let (model, _) = try Parameters.load(state) {
            try FastViT($0, shape, classCount: state["head.fc.weight"]?.shape[0] ?? 0)
        }
        var result = state
        try withoutGradients {
            for part in model.reparameterized {
                // Squeeze-and-excitation follows the sum of the branches, and stays.
                for name in state.keys
                where name.hasPrefix(part.path + ".") && !name.hasPrefix(part.path + ".se.") {
                    result[name] = nil
                }
                let kernel = try part.kernel()
                result["\(part.path).\(Kernel.name).weight"] = try kernel.weight.to(.float32)
                result["\(part.path).\(Kernel.name).bias"] = try kernel.bias.to(.float32)
            }
        }
        return result
    }

    /// Whether these tensors are of the training form.
    static func isTrainingForm(_ state: [String: Tensor]) -> Bool {
        state.keys.contains { $0.hasPrefix("stem.0.conv_kxk.") }
    }
}

/// Branches that are linear in what they see, and the one convolution that does the same in evaluation mode.
protocol Reparameterized {
    /// Its place in the state dict.
    var path: String { get }
    /// The one convolution, made from the branches.
    func kernel() throws -> Kernel
}

/// A convolution's tensors, in fp64.
struct Kernel {
    /// `[outputs, inputs / groups, k, k]`, with an odd `k`.
    let weight: Tensor
    /// `[outputs]`.
    let bias: Tensor

    /// What the one convolution is called.
    static let name = "reparam_conv"

    init(_ weight: Tensor, _ bias: Tensor) { (self.weight, self.bias) = (weight, bias) }

    init(_ convolution: Conv2d) throws {
        let weight = try convolution.weight.to(.float64)
        self.init(weight, try convolution.bias?.to(.float64) ?? .zeros([weight.shape[0]], dtype: .float64))
    }

    init(_ pair: ConvNorm) throws {
        let (weight, bias) = try pair.folded()
        self.init(weight, bias)
    }

    /// Each channel mapped on itself, and normalised.
    init(_ norm: BatchNorm2d, groups: Int) throws {
        let (scale, shift) = try norm.affine()
        let channels = shift.count
        let ones = try Tensor.eye(channels / groups, dtype: .float64).repeated([groups, 1])
        self.init(try ones.reshape(channels, -1, 1, 1) * scale.reshape(-1, 1, 1, 1), shift)
    }

    /// Each channel mapped on itself, by a depthwise kernel.
    static func identity(_ channels: Int) throws -> Kernel {
        Kernel(try .ones([channels, 1, 1, 1], dtype: .float64), try .zeros([channels], dtype: .float64))
    }

    /// The same with zeros around it.
    func padded(to size: Int) throws -> Kernel {
        let amount = (size - weight.shape[3]) / 2
        return Kernel(try weight.pad([amount, amount, amount, amount]), bias)
    }

    /// The sum of what kernels do, as one of the largest size.
    static func sum(_ kernels: [Kernel]) throws -> Kernel {
        let size = kernels.map { $0.weight.shape[3] }.max() ?? 1
        let padded = try kernels.map { try $0.padded(to: size) }
        return try Kernel(padded.map(\.weight).added(), padded.map(\.bias).added())
    }
}

extension [Tensor] {
    /// The sum of at least one tensor.
    func added() throws -> Tensor { try dropFirst().reduce(self[0]) { try $0 + $1 } }
}
