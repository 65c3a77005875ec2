internal import Diagnostics
internal import Tensors

extension OnnxOperators {
    /// Operations with weights, and those on images.
    static func layer(_ call: TracedCall) throws -> String? {
        switch call.operation {
        case "linear": return try linear(call)
        case "matmul", "mm", "bmm": return call.emit("MatMul", [try call.first().name, try second(call)])
        case "addmm":
            return call.emit(
                "Gemm", [try call.input("mat1"), try call.input("mat2"), try call.input("self")],
                ["alpha": .real(try call.real("alpha")), "beta": .real(try call.real("beta"))])
        case "_convolution", "convolution", "conv2d": return try convolution(call)
        case "batch_norm": return try batchNorm(call)
        case "layer_norm": return try layerNorm(call)
        case "group_norm": return try groupNorm(call)
        case "scaled_dot_product_attention": return try attention(call)
        case "max_pool2d", "avg_pool2d": return try pool(call)
        case "adaptive_avg_pool2d": return try adaptivePool(call)
        case "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d": return try upsample(call)
        default: return nil
        }
    }

    /// The second matrix of a product, whose name depends on the kind of product.
    private static func second(_ call: TracedCall) throws -> String {
        guard call.node.arguments.count == 2, case .value(let value) = call.node.arguments[1].value else {
            throw call.unsupported("is no product of two tensors")
        }
        return try call.translator.name(of: value)
    }

    private static func linear(_ call: TracedCall) throws -> String {
        let (x, weight, bias) = try (call.first().name, call.input("weight"), call.optionalInput("bias"))
        if try call.shape().count == 2 {
            return call.emit("Gemm", [x, weight] + (bias.map { [$0] } ?? []), ["transB": .int(1)])
        }
        let product = call.emit("MatMul", [x, call.emit("Transpose", [weight], ["perm": .ints([1, 0])])])
        return bias.map { call.emit("Add", [product, $0]) } ?? product
    }

    private static func convolution(_ call: TracedCall) throws -> String {
        guard try !call.bool("transposed") else { throw call.unsupported("is transposed") }
        guard let stride = try call.pair("stride"), let padding = try call.pair("padding"),
            let dilation = try call.pair("dilation")
        else { throw call.unsupported("is not two-dimensional") }
        let bias = try call.optionalInput("bias")
        let kernel = try call.translator.shape(of: call.value("weight")).dropFirst(2).map {
            try call.length($0)
        }
        return call.emit(
            "Conv", [try call.first().name, try call.input("weight")] + (bias.map { [$0] } ?? []),
            [
                "dilations": .ints(dilation), "group": .int(try call.int("groups")),
                "kernel_shape": .ints(kernel),
                "pads": .ints(padding + padding), "strides": .ints(stride),
            ])
    }

    // MARK: - Normalisation

    /// A weight, or as many of a number where there is none.
    private static func weight(_ call: TracedCall, _ name: String, _ count: Int, else value: Double) throws
        -> String
    {
        try call.optionalInput(name) ?? call.translator.constant(Tensor.full([count], value))
    }

    private static func batchNorm(_ call: TracedCall) throws -> String {
        guard try !call.bool("training") else { throw call.unsupported("normalises by the batch") }
        let channels = try call.length(call.shape()[1])
        return call.emit(
            "BatchNormalization",
            [
                try call.first().name, try weight(call, "weight", channels, else: 1),
                try weight(call, "bias", channels, else: 0), try call.input("running_mean"),
                try call.input("running_var"),
            ], ["epsilon": .real(try call.real("eps"))])
    }

    private static func layerNorm(_ call: TracedCall) throws -> String {
        let shape = try call.ints("normalized_shape")
        let scale =
            try call.optionalInput("weight") ?? call.translator.constant(Tensor.full(shape, 1.0))
        let bias = try call.optionalInput("bias")
        return call.emit(
            "LayerNormalization", [try call.first().name, scale] + (bias.map { [$0] } ?? []),
            ["axis": .int(-shape.count), "epsilon": .real(try call.real("eps"))])
    }

    /// Each group is an instance of one channel; ONNX has group normalisation only since version 18.
    private static func groupNorm(_ call: TracedCall) throws -> String {
        let (x, shape, groups) = try (call.first().name, call.shape(), call.int("num_groups"))
        let channels = try call.length(shape[1])
        let rest = try shape.dropFirst().reduce(1) { try $0 * call.length($1) }
        let grouped: [Extent] = [shape[0], .fixed(groups), .fixed(rest / groups)]
        let normalized = call.emit(
            "InstanceNormalization",
            [
                try call.reshape(x, from: shape, to: grouped),
                try call.translator.constant(Tensor.full([groups], 1.0)),
                try call.translator.constant(Tensor.full([groups], 0.0)),
            ], ["epsilon": .real(try call.real("eps"))])
        let back = try call.reshape(normalized, from: grouped, to: shape)
        let perChannel = [Extent.fixed(channels)] + shape.dropFirst(2).map { _ in .fixed(1) }
        func spread(_ name: String) throws -> String? {
            try call.optionalInput(name).map {
                try call.reshape($0, from: [.fixed(channels)], to: perChannel)
            }
        }
        let scaled = try spread("weight").map { call.emit("Mul", [back, $0]) } ?? back
        return try spread("bias").map { call.emit("Add", [scaled, $0]) } ?? scaled
    }

