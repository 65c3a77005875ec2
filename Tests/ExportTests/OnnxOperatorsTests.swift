import Diagnostics
import Testing

@testable import Export
@testable import Tensors

/// Operations that no model here performs yet: traces made by hand, and the operators that come of them.
@Suite struct OnnxOperatorsTests {
    private typealias Named = (name: String, value: Trace.Argument)

    /// The graph of one operation on images `[B, 4, 6]`.
    private func graph(
        _ operation: String, _ arguments: [(String, Trace.Argument)], outputs: [[Int]]
    ) throws -> OnnxGraph {
        let shapes = [[2, 4, 6]] + outputs
        let node = Trace.Node(
            operation: "aten::\(operation)", arguments: [("self", .value(0))] + arguments,
            outputs: Array(1..<shapes.count))
        let trace = Trace(
            values: shapes.map { Trace.Value(shape: $0, dtype: .float32, constant: nil) }, nodes: [node],
            outputs: node.outputs, inputCount: 1)
        let extents = shapes.map { shape in
            shape.enumerated().map { $0 == 0 && $1 == 2 ? Extent.perImage(1) : .fixed($1) }
        }
        let traced = BatchedTrace(trace: trace, shapes: extents, varying: [[]])
        return try OnnxTranslator(traced, name: "test", input: "images", weights: [])
            .translate(outputs: node.outputs.map { "out\($0)" })
    }

    /// The operators with their attributes, in words, and the numbers that come with them.
    private func words(_ graph: OnnxGraph) throws -> [String] {
        let numbers = Dictionary(
            uniqueKeysWithValues: try graph.initializers.map { ($0.name, "\(try $0.tensor.doubles())") })
        return graph.nodes.map { node in
            let inputs = node.inputs.map { numbers[$0] ?? $0 }.joined(separator: ", ")
            let attributes = node.attributes.map { name, value in
                switch value {
                case .int(let value): "\(name) \(value)"
                case .ints(let values): "\(name) \(values)"
                case .real(let value): "\(name) \(value)"
                case .text(let value): "\(name) \(value)"
                }
            }
            return "\(node.operation)(\(inputs)) \(attributes.joined(separator: " ")) -> "
                + node.outputs.joined(separator: ", ")
        }
    }

    @Test(arguments: ["chunk", "split", "split_with_sizes", "tensor_split"])
    func `a tensor is cut into the pieces that were recorded`(_ operation: String) throws {
        let graph = try graph(operation, [("dim", .int(-1))], outputs: [[2, 4, 4], [2, 4, 2]])
        #expect(try words(graph) == ["Split(images, [4.0, 2.0]) axis 2 -> out1, out2"])
    }

    @Test func `unbinding removes the dimension`() throws {
        let graph = try graph("unbind", [("dim", .int(1))], outputs: [[2, 6], [2, 6], [2, 6], [2, 6]])
        let words = try words(graph)
        #expect(words[0].hasPrefix("Split(images, [1.0, 1.0, 1.0, 1.0]) axis 1"))
        #expect(words[4] == "Squeeze(split_0_3, [1.0])  -> out4")
    }

    @Test func `pieces of the batch are refused`() throws {
        let problem = #expect(throws: Diagnostic.self) {
            try graph("split", [("dim", .int(0))], outputs: [[2, 4, 6]])
        }
        #expect(
            problem?.message.hasSuffix("works along a dimension that depends on the number of images") == true
        )
    }

    @Test func `simple operations keep their numbers`() throws {
        let same = [[2, 4, 6]]
        #expect(
            try words(graph("hardtanh", [("min_val", .int(-1)), ("max_val", .real(2))], outputs: same))
                == ["Clip(images, [-1.0], [2.0])  -> out1"])
        #expect(
            try words(graph("leaky_relu_", [("negative_slope", .real(0.5))], outputs: same))
                == ["LeakyRelu(images) alpha 0.5 -> out1"])
        #expect(
            try words(
                graph(
                    "narrow", [("dim", .int(2)), ("start", .int(1)), ("length", .int(3))],
                    outputs: [[2, 4, 3]]))
                == ["Slice(images, [1.0], [4.0], [2.0], [1.0])  -> out1"])
        #expect(
            try words(graph("t", [], outputs: same)) == ["Transpose(images) perm [2, 1, 0] -> out1"])
        #expect(
            try words(
                graph(
                    "addmm",
                    [("mat1", .value(0)), ("mat2", .value(0)), ("beta", .int(2)), ("alpha", .int(1))],
                    outputs: same))
                == ["Gemm(images, images, images) alpha 1.0 beta 2.0 -> out1"])
        #expect(
            try words(graph("type_as", [("other", .value(0))], outputs: same)) == [
                "Identity(images)  -> out1"
            ])
    }

    @Test(arguments: [
        ("dropout", "p", "train", "drops elements at random"),
        ("_convolution", "x", "transposed", "is transposed"),
        ("batch_norm", "x", "training", "normalises by the batch"),
    ])
    func `what evaluation never does is refused`(
        operation: String, first: String, flag: String, reason: String
    ) throws {
        let problem = #expect(throws: Diagnostic.self) {
            try graph(operation, [(first, .real(0.5)), (flag, .bool(true))], outputs: [[2, 4, 6]])
        }
        #expect(problem?.message == "the model cannot be written as ONNX: aten::\(operation) \(reason)")
    }
}
