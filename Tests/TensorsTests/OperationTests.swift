import Tensors
import Testing

@Suite struct OperationTests {
    /// One operation, applied to the inputs of its goldens.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let run: @Sendable ([Tensor]) throws -> Tensor
        var testDescription: String { name }

        init(_ name: String, _ run: @escaping @Sendable ([Tensor]) throws -> Tensor) {
            self.name = name
            self.run = run
        }
    }

    @Test(arguments: arithmetic + elementwise + reductions + shapes + indexing)
    func `an operation and its gradients equal PyTorch's`(_ operation: Case) throws {
        try check(operation)
    }

    @Test(arguments: images + normalization + losses)
    func `a layer's operation and its gradients equal PyTorch's`(_ operation: Case) throws {
        try check(operation)
    }

    @Test func `every golden has a case`() throws {
        let cases = Self.arithmetic + Self.elementwise + Self.reductions + Self.shapes + Self.indexing
        let names = (cases + Self.images + Self.normalization + Self.losses).map(\.name)
        let goldens = try Goldens("ops.safetensors").names.compactMap { $0.split(separator: ".").first }
        #expect(Set(names) == Set(goldens.map(String.init)))
    }

    private func check(_ operation: Case) throws {
        let goldens = try Goldens("ops.safetensors")
        let name = operation.name
        var inputs: [Tensor] = []
        while let input = try goldens.find("\(name).in\(inputs.count)") { inputs.append(input) }
        let start = try goldens.find("\(name).from")
        for input in inputs where start != nil && input.dtype.isFloatingPoint { try input.requiresGrad(true) }

        let result = try operation.run(inputs)
        try expectClose(result, goldens["\(name).out"], "result of \(name)")
        guard let start else { return }
        try result.backward(gradient: start)
        for (index, input) in inputs.enumerated() where input.requiresGrad {
            let gradient = try #require(try input.grad, "\(name) has no gradient for input \(index)")
            try expectClose(gradient, goldens["\(name).grad\(index)"], "gradient \(index) of \(name)")
        }
    }
}

// One entry for each golden: the name it has in Scripts/fixtures/tensors.py, and the same in Swift.
extension OperationTests {
    static let arithmetic: [Case] = [
        Case("add") { try $0[0] + $0[1] },
        Case("subtract") { try $0[0] - $0[1] },
        Case("multiply") { try $0[0] * $0[1] },
        Case("divide") { try $0[0] / $0[1] },
        Case("scalars") { try 2 / ((3 - $0[0] * 1.5) / 2 + 4) - 1 },
        Case("negate") { try -$0[0] },
        Case("maximum") { try $0[0].maximum($0[1]) },
        Case("minimum") { try $0[0].minimum($0[1]) },
        Case("matmul") { try $0[0].matmul($0[1]) },
        Case("batched matmul") { try $0[0].matmul($0[1]) },
        Case("linear") { try $0[0].linear(weight: $0[1], bias: $0[2]) },
        Case("autocast") { inputs in
            try autocast(.bfloat16) { try inputs[0].linear(weight: inputs[1]) }
        },
    ]

    static let elementwise: [Case] = [
        Case("abs") { try $0[0].abs() },
        Case("exp") { try $0[0].exp() },
        Case("log") { try $0[0].log() },
        Case("log1p") { try $0[0].log1p() },
        Case("sqrt") { try $0[0].sqrt() },
        Case("rsqrt") { try $0[0].rsqrt() },
        Case("sin") { try $0[0].sin() },
        Case("cos") { try $0[0].cos() },
        Case("pow") { try $0[0].pow(3) },
        Case("clamp") { try $0[0].clamp(min: -0.5, max: 0.5) },
        Case("clamp min") { try $0[0].clamp(min: 0.1) },
        Case("clamp max") { try $0[0].clamp(max: 0.1) },
        Case("relu") { try $0[0].relu() },
        Case("relu6") { try $0[0].relu6() },
        Case("gelu") { try $0[0].gelu() },
        Case("gelu tanh") { try $0[0].gelu(tanh: true) },
        Case("silu") { try $0[0].silu() },
        Case("sigmoid") { try $0[0].sigmoid() },
        Case("tanh") { try $0[0].tanh() },
        Case("hardswish") { try $0[0].hardswish() },
        Case("hardsigmoid") { try $0[0].hardsigmoid() },
        Case("softplus") { try $0[0].softplus() },
        Case("softmax") { try $0[0].softmax(-1) },
        Case("log softmax") { try $0[0].logSoftmax(0) },
    ]

