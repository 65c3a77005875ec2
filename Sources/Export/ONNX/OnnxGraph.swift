internal import Tensors

// The parts of ONNX's format that Retort writes, with the field numbers of onnx.proto.

/// What an operator is told besides its inputs.
enum OnnxAttribute {
    case int(Int)
    case ints([Int])
    case real(Double)
    case text(String)
}

/// An operator with its inputs and outputs, which are names; an empty input is one left out.
struct OnnxNode {
    var operation: String
    var inputs: [String]
    var outputs: [String]
    var attributes: [(name: String, value: OnnxAttribute)]
}

/// A tensor that comes with the model.
struct OnnxInitializer {
    var name: String
    var tensor: Tensor
}

/// An input or output of the model.
struct OnnxPort {
    /// A length, or the name of one that is known only when the model runs.
    enum Length: Hashable {
        case fixed(Int)
        case named(String)
    }

    var name: String
    var dtype: DType
    var shape: [Length]
}

/// A model in ONNX's terms.
struct OnnxGraph {
    /// The version of the operators; the first with `LayerNormalization`, and read by whatever reads ONNX today.
    static let operatorVersion = 17
    /// The version of the format that goes with it.
    static let formatVersion = 8

    var name: String
    var inputs: [OnnxPort] = []
    var outputs: [OnnxPort] = []
    var nodes: [OnnxNode] = []
    var initializers: [OnnxInitializer] = []
    /// Facts for programs that look for them.
    var metadata: [(key: String, value: String)] = []

    /// The file's contents.
    func message() -> ProtobufMessage {
        var graph = ProtobufMessage()
        for (index, node) in nodes.enumerated() { graph.append(1, message(node, index)) }
        graph.append(2, name)
        for initializer in initializers { graph.append(5, message(initializer)) }
        for port in inputs { graph.append(11, message(port)) }
        for port in outputs { graph.append(12, message(port)) }

        var operators = ProtobufMessage()
        operators.append(1, "")
        operators.append(2, Self.operatorVersion)
        var model = ProtobufMessage()
        model.append(1, Self.formatVersion)
        model.append(2, "retort")
        model.append(7, graph)
        model.append(8, operators)
        for (key, value) in metadata {
            var entry = ProtobufMessage()
            entry.append(1, key)
            entry.append(2, value)
            model.append(14, entry)
        }
        return model
    }

    private func message(_ node: OnnxNode, _ index: Int) -> ProtobufMessage {
        var message = ProtobufMessage()
        for input in node.inputs { message.append(1, input) }
        for output in node.outputs { message.append(2, output) }
        message.append(3, "\(node.operation)_\(index)")
        message.append(4, node.operation)
        for (name, value) in node.attributes {
            var attribute = ProtobufMessage()
            attribute.append(1, name)
            switch value {
            case .real(let value):
                attribute.append(2, Float(value))
                attribute.append(20, 1)
            case .int(let value):
                attribute.append(3, value)
                attribute.append(20, 2)
            case .text(let value):
                attribute.append(4, value)
                attribute.append(20, 3)
            case .ints(let values):
                for value in values { attribute.append(8, value) }
                attribute.append(20, 7)
            }
            message.append(5, attribute)
        }
        return message
    }

    private func message(_ initializer: OnnxInitializer) -> ProtobufMessage {
        var message = ProtobufMessage()
        for length in initializer.tensor.shape { message.append(1, length) }
        message.append(2, initializer.tensor.dtype.onnx)
        message.append(8, initializer.name)
        message.append(9, initializer.tensor)
        return message
    }

    private func message(_ port: OnnxPort) -> ProtobufMessage {
        var shape = ProtobufMessage()
        for length in port.shape {
            var dimension = ProtobufMessage()
            switch length {
            case .fixed(let value): dimension.append(1, value)
            case .named(let name): dimension.append(2, name)
            }
            shape.append(1, dimension)
        }
        var tensor = ProtobufMessage()
        tensor.append(1, port.dtype.onnx)
        tensor.append(2, shape)
        var type = ProtobufMessage()
        type.append(1, tensor)
        var message = ProtobufMessage()
        message.append(1, port.name)
        message.append(2, type)
        return message
    }
}

extension DType {
    /// ONNX's number for the type.
    var onnx: Int {
        switch self {
        case .float32: 1
        case .uint8: 2
        case .int32: 6
        case .int64: 7
        case .bool: 9
        case .float16: 10
        case .float64: 11
        case .bfloat16: 16
        }
    }
}
