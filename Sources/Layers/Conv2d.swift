public import Tensors

/// What a convolution sees beyond the border of its input.
public enum Padding: String, Codable, CaseIterable, Hashable, Sendable {
    /// Nothing: the output shrinks.
    case none
    /// As many zeros on all sides, PyTorch's habit.
    case symmetric
    /// TensorFlow's habit: just enough zeros for `⌈size / stride⌉` outputs, an odd one at the bottom and right.
    case same
}

/// A convolution over `[B, C, H, W]`.
public struct Conv2d {
    /// The kernel, `[outputs, inputs / groups, kernel, kernel]`.
    public let weight: Tensor
    /// The shift, `[outputs]`.
    public let bias: Tensor?
    let kernel, stride, dilation, groups: Int
    let padding: Padding

    /// Claims `weight`, `[outputs, inputs / groups, kernel, kernel]`, and `bias`.
    ///
    /// Without `initial` both start as PyTorch's do, with it the bias starts at zero.
    public init(
        _ scope: Scope, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, dilation: Int = 1,
        groups: Int = 1, bias: Bool = false, padding: Padding = .symmetric, initial: Initializer? = nil
    ) throws {
        let fanIn = Initializer.fanIn(inputs / groups * kernel * kernel)
        weight = try scope.parameter(
            "weight", outputs, inputs / groups, kernel, kernel, initial: initial ?? fanIn)
        self.bias =
            bias ? try scope.parameter("bias", outputs, initial: initial == nil ? fanIn : .zeros) : nil
        self.kernel = kernel
        self.stride = stride
        self.dilation = dilation
        self.groups = groups
        self.padding = padding
    }

    /// Maps `[B, inputs, H, W]` to `[B, outputs, H', W']`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        switch padding {
        case .none:
            return try convolve(x, (0, 0))
        case .symmetric:
            let amount = (stride - 1 + dilation * (kernel - 1)) / 2
            return try convolve(x, (amount, amount))
        case .same:
            let shape = x.shape
            let (height, width) = (missing(shape[2]), missing(shape[3]))
            // An even amount needs no copy of the input.
            if height.isMultiple(of: 2), width.isMultiple(of: 2) {
                return try convolve(x, (height / 2, width / 2))
            }
            let padded = try x.pad([width / 2, width - width / 2, height / 2, height - height / 2])
            return try convolve(padded, (0, 0))
        }
    }

    private func convolve(_ x: Tensor, _ padding: (Int, Int)) throws -> Tensor {
        // libtorch 2.13 with AVX-512 writes behind a buffer in the backward pass of a strided pointwise convolution
        // that sees 3 to 5 channels, innermost in memory (seen with glibc's malloc checks). Its places are taken out
        // before instead.
        if kernel == 1, stride > 1, groups == 1, weight.shape[1] < 16, padding == (0, 0) {
            return try x.slice(dim: 2, step: stride).slice(dim: 3, step: stride).channelsLast()
                .conv2d(weight: weight, bias: bias)
        }
        return try x.conv2d(
            weight: weight, bias: bias, stride: (stride, stride), padding: padding,
            dilation: (dilation, dilation), groups: groups)
    }

    /// The zeros that one dimension needs for `⌈size / stride⌉` outputs.
    private func missing(_ size: Int) -> Int {
        let outputs = (size + stride - 1) / stride
        return max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - size)
    }
}