    // MARK: - Attention

    /// Attention in its parts: softmax(q · kᵀ · scale + mask) · v.
    private static func attention(_ call: TracedCall) throws -> String {
        guard try call.real("dropout_p") == 0 else { throw call.unsupported("drops elements at random") }
        guard try !call.bool("enable_gqa") else { throw call.unsupported("shares keys among queries") }
        let shape = try call.shape()
        let width = try call.length(shape[shape.count - 1])
        let scale = try call.optionalReal("scale") ?? 1 / Double(width).squareRoot()
        let query = call.emit("Mul", [try call.input("query"), try call.scalar(scale)])
        var order = Array(shape.indices)
        order.swapAt(order.count - 1, order.count - 2)
        let keys = call.emit("Transpose", [try call.input("key")], ["perm": .ints(order)])
        var scores = call.emit("MatMul", [query, keys])
        if let mask = try mask(call, shape) { scores = call.emit("Add", [scores, mask]) }
        return call.emit(
            "MatMul", [call.emit("Softmax", [scores], ["axis": .int(-1)]), try call.input("value")])
    }

    /// What is added to the scores.
    private static func mask(_ call: TracedCall, _ query: [Extent]) throws -> String? {
        if case .value(let value) = call["attn_mask"] {
            let name = try call.translator.name(of: value)
            guard call.translator.dtype(of: value) == .bool else { return name }
            return call.emit("Where", [name, try call.scalar(0), try call.scalar(-.infinity)])
        }
        guard try call.bool("is_causal") else { return nil }
        let keys = call.translator.shape(of: try call.value("key"))
        let (rows, columns) = try (call.length(query[query.count - 2]), call.length(keys[keys.count - 2]))
        let values = (0..<rows * columns).map { $0 % columns > $0 / columns ? -Float.infinity : 0 }
        return try call.translator.constant(Tensor(values, shape: [rows, columns]))
    }

    // MARK: - Images

    private static func pool(_ call: TracedCall) throws -> String {
        guard let kernel = try call.pair("kernel_size"), let padding = try call.pair("padding") else {
            throw call.unsupported("is not two-dimensional")
        }
        let x = try call.first().name
        let stride = try call.pair("stride") ?? kernel
        let rounds: OnnxAttribute = .int(try call.bool("ceil_mode") ? 1 : 0)
        if call.operation == "max_pool2d" {
            return call.emit(
                "MaxPool", [x],
                [
                    "ceil_mode": rounds, "dilations": .ints(try call.pair("dilation") ?? [1, 1]),
                    "kernel_shape": .ints(kernel), "pads": .ints(padding + padding), "strides": .ints(stride),
                ])
        }
        guard call["divisor_override"] == .none else { throw call.unsupported("has a divisor of its own") }
        return call.emit(
            "AveragePool", [x],
            [
                "ceil_mode": rounds, "count_include_pad": .int(try call.bool("count_include_pad") ? 1 : 0),
                "kernel_shape": .ints(kernel), "pads": .ints(padding + padding), "strides": .ints(stride),
            ])
    }

    private static func adaptivePool(_ call: TracedCall) throws -> String {
        let x = try call.first().name
        let (old, new) = try (
            call.shape().suffix(2).map(call.length), call.outputShape.suffix(2).map(call.length)
        )
        if new == [1, 1] { return call.emit("GlobalAveragePool", [x]) }
        guard zip(old, new).allSatisfy({ $0.isMultiple(of: $1) }) else {
            // Regions of different sizes: a matrix of shares from either side takes the means.
            let (rows, columns) = try (shares(old[0], new[0]), shares(old[1], new[1]).transpose(0, 1))
            let high = call.emit("MatMul", [try call.translator.constant(rows), x])
            return call.emit("MatMul", [high, try call.translator.constant(columns.contiguous())])
        }
        let kernel = zip(old, new).map { $0 / $1 }
        return call.emit("AveragePool", [x], ["kernel_shape": .ints(kernel), "strides": .ints(kernel)])
    }

    /// What each place of a row gives to the means of its regions, `[regions, places]`.
    private static func shares(_ places: Int, _ regions: Int) throws -> Tensor {
        let values = (0..<regions).flatMap { region in
            let (start, end) = (region * places / regions, ((region + 1) * places + regions - 1) / regions)
            return (0..<places).map { start <= $0 && $0 < end ? 1 / Float(end - start) : 0 }
        }
        return try Tensor(values, shape: [regions, places])
    }

    private static func upsample(_ call: TracedCall) throws -> String {
        guard let size = try call.translator.shapeVector(call.outputShape) else {
            throw call.unsupported("makes a length that is no multiple of the number of images")
        }
        let inputs = [try call.first().name, "", "", size]
        if call.operation == "upsample_nearest2d" {
            return call.emit(
                "Resize", inputs,
                [
                    "coordinate_transformation_mode": .text("asymmetric"), "mode": .text("nearest"),
                    "nearest_mode": .text("floor"),
                ])
        }
        let corners = try call.bool("align_corners")
        return call.emit(
            "Resize", inputs,
            [
                "coordinate_transformation_mode": .text(corners ? "align_corners" : "half_pixel"),
                "cubic_coeff_a": .real(-0.75),
                "mode": .text(call.operation == "upsample_bilinear2d" ? "linear" : "cubic"),
            ])
    }
}
