import Tensors
import Testing

/// How kernels of our own are compared with fp64.
enum KernelReference {
    /// The largest distance of two tensors, relative to the largest expected value.
    static func distance(_ a: Tensor, _ b: Tensor) throws -> Double {
        let expected = try b.to(.float64)
        let scale = try expected.abs().max().item()
        return try (a.to(.float64) - expected).abs().max().item() / Swift.max(Double(scale), 1e-30)
    }

    /// A value and the gradients of its inputs, in bf16 inside autocast, in fp32 or in fp64.
    static func run(
        _ inputs: [Tensor], _ dtype: DType, gradient: Tensor, _ body: ([Tensor]) throws -> Tensor
    ) throws -> [Tensor] {
        let inputs = try inputs.map { try $0.to(dtype == .float64 ? .float64 : $0.dtype).clone().detach() }
        for input in inputs { try input.requiresGrad(true) }
        let value =
            dtype == .bfloat16
            ? try autocast(.bfloat16, on: .cpu) { try body(inputs) } : try body(inputs)
        try value.backward(gradient: gradient.to(value.dtype))
        return try [value.detach()] + inputs.map { try #require(try $0.grad) }
    }
}
