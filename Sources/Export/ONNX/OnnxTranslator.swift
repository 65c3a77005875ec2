internal import Diagnostics
internal import Tensors

/// Turns a trace into a graph of ONNX's operators, operation by operation.
final class OnnxTranslator {
    /// The name of the images' batch dimension.
    static let batch = "batch"

    private let traced: BatchedTrace
    private var graph: OnnxGraph
    /// ONNX's names of the trace's values.
    private var names: [Int: String] = [:]
    private var scalars: [String: String] = [:]
    private var batchLength: String?

    /// Prepares the translation of a trace.
    ///
    /// - Parameters:
    ///   - name: the graph's name.
    ///   - input: the name of the first input, the images.
    ///   - weights: the names of the other inputs.
    init(_ traced: BatchedTrace, name: String, input: String, weights: [(name: String, tensor: Tensor)]) {
        self.traced = traced
        graph = OnnxGraph(name: name)
        graph.inputs = [
            OnnxPort(name: input, dtype: .float32, shape: Self.lengths(traced.shapes[0]))
        ]
        names[0] = input
        for (index, weight) in weights.enumerated() { names[index + 1] = weight.name }
        graph.initializers = weights.map { OnnxInitializer(name: $0.name, tensor: $0.tensor) }
    }

    /// The whole graph, with the trace's outputs under these names.
    func translate(outputs: [String]) throws -> OnnxGraph {
        let needed = needed()
        for (index, node) in traced.trace.nodes.enumerated() where needed.contains(index) {
            let call = TracedCall(node: node, varying: traced.varying[index], translator: self)
            for (value, name) in zip(node.outputs, try OnnxOperators.translate(call)) { names[value] = name }
        }
        for (name, value) in zip(outputs, traced.trace.outputs) { try output(value, as: name) }
        let used = Set(graph.nodes.flatMap(\.inputs))
        graph.initializers.removeAll { !used.contains($0.name) }
        return graph
    }

    /// Normalises the images inside the graph, so that it takes values from 0 to 1.
    func normalize(mean: [Double], std: [Double]) throws {
        let shape = [1, mean.count, 1, 1]
        let shifted = emit(
            "Sub", [try name(of: 0), try constant(Tensor(doubles: mean, shape: shape).to(.float32))])
        names[0] = emit("Div", [shifted, try constant(Tensor(doubles: std, shape: shape).to(.float32))])
    }

    /// The positions of the operations on which the outputs depend.
    private func needed() -> Set<Int> {
        var values = Set(traced.trace.outputs)
        var needed: Set<Int> = []
        for (index, node) in traced.trace.nodes.enumerated().reversed()
        where !values.isDisjoint(with: node.outputs) {
            needed.insert(index)
            for argument in node.arguments {
                switch argument.value {
                case .value(let value): values.insert(value)
                case .values(let all): values.formUnion(all)
                default: break
                }
            }
        }
        return needed
    }

    private func output(_ value: Int, as name: String) throws {
        let old = try self.name(of: value)
        if let producer = graph.nodes.firstIndex(where: { $0.outputs.contains(old) }),
            !graph.outputs.contains(where: { $0.name == old })
        {
            graph.nodes[producer].outputs = graph.nodes[producer].outputs.map { $0 == old ? name : $0 }
            for index in graph.nodes.indices {
                graph.nodes[index].inputs = graph.nodes[index].inputs.map { $0 == old ? name : $0 }
            }
            for (key, known) in names where known == old { names[key] = name }
        } else {
            graph.nodes.append(
                OnnxNode(operation: "Identity", inputs: [old], outputs: [name], attributes: []))
        }
        graph.outputs.append(
            OnnxPort(
                name: name, dtype: traced.trace.values[value].dtype ?? .float32,
                shape: Self.lengths(traced.shapes[value])))
    }

    private static func lengths(_ shape: [Extent]) -> [OnnxPort.Length] {
        shape.enumerated().map { index, extent in
            switch extent {
            case .fixed(let length): .fixed(length)
            case .perImage(1): .named(batch)
            case .perImage, .unknown: .named("\(batch)_\(index)")
            }
        }
    }
}

// MARK: - What operators are made of

extension OnnxTranslator {
    /// The shape of a value.
    func shape(of value: Int) -> [Extent] { traced.shapes[value] }

    /// The dtype of a value.
    func dtype(of value: Int) -> DType { traced.trace.values[value].dtype ?? .float32 }

    /// ONNX's name of a value; a constant becomes part of the graph when it is first named.
    func name(of value: Int) throws -> String {
        if let name = names[value] { return name }
        guard let tensor = traced.trace.values[value].constant else {
            preconditionFailure("Retort bug: value \(value) of a trace is used before it is made")
        }
        let name = try constant(tensor)
        names[value] = name
        return name
    }

    /// Adds an operator with one output and returns that output's name.
    func emit(
        _ operation: String, _ inputs: [String], _ attributes: KeyValuePairs<String, OnnxAttribute> = [:]
    ) -> String {
        emit(operation, inputs, outputs: 1, attributes)[0]
    }

    /// Adds an operator and returns the names of its outputs.
    func emit(
        _ operation: String, _ inputs: [String], outputs count: Int,
        _ attributes: KeyValuePairs<String, OnnxAttribute> = [:]
    ) -> [String] {
        let stem = "\(operation.lowercased())_\(graph.nodes.count)"
        let outputs = count == 1 ? [stem] : (0..<count).map { "\(stem)_\($0)" }
        graph.nodes.append(
            OnnxNode(
                operation: operation, inputs: inputs, outputs: outputs,
                attributes: attributes.map { ($0.key, $0.value) }))
        return outputs
    }

    /// Adds a tensor to the model.
    func constant(_ tensor: Tensor) throws -> String {
        let name = "constant_\(graph.initializers.count)"
        // Its memory may be that of a tensor in another order.
        graph.initializers.append(OnnxInitializer(name: name, tensor: try tensor.contiguous()))
        return name
    }

    /// A list of whole numbers, as operators take them.
    func integers(_ values: [Int]) throws -> String {
        try shared("\(values)") { try Tensor(values) }
    }

    /// A number without dimensions.
    func scalar(_ value: Double, _ dtype: DType) throws -> String {
        try shared("\(value) \(dtype)") { try Tensor(doubles: [value], shape: []).to(dtype) }
    }

    private func shared(_ key: String, _ tensor: () throws -> Tensor) throws -> String {
        if let name = scalars[key] { return name }
        let name = try constant(tensor())
        scalars[key] = name
        return name
    }

    /// A shape as operators take it; nil where a length is not a multiple of the number of images.
    func shapeVector(_ shape: [Extent]) throws -> String? {
        if shape.contains(.unknown) { return nil }
        var parts: [String] = []
        for extent in shape {
            switch extent {
            case .fixed(let length): parts.append(try integers([length]))
            case .perImage(let times):
                let batch =
                    batchLength ?? emit("Shape", [graph.inputs[0].name], ["start": .int(0), "end": .int(1)])
                batchLength = batch
                parts.append(times == 1 ? batch : emit("Mul", [batch, try integers([times])]))
            case .unknown: break
            }
        }
        let lengths = shape.compactMap { extent in
            if case .fixed(let length) = extent { length } else { nil }
        }
        if lengths.count == shape.count { return try integers(lengths) }
        return parts.count == 1 ? parts[0] : emit("Concat", parts, ["axis": .int(0)])
    }
}
