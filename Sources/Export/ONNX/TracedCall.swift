internal import Diagnostics
internal import Tensors

/// One traced operation on its way into an ONNX graph: what it was told, and where its results go.
struct TracedCall {
    let node: Trace.Node
    /// The arguments that depend on the number of images.
    let varying: Set<String>
    let translator: OnnxTranslator

    /// PyTorch's name, without the namespace, and without the underscore of a variant that works in place: in a
    /// trace both make a new value.
    var operation: String {
        let name = node.operation.hasPrefix("aten::") ? String(node.operation.dropFirst(6)) : node.operation
        return name.hasSuffix("_") && !name.hasSuffix("__") ? String(name.dropLast()) : name
    }

    /// The complaint about an operation that ONNX, or this translation, has no words for.
    func unsupported(_ reason: String) -> Diagnostic {
        Diagnostic(
            "the model cannot be written as ONNX: \(node.operation) \(reason)",
            hint: "'--to safetensors' exports every model", exitCode: .unavailable)
    }

    // MARK: Arguments

    /// An argument by the name in PyTorch's schema.
    subscript(name: String) -> Trace.Argument {
        node.arguments.first { $0.name == name }?.value ?? .none
    }

    /// An argument that must not depend on the number of images.
    private func constant(_ name: String) throws -> Trace.Argument {
        guard !varying.contains(name) else {
            throw unsupported("has an argument '\(name)' that depends on the number of images")
        }
        return self[name]
    }

    private func wrong(_ name: String) -> Diagnostic {
        unsupported("has an argument '\(name)' of an unexpected kind: \(self[name])")
    }

    /// The number of the value that an argument is.
    func value(_ name: String) throws -> Int {
        guard case .value(let value) = self[name] else { throw wrong(name) }
        return value
    }

    /// The name of the tensor that an argument is.
    func input(_ name: String) throws -> String { try translator.name(of: value(name)) }

    /// The name of the tensor that an argument is, if it is given.
    func optionalInput(_ name: String) throws -> String? { self[name] == .none ? nil : try input(name) }

    /// The tensor that comes first, which most operations work on.
    func first() throws -> (name: String, value: Int) {
        guard case .value(let value)? = node.arguments.first?.value else {
            throw unsupported("does not begin with a tensor")
        }
        return (try translator.name(of: value), value)
    }

    /// The tensors of a list.
    func values(_ name: String) throws -> [Int] {
        guard case .values(let values) = self[name] else { throw wrong(name) }
        return values
    }

    func int(_ name: String) throws -> Int {
        guard let value = try optionalInt(name) else { throw wrong(name) }
        return value
    }

    func optionalInt(_ name: String) throws -> Int? {
        switch try constant(name) {
        case .int(let value): value
        case .none: nil
        default: throw wrong(name)
        }
    }

    func ints(_ name: String) throws -> [Int] {
        switch try constant(name) {
        case .ints(let values): values
        case .int(let value): [value]
        case .none: []
        default: throw wrong(name)
        }
    }

    /// Two numbers, of which PyTorch may have been told one.
    func pair(_ name: String) throws -> [Int]? {
        let values = try ints(name)
        return switch values.count {
        case 0: nil
        case 1: [values[0], values[0]]
        case 2: values
        default: throw wrong(name)
        }
    }

    func real(_ name: String) throws -> Double {
        guard let value = try optionalReal(name) else { throw wrong(name) }
        return value
    }

    func optionalReal(_ name: String) throws -> Double? {
        switch try constant(name) {
        case .real(let value): value
        case .int(let value): Double(value)
        case .bool(let value): value ? 1 : 0
        case .none: nil
        default: throw wrong(name)
        }
    }

    func bool(_ name: String) throws -> Bool {
        switch try constant(name) {
        case .bool(let value): value
        case .int(let value): value != 0
        case .none: false
        default: throw wrong(name)
        }
    }

    func text(_ name: String) throws -> String? {
        switch try constant(name) {
        case .text(let value): value
        case .none: nil
        default: throw wrong(name)
        }
    }

    // MARK: Shapes

    /// The shape of the first tensor.
    func shape() throws -> [Extent] { translator.shape(of: try first().value) }

    /// The shape of the first result.
    var outputShape: [Extent] { translator.shape(of: node.outputs[0]) }

    /// The dtype of the first result.
    var outputType: DType { translator.dtype(of: node.outputs[0]) }

    /// A dimension counted from the front.
    func dim(_ name: String, rank: Int) throws -> Int {
        let dim = try int(name)
        return dim < 0 ? dim + rank : dim
    }

    /// The length of a dimension that must not depend on the number of images.
    func length(_ extent: Extent) throws -> Int {
        guard case .fixed(let length) = extent else {
            throw unsupported("works along a dimension that depends on the number of images")
        }
        return length
    }

    // MARK: Results

    func emit(
        _ operation: String, _ inputs: [String], _ attributes: KeyValuePairs<String, OnnxAttribute> = [:]
    ) -> String {
        translator.emit(operation, inputs, attributes)
    }

    /// A number in the dtype of the result, or in another.
    func scalar(_ value: Double, _ dtype: DType? = nil) throws -> String {
        try translator.scalar(value, dtype ?? outputType)
    }

    /// A tensor or a number, in a dtype: PyTorch mixes types where ONNX does not.
    func operand(_ name: String, as dtype: DType) throws -> String {
        guard case .value(let value) = self[name] else { return try translator.scalar(real(name), dtype) }
        return cast(try translator.name(of: value), from: translator.dtype(of: value), to: dtype)
    }

    func cast(_ name: String, from old: DType, to new: DType) -> String {
        old == new ? name : emit("Cast", [name], ["to": .int(new.onnx)])
    }

    /// The same elements in another shape.
    func reshape(_ name: String, from old: [Extent], to new: [Extent]) throws -> String {
        if old == new, !old.contains(.unknown) { return name }
        var open = new.indices.filter { if case .fixed = new[$0] { false } else { true } }
        var target = new.map { if case .fixed(let length) = $0 { length } else { -1 } }
        // One length can be left to the runtime; another must stand where it stood, which 0 says.
        if open.count > 1 {
            for index in open where index < old.count && old[index] == new[index] && old[index] != .unknown {
                target[index] = 0
            }
            open.removeAll { target[$0] == 0 }
        }
        guard open.count <= 1 else {
            throw unsupported("makes several dimensions that depend on the number of images")
        }
        return emit("Reshape", [name, try translator.integers(target)])
    }
}
