import Layers
import Tensors

/// A convolution, a pointwise one and the image itself, each normalised; then added, weighed and activated.
///
/// Vasu et al., "MobileOne: An Improved One millisecond Mobile Backbone", section 3.2.
struct MobileOneBlock: Reparameterized {
    enum Body {
        case branches(identity: BatchNorm2d?, convolutions: [ConvNorm])
        case single(Conv2d)
    }

    let path: String
    let body: Body
    let squeeze: SqueezeExcite?
    let isActivated: Bool
    let groups: Int

    init(
        _ scope: Scope, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
        isSqueezed: Bool = false, isActivated: Bool = true, _ shape: FastViT.Shape
    ) throws {
        path = scope.path
        squeeze =
            isSqueezed ? try SqueezeExcite(scope / "se", outputs, reduced: max(1, (outputs + 8) / 16)) : nil
        switch shape.form {
        case .training:
            let identity =
                inputs == outputs && stride == 1
                ? try BatchNorm2d(scope / "identity", inputs, policy: shape.batchNorm) : nil
            var convolutions = [
                try ConvNorm(
                    scope / "conv_kxk" / 0, inputs, outputs, kernel: kernel, stride: stride, groups: groups,
                    batchNorm: shape.batchNorm)
            ]
            if kernel > 1 {
                convolutions.append(
                    try ConvNorm(
                        scope / "conv_scale", inputs, outputs, kernel: 1, stride: stride, groups: groups,
                        batchNorm: shape.batchNorm))
            }
            body = .branches(identity: identity, convolutions: convolutions)
        case .inference:
            body = .single(
                try Conv2d(
                    scope / Kernel.name, inputs, outputs, kernel: kernel, stride: stride, groups: groups,
                    bias: true))
        }
        self.isActivated = isActivated
        self.groups = groups
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        let sum =
            switch body {
            case .branches(let identity, let convolutions):
                try
                    (convolutions.map { try $0(x, mode: mode) }
                    + [identity?(x, mode: mode)].compactMap(\.self))
                    .added()
            case .single(let convolution):
                try convolution(x)
            }
        let weighed = try squeeze?(sum) ?? sum
        return isActivated ? try weighed.gelu() : weighed
    }

    var normalizations: [BatchNorm2d] {
        guard case .branches(let identity, let convolutions) = body else { return [] }
        return [identity].compactMap(\.self) + convolutions.map(\.norm)
    }

    func kernel() throws -> Kernel {
        switch body {
        case .branches(let identity, let convolutions):
            let through = try identity.map { [try Kernel($0, groups: groups)] } ?? []
            return try .sum(convolutions.map(Kernel.init) + through)
        case .single(let convolution):
            return try Kernel(convolution)
        }
    }
}

/// Depthwise convolutions of 7 × 7 and 3 × 3 that halve height and width, each normalised, and added.
struct LargeKernelConv: Reparameterized {
    enum Body {
        case branches(large: ConvNorm, small: ConvNorm)
        case single(Conv2d)
    }

    let path: String
    let body: Body

    init(_ scope: Scope, _ inputs: Int, _ outputs: Int, _ shape: FastViT.Shape) throws {
        path = scope.path
        switch shape.form {
        case .training:
            body = .branches(
                large: try ConvNorm(
                    scope / "large_conv", inputs, outputs, kernel: 7, stride: 2, groups: inputs,
                    batchNorm: shape.batchNorm),
                small: try ConvNorm(
                    scope / "small_conv", inputs, outputs, kernel: 3, stride: 2, groups: inputs,
                    batchNorm: shape.batchNorm))
        case .inference:
            body = .single(
                try Conv2d(
                    scope / Kernel.name, inputs, outputs, kernel: 7, stride: 2, groups: inputs, bias: true))
        }
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        switch body {
        case .branches(let large, let small): try large(x, mode: mode) + small(x, mode: mode)
        case .single(let convolution): try convolution(x)
        }
    }

    var normalizations: [BatchNorm2d] {
        guard case .branches(let large, let small) = body else { return [] }
        return [large.norm, small.norm]
    }

    func kernel() throws -> Kernel {
        switch body {
        case .branches(let large, let small): try .sum([Kernel(large), Kernel(small)])
        case .single(let convolution): try Kernel(convolution)
        }
    }
}

/// Mixes neighbours channel by channel: FastViT, section 3.2.1.
struct RepMixer: Reparameterized {
    enum Body {
        case branches(norm: BatchNorm2d, mixer: MobileOneBlock, scale: LayerScale2d)
        case single(Conv2d)
    }

    let path: String
    let body: Body

    init(_ scope: Scope, _ channels: Int, _ shape: FastViT.Shape) throws {
        path = scope.path
        switch shape.form {
        case .training:
            body = .branches(
                norm: try BatchNorm2d(scope / "norm" / "identity", channels, policy: shape.batchNorm),
                mixer: try MobileOneBlock(
                    scope / "mixer", channels, channels, kernel: 3, groups: channels, isActivated: false,
                    shape),
                scale: try LayerScale2d(scope / "layer_scale", channels))
        case .inference:
            body = .single(
                try Conv2d(scope / Kernel.name, channels, channels, kernel: 3, groups: channels, bias: true))
        }
    }

    func callAsFunction(_ x: Tensor, mode: Mode) throws -> Tensor {
        switch body {
        case .branches(let norm, let mixer, let scale):
            try x + scale(mixer(x, mode: mode) - norm(x, mode: mode))
        case .single(let convolution): try convolution(x)
        }
    }

    var normalizations: [BatchNorm2d] {
        guard case .branches(let norm, let mixer, _) = body else { return [] }
        return [norm] + mixer.normalizations
    }

    func kernel() throws -> Kernel {
        switch body {
        case .branches(let norm, let mixer, let scale):
            let (mixed, factors) = try (mixer.kernel(), scale.factors())
            let subtracted = try Kernel(norm, groups: factors.count)
            let difference = try Kernel.sum([mixed, Kernel(-subtracted.weight, -subtracted.bias)])
            return try .sum([
                .identity(factors.count),
                Kernel(difference.weight * factors.reshape(-1, 1, 1, 1), difference.bias * factors),
            ])
        case .single(let convolution):
            return try Kernel(convolution)
        }
    }
}

/// Adds to each place what a depthwise convolution of 7 × 7 sees around it, by which attention knows places.
///
/// Chu et al., "Conditional Positional Encodings for Vision Transformers", section 3.2.
struct PositionalConv: Reparameterized {
    let path: String
    let convolution: Conv2d
    let form: FastViT.Form

    init(_ scope: Scope, _ channels: Int, _ shape: FastViT.Shape) throws {
        path = scope.path
        form = shape.form
        convolution = try Conv2d(
            scope / (form == .training ? "pos_enc" : Kernel.name), channels, channels, kernel: 7,
            groups: channels, bias: true)
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let y = try convolution(x)
        return form == .training ? try x + y : y
    }

    func kernel() throws -> Kernel {
        let own = try Kernel(convolution)
        return form == .training ? try .sum([own, .identity(own.bias.count)]) : own
    }
}
