internal import Diagnostics
internal import Tensors

extension OnnxOperators {
    /// Operations that move elements.
    static func shaping(_ call: TracedCall) throws -> String? {
        switch call.operation {
        case "reshape", "view", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as",
            "reshape_as":
            // Whatever it was told: the shape that came out says it all.
            return try call.reshape(call.first().name, from: call.shape(), to: call.outputShape)
        case "permute":
            let rank = try call.shape().count
            return try transpose(call, call.ints("dims").map { $0 < 0 ? $0 + rank : $0 })
        case "transpose", "t":
            let rank = try call.shape().count
            var order = Array(0..<rank)
            if call.operation == "t" { return try transpose(call, order.reversed()) }
            order.swapAt(try call.dim("dim0", rank: rank), try call.dim("dim1", rank: rank))
            return try transpose(call, order)
        case "expand", "expand_as": return try expand(call)
        case "repeat":
            let (x, value) = try call.first()
            let times = try call.ints("repeats")
            let shape = call.translator.shape(of: value)
            let padded = Array(repeating: Extent.fixed(1), count: times.count - shape.count) + shape
            return call.emit(
                "Tile", [try call.reshape(x, from: shape, to: padded), try call.translator.integers(times)])
        case "slice":
            return try slice(
                call, start: call.optionalInt("start") ?? 0, end: call.optionalInt("end") ?? .max,
                step: call.int("step"))
        case "narrow":
            let start = try call.int("start")
            return try slice(call, start: start, end: start + call.int("length"), step: 1)
        case "select":
            let index = try call.translator.constant(Tensor([try call.int("index")], shape: []))
            return call.emit("Gather", [try call.first().name, index], ["axis": .int(try call.int("dim"))])
        case "index_select":
            return call.emit(
                "Gather", [try call.first().name, try call.input("index")],
                ["axis": .int(try call.int("dim"))])
        case "gather":
            return call.emit(
                "GatherElements", [try call.first().name, try call.input("index")],
                ["axis": .int(try call.int("dim"))])
        case "embedding":
            return call.emit("Gather", [try call.first().name, try call.input("indices")], ["axis": .int(0)])
        case "flip":
            let dims = try call.ints("dims")
            let inputs = try [
                dims.map { _ in -1 }, dims.map { _ in .min + 1 }, dims, dims.map { _ in -1 },
            ].map { try call.translator.integers($0) }
            return call.emit("Slice", [try call.first().name] + inputs)
        case "cat", "stack": return try join(call)
        case "pad", "constant_pad_nd": return try pad(call)
        case "full", "zeros", "ones": return try fill(call)
        default: return nil
        }
    }

    /// Operations with several results.
    static func pieces(_ call: TracedCall) throws -> [String]? {
        guard ["chunk", "split", "split_with_sizes", "tensor_split", "unbind"].contains(call.operation) else {
            return nil
        }
        let (x, value) = try call.first()
        let rank = call.translator.shape(of: value).count
        let dim = try call.dim("dim", rank: rank)
        let outputs = call.node.outputs.map { call.translator.shape(of: $0) }
        let isUnbound = call.operation == "unbind"
        let lengths = try outputs.map { isUnbound ? 1 : try call.length($0[dim]) }
        let parts = call.translator.emit(
            "Split", [x, try call.translator.integers(lengths)], outputs: lengths.count, ["axis": .int(dim)])
        guard isUnbound else { return parts }
        return try parts.map { call.emit("Squeeze", [$0, try call.translator.integers([dim])]) }
    }

    static func transpose(_ call: TracedCall, _ order: [Int]) throws -> String {
        call.emit("Transpose", [try call.first().name], ["perm": .ints(order)])
    }

    private static func slice(_ call: TracedCall, start: Int, end: Int, step: Int) throws -> String {
        let numbers = try [start, end, call.int("dim"), step].map { try call.translator.integers([$0]) }
        return call.emit("Slice", [try call.first().name] + numbers)
    }

    private static func expand(_ call: TracedCall) throws -> String {
        let (x, value) = try call.first()
        let (old, new) = (call.translator.shape(of: value), call.outputShape)
        let padded = Array(repeating: Extent.fixed(1), count: new.count - old.count) + old
        // A length of one asks for no change, so only what is repeated has to be known.
        let target = zip(padded, new).map { $0 == $1 ? Extent.fixed(1) : $1 }
        if target.allSatisfy({ $0 == .fixed(1) }) { return try call.reshape(x, from: old, to: new) }
        guard let shape = try call.translator.shapeVector(target) else {
            throw call.unsupported("makes a length that is no multiple of the number of images")
        }
        return call.emit("Expand", [x, shape])
    }

    private static func join(_ call: TracedCall) throws -> String {
        let values = try call.values("tensors")
        let dim = try call.dim("dim", rank: call.outputShape.count)
        let type = call.outputType
        let parts = try values.map { value in
            let x = call.cast(
                try call.translator.name(of: value), from: call.translator.dtype(of: value), to: type)
            return call.operation == "stack"
                ? call.emit("Unsqueeze", [x, try call.translator.integers([dim])]) : x
        }
        return call.emit("Concat", parts, ["axis": .int(dim)])
    }

    /// PyTorch pads from the last dimension on, both ends of each; ONNX takes all starts and then all ends.
    private static func pad(_ call: TracedCall) throws -> String {
        let modes = ["constant": "constant", "reflect": "reflect", "replicate": "edge"]
        guard let mode = modes[try call.text("mode") ?? "constant"] else {
            throw call.unsupported("pads in another mode")
        }
        let amounts = try call.ints("pad")
        let rank = try call.shape().count
        var (starts, ends) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
        for index in 0..<amounts.count / 2 {
            starts[rank - 1 - index] = amounts[2 * index]
            ends[rank - 1 - index] = amounts[2 * index + 1]
        }
        var inputs = [try call.first().name, try call.translator.integers(starts + ends)]
        if mode == "constant" { inputs.append(try call.scalar(call.optionalReal("value") ?? 0)) }
        return call.emit("Pad", inputs, ["mode": .text(mode)])
    }

    private static func fill(_ call: TracedCall) throws -> String {
        let value = call.operation == "full" ? try call.real("fill_value") : call.operation == "ones" ? 1 : 0
        let shape = try call.outputShape.map { try call.length($0) }
        return try call.translator.constant(Tensor.full(shape, value).to(call.outputType))
    }
}
