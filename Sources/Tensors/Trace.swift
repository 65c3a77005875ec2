internal import CTorch

/// The operations that a function performed on tensors, as data that can be written in another form.
///
/// What is recorded is what happened: sizes that the function read are numbers here, and a branch not taken is
/// not there.
public struct Trace {
    /// A tensor that the function was given, made, or used.
    public struct Value {
        /// Its shape when it was recorded.
        public let shape: [Int]
        /// Its dtype; nil where an operation's result is no tensor.
        public let dtype: DType?
        /// The tensor itself, where it is neither an input nor a result.
        public let constant: Tensor?
    }

    /// What an operation was told.
    public enum Argument: Hashable, Sendable {
        /// Nothing: an argument that was left out.
        case none
        /// The number of a value.
        case value(Int)
        /// The numbers of values.
        case values([Int])
        case bool(Bool)
        case int(Int)
        case ints([Int])
        case real(Double)
        case reals([Double])
        case text(String)
        /// Something that this form has no place for, in a word.
        case other(String)
    }

    /// One operation.
    public struct Node {
        /// PyTorch's name for it, such as `aten::relu`.
        public let operation: String
        /// Its arguments in order, by their names in PyTorch's schema.
        public let arguments: [(name: String, value: Argument)]
        /// The numbers of the values it made.
        public let outputs: [Int]
    }

    /// All values by number; the inputs come first.
    public let values: [Value]
    /// The operations, in the order in which they happened.
    public let nodes: [Node]
    /// The numbers of the values that the function returned.
    public let outputs: [Int]
    /// How many values are inputs.
    public let inputCount: Int
}

extension Trace {
    /// Runs `body` once and records every operation on `inputs`, and on what comes of them, on this thread.
    ///
    /// - Parameters:
    ///   - inputs: the tensors that `body` works on and that are to be inputs; others it uses become constants.
    ///   - outputs: how many tensors `body` returns.
    /// - Throws: what `body` throws.
    public init(of inputs: [Tensor], outputs count: Int, _ body: () throws -> [Tensor]) throws {
        let trace = try withoutActuallyEscaping(body) { body in
            let recorder = Recorder(body, count: count)
            var out: CTTrace?
            let status = withExtendedLifetime(recorder) {
                Tensor.withHandles(inputs) { handles in
                    ct_trace(
                        handles, Int64(inputs.count), Recorder.run,
                        Unmanaged.passUnretained(recorder).toOpaque(),
                        Int64(count), &out)
                }
            }
            if let failure = recorder.failure { throw failure }
            try check(status, operation: "trace")
            return out
        }
        defer { ct_trace_free(trace) }
        self.init(
            values: try (0..<ct_trace_value_count(trace)).map { try Value(trace, $0) },
            nodes: (0..<ct_trace_node_count(trace)).map { Node(ct_trace_node(trace, $0)) },
            outputs: integers(ct_trace_outputs(trace), Int64(count)), inputCount: inputs.count)
    }
}

/// Carries a closure through C, and what it returned back.
private final class Recorder {
    private let body: () throws -> [Tensor]
    private let count: Int
    /// Kept until the trace is complete: the tracer knows tensors by where they lie.
    private var results: [Tensor] = []
    private(set) var failure: (any Error)?

    init(_ body: @escaping () throws -> [Tensor], count: Int) {
        self.body = body
        self.count = count
    }

    static let run: CTTraceBody = { context, outputs in
        guard let context else { return CT_INTERNAL }
        let recorder = Unmanaged<Recorder>.fromOpaque(context).takeUnretainedValue()
        do {
            recorder.results = try recorder.body()
        } catch {
            recorder.failure = error
            return CT_INTERNAL
        }
        precondition(
            recorder.results.count == recorder.count, "Retort bug: a trace with other outputs than promised")
        for (index, tensor) in recorder.results.enumerated() { outputs?[index] = tensor.withHandle { $0 } }
        return CT_OK
    }
}

extension Trace.Value {
    fileprivate init(_ trace: CTTrace?, _ index: Int64) throws(TorchError) {
        let value = ct_trace_value(trace, index)
        self.init(
            shape: integers(value.sizes, value.rank), dtype: DType(rawValue: value.dtype),
            constant: value.is_constant
                ? try Tensor(operation: "trace") { ct_trace_constant(trace, index, $0) } : nil)
    }
}

extension Trace.Node {
    fileprivate init(_ node: CTTraceNode) {
        self.init(
            operation: String(cString: node.operation),
            arguments: UnsafeBufferPointer(start: node.arguments, count: Int(node.argument_count)).map {
                (String(cString: $0.name), Trace.Argument($0))
            },
            outputs: integers(node.outputs, node.output_count))
    }
}

extension Trace.Argument {
    fileprivate init(_ argument: CTArgument) {
        let ints = integers(argument.integers, argument.integer_count)
        let reals = Array(UnsafeBufferPointer(start: argument.reals, count: Int(argument.real_count)))
        self =
            switch argument.kind {
            case CT_ARGUMENT_NONE: .none
            case CT_ARGUMENT_VALUE: .value(ints[0])
            case CT_ARGUMENT_VALUES: .values(ints)
            case CT_ARGUMENT_BOOL: .bool(ints[0] != 0)
            case CT_ARGUMENT_INTEGER: .int(ints[0])
            case CT_ARGUMENT_INTEGERS: .ints(ints)
            case CT_ARGUMENT_REAL: .real(reals[0])
            case CT_ARGUMENT_REALS: .reals(reals)
            case CT_ARGUMENT_TEXT: .text(String(cString: argument.text))
            default: .other(String(cString: argument.text))
            }
    }
}

private func integers(_ start: UnsafePointer<Int64>?, _ count: Int64) -> [Int] {
    UnsafeBufferPointer(start: start, count: Int(count)).map { Int($0) }
}
