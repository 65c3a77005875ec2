import Tensors
import Testing

@Suite struct TraceTests {
    @Test func `operations, their arguments and shapes are recorded`() throws {
        let (x, weight) = try (Tensor.ones([2, 3, 4, 4]), Tensor.ones([5, 3, 3, 3]))
        let trace = try Trace(of: [x, weight], outputs: 1) {
            [try (x.conv2d(weight: weight, stride: 2, padding: 1) + 1).mean(2, 3, keepingDim: true)]
        }
        #expect(trace.inputCount == 2)
        #expect(trace.nodes.map(\.operation) == ["aten::_convolution", "aten::add", "aten::mean"])
        let convolution = trace.nodes[0].arguments
        #expect(convolution[0].name == "input" && convolution[0].value == .value(0))
        #expect(convolution[1].name == "weight" && convolution[1].value == .value(1))
        #expect(convolution[2].value == .none)
        #expect(convolution.first { $0.name == "stride" }?.value == .ints([2, 2]))
        #expect(convolution.first { $0.name == "transposed" }?.value == .bool(false))
        #expect(trace.nodes[2].arguments.first { $0.name == "dim" }?.value == .ints([2, 3]))
        #expect(trace.nodes[2].arguments.first { $0.name == "keepdim" }?.value == .bool(true))
        #expect(trace.values[trace.nodes[0].outputs[0]].shape == [2, 5, 2, 2])
        #expect(trace.outputs == trace.nodes[2].outputs)
        #expect(trace.values[trace.outputs[0]].dtype == .float32)
    }

    @Test func `a tensor that is no input is a constant`() throws {
        let (x, y) = try (Tensor.ones([2]), Tensor([Float(3), 4]))
        let trace = try Trace(of: [x], outputs: 2) { [try x * y, try Tensor.cat([x, y])] }
        let constants = try trace.values.compactMap { try $0.constant?.floats() }
        #expect(!constants.isEmpty && constants.allSatisfy { $0 == [3, 4] })
        guard case .values(let parts)? = trace.nodes.last?.arguments[0].value else {
            Issue.record("a list of tensors is a list of values")
            return
        }
        #expect(parts.count == 2 && parts[0] == 0)
    }

    private struct Wrong: Error {}

    @Test func `what the function throws comes out, and recording ends`() throws {
        let x = try Tensor.ones([2])
        #expect(throws: Wrong.self) {
            try Trace(of: [x], outputs: 1) {
                _ = try x.relu()
                throw Wrong()
            }
        }
        #expect(throws: TorchError.self) {
            try Trace(of: [x], outputs: 1) { [try x.matmul(Tensor.ones([3]))] }
        }
        // A trace that failed must not go on recording.
        #expect(try x.relu().floats() == [1, 1])
    }
}
