internal import Diagnostics
internal import Tensors

/// How each of PyTorch's operations is said in ONNX.
enum OnnxOperators {
    /// Adds the operators of a call and returns the names of its results.
    ///
    /// - Throws: a `Diagnostic` that names an operation without a counterpart.
    static func translate(_ call: TracedCall) throws -> [String] {
        if let result = try elementwise(call) ?? shaping(call) ?? reduction(call) ?? layer(call) {
            return [result]
        }
        if let results = try pieces(call) { return results }
        throw call.unsupported("has no counterpart in this program's list")
    }

    // MARK: - Element by element

    /// Operations that both sides know, by PyTorch's name.
    private static let unary = [
        "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
        "neg": "Neg", "abs": "Abs", "sign": "Sign", "erf": "Erf", "sin": "Sin", "cos": "Cos",
        "floor": "Floor",
        "ceil": "Ceil", "round": "Round", "reciprocal": "Reciprocal", "hardswish": "HardSwish",
        "logical_not": "Not", "isnan": "IsNaN",
    ]

    private static let comparisons = [
        "eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual",
        "logical_and": "And", "logical_or": "Or",
    ]

    static func elementwise(_ call: TracedCall) throws -> String? {
        if let name = unary[call.operation] { return call.emit(name, [try call.first().name]) }
        if let name = comparisons[call.operation] {
            let (x, value) = try call.first()
            return call.emit(name, [x, try call.operand("other", as: call.translator.dtype(of: value))])
        }
        return try arithmetic(call) ?? activation(call)
    }

    private static func arithmetic(_ call: TracedCall) throws -> String? {
        let type = call.outputType
        func both(_ operation: String, _ second: String = "other") throws -> String {
            call.emit(operation, [try call.operand("self", as: type), try call.operand(second, as: type)])
        }
        switch call.operation {
        case "add", "sub", "rsub":
            let (x, y) = try (call.operand("self", as: type), call.operand("other", as: type))
            let factor = try call.optionalReal("alpha") ?? 1
            func scaled(_ name: String) throws -> String {
                factor == 1 ? name : call.emit("Mul", [name, try call.scalar(factor)])
            }
            if call.operation == "rsub" { return call.emit("Sub", [y, try scaled(x)]) }
            return call.emit(call.operation == "add" ? "Add" : "Sub", [x, try scaled(y)])
        case "mul": return try both("Mul")
        case "div":
            guard try call.text("rounding_mode") == nil else { throw call.unsupported("rounds") }
            return try both("Div")
        case "maximum": return try both("Max")
        case "minimum": return try both("Min")
        case "pow": return try both("Pow", "exponent")
        case "rsqrt": return call.emit("Reciprocal", [call.emit("Sqrt", [try call.first().name])])
        case "square":
            let x = try call.first().name
            return call.emit("Mul", [x, x])
        case "log1p":
            return call.emit("Log", [call.emit("Add", [try call.first().name, try call.scalar(1)])])
        case "where":
            return call.emit(
                "Where",
                [
                    try call.input("condition"), try call.operand("self", as: type),
                    try call.operand("other", as: type),
                ])
        case "masked_fill":
            return call.emit(
                "Where", [try call.input("mask"), try call.operand("value", as: type), try call.first().name])
        default: return nil
        }
    }

    private static func activation(_ call: TracedCall) throws -> String? {
        func clip(_ low: Double?, _ high: Double?) throws -> String {
            // An empty name is an input left out.
            let bounds = try [low, high].map { try $0.map { try call.scalar($0) } ?? "" }
            return call.emit("Clip", [try call.first().name] + bounds)
        }
        switch call.operation {
        case "relu6": return try clip(0, 6)
        case "hardtanh": return try clip(call.real("min_val"), call.real("max_val"))
        case "clamp": return try clip(call.optionalReal("min"), call.optionalReal("max"))
        case "clamp_min": return try clip(call.real("min"), nil)
        case "clamp_max": return try clip(nil, call.real("max"))
        case "hardsigmoid":
            return call.emit(
                "HardSigmoid", [try call.first().name], ["alpha": .real(1.0 / 6), "beta": .real(0.5)])
        case "leaky_relu":
            return call.emit(
                "LeakyRelu", [try call.first().name], ["alpha": .real(try call.real("negative_slope"))])
        case "softplus":
            guard try call.real("beta") == 1 else { throw call.unsupported("has a beta other than 1") }
            return call.emit("Softplus", [try call.first().name])
        case "silu":
            let x = try call.first().name
            return call.emit("Mul", [x, call.emit("Sigmoid", [x])])
        case "gelu": return try gelu(call)
        case "contiguous", "clone", "detach", "alias", "lift_fresh": return try call.first().name
        case "dropout":
            guard try !call.bool("train") else { throw call.unsupported("drops elements at random") }
            return try call.first().name
        case "to", "_to_copy", "type_as":
            let (x, value) = try call.first()
            return call.cast(x, from: call.translator.dtype(of: value), to: call.outputType)
        default: return nil
        }
    }

    /// x · Φ(x), or its approximation by tanh; ONNX has an operator of its own only since version 20.
    private static func gelu(_ call: TracedCall) throws -> String {
        let x = try call.first().name
        let inner: String
        if try call.text("approximate") == "tanh" {
            let cube = call.emit("Mul", [call.emit("Mul", [x, x]), x])
            let sum = call.emit("Add", [x, call.emit("Mul", [cube, try call.scalar(0.044715)])])
            inner = call.emit(
                "Tanh", [call.emit("Mul", [sum, try call.scalar((2 / Double.pi).squareRoot())])])
        } else {
            inner = call.emit("Erf", [call.emit("Div", [x, try call.scalar(2.0.squareRoot())])])
        }
        let gate = call.emit("Add", [inner, try call.scalar(1)])
        return call.emit("Mul", [call.emit("Mul", [x, gate]), try call.scalar(0.5)])
    }

    // MARK: - Along dimensions

    static func reduction(_ call: TracedCall) throws -> String? {
        switch call.operation {
        case "mean": return try reduce(call, "ReduceMean")
        case "amax": return try reduce(call, "ReduceMax")
        case "amin": return try reduce(call, "ReduceMin")
        case "logsumexp": return try reduce(call, "ReduceLogSumExp")
        case "linalg_vector_norm":
            guard try call.real("ord") == 2 else { throw call.unsupported("is not the Euclidean norm") }
            return try reduce(call, "ReduceL2")
        case "sum":
            // Alone among them, it takes the dimensions as an input.
            let keeps: OnnxAttribute = .int(try call.bool("keepdim") ? 1 : 0)
            let dims = try call.ints("dim")
            let inputs = [try call.first().name] + (dims.isEmpty ? [] : [try call.translator.integers(dims)])
            return call.emit("ReduceSum", inputs, ["keepdims": keeps])
        case "softmax", "_softmax":
            return call.emit("Softmax", [try call.first().name], ["axis": .int(try call.int("dim"))])
        case "log_softmax", "_log_softmax":
            return call.emit("LogSoftmax", [try call.first().name], ["axis": .int(try call.int("dim"))])
        default: return nil
        }
    }

    private static func reduce(_ call: TracedCall, _ operation: String) throws -> String {
        let keeps: OnnxAttribute = .int(try call.bool("keepdim") ? 1 : 0)
        let dims = try call.ints("dim")
        let x = try call.first().name
        return dims.isEmpty
            ? call.emit(operation, [x], ["keepdims": keeps])
            : call.emit(operation, [x], ["axes": .ints(dims), "keepdims": keeps])
    }
}