    static let reductions: [Case] = [
        Case("log sum exp") { try $0[0].logSumExp(dims: [1], keepingDim: true) },
        Case("sum") { try $0[0].sum(0, keepingDim: true) },
        Case("sum all") { try $0[0].sum() },
        Case("mean") { try $0[0].mean(0, 1) },
        Case("mean all") { try $0[0].mean() },
        Case("variance") { try $0[0].variance(dims: [1]) },
        Case("biased variance") { try $0[0].variance(dims: [1], unbiased: false, keepingDim: true) },
        Case("max") { try $0[0].max(dims: [1]) },
        Case("max values") { try $0[0].max(1).values },
        Case("min values") { try $0[0].min(1, keepingDim: true).values },
        Case("argmax") { try $0[0].argmax(1) },
        Case("top k") { try $0[0].topK(2, dim: 1).values },
        Case("top k indices") { try $0[0].topK(2, dim: 1).indices },
        Case("sort") { try $0[0].sort(1, descending: true).values },
        Case("argsort") { try $0[0].argsort(1) },
        Case("cumulative sum") { try $0[0].cumulativeSum(1) },
        Case("norm") { try $0[0].norm() },
        Case("norm dims") { try $0[0].norm(dims: [1]) },
        Case("normalize") { try $0[0].normalize() },
        Case("cosine similarity") { try $0[0].cosineSimilarity($0[1], dim: 1) },
    ]

    static let shapes: [Case] = [
        Case("reshape") { try $0[0].reshape(2, -1) },
        Case("transpose") { try $0[0].transpose(0, 1) },
        Case("permute") { try $0[0].permute(2, 0, 1) },
        Case("flatten") { try $0[0].flatten(from: 1) },
        Case("expand") { try $0[0].unsqueeze(0).expand([3, -1]) },
        Case("flip") { try $0[0].flip([1]) },
        Case("cat") { try Tensor.cat($0, dim: 1) },
        Case("stack") { try Tensor.stack($0, dim: 1) },
        Case("pad") { try $0[0].pad([1, 2, 0, 1], value: 0.5) },
        Case("pad reflect") { try $0[0].pad([1, 1, 2, 0], mode: .reflect) },
    ]

    static let indexing: [Case] = [
        Case("slice") { try $0[0].slice(dim: 1, from: 1, to: -1) },
        Case("select") { try $0[0].select(dim: 1, index: -1) },
        Case("index select") { try $0[0].indexSelect(dim: 1, $0[1]) },
        Case("gather") { try $0[0].gather(dim: 1, $0[1]) },
        Case("embedding") { try $0[0].embedding($0[1]) },
        Case("one hot") { try $0[0].oneHot(classCount: 5) },
        Case("where") { try Tensor.where($0[0].greater(0), $0[0], $0[1]) },
        Case("masked fill") { try $0[0].maskedFill($0[0].greater(0), 9.0) },
    ]

    static let images: [Case] = [
        Case("conv2d") { try $0[0].conv2d(weight: $0[1], bias: $0[2], stride: 2, padding: 1) },
        Case("conv2d dilated") { try $0[0].conv2d(weight: $0[1], padding: (2, 1), dilation: (2, 1)) },
        Case("conv2d depthwise") { try $0[0].conv2d(weight: $0[1], stride: 1, padding: 1, groups: 4) },
        Case("adaptive average pool") { try $0[0].adaptiveAvgPool2d() },
        Case("average pool") { try $0[0].avgPool2d(kernel: 2) },
        Case("max pool") { try $0[0].maxPool2d(kernel: 3, stride: 2, padding: 1) },
        Case("upsample bilinear") { try $0[0].upsampleBilinear(height: 9, width: 7) },
        Case("upsample bicubic") { try $0[0].upsampleBicubic(height: 9, width: 7) },
        Case("upsample bicubic antialiased") {
            try $0[0].upsampleBicubic(height: 3, width: 4, antialias: true)
        },
        Case("resize antialiased") { try $0[0].resizeBilinearAA(height: 3, width: 4) },
        Case("upsample nearest") { try $0[0].upsampleNearest(height: 9, width: 7) },
    ]

    static let normalization: [Case] = [
        Case("layer norm") { try $0[0].layerNorm([4], weight: $0[1], bias: $0[2], epsilon: 1e-6) },
        Case("batch norm") {
            try $0[0].batchNorm(
                weight: $0[1], bias: $0[2], runningMean: nil, runningVariance: nil, training: true)
        },
        Case("group norm of 1") { try $0[0].groupNorm(1, weight: $0[1], bias: $0[2]) },
        Case("group norm of 2") { try $0[0].groupNorm(2, weight: $0[1], bias: $0[2]) },
        Case("attention") {
            try Tensor.scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2])
        },
        Case("causal attention") {
            try Tensor.scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2], causal: true)
        },
        Case("masked attention") {
            try Tensor.scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2], mask: $0[3])
        },
    ]

    static let losses: [Case] = [
        Case("cross entropy") { try $0[0].crossEntropy($0[1]) },
        Case("cross entropy smoothed") { try $0[0].crossEntropy($0[1], labelSmoothing: 0.1) },
        Case("cross entropy of each") { try $0[0].crossEntropy($0[1], reduction: .none) },
        Case("cross entropy of probabilities") { try $0[0].crossEntropy($0[1]) },
        Case("negative log likelihood") { try $0[0].nllLoss($0[1]) },
        Case("divergence") { try $0[0].klDiv($0[1]) },
        Case("divergence of logarithms") { try $0[0].klDiv($0[1], logTarget: true) },
        Case("squared error") { try $0[0].mseLoss($0[1]) },
        Case("binary cross entropy") { try $0[0].binaryCrossEntropy($0[1]) },
    ]
}
