public import Diagnostics
public import Tensors

/// A checkpoint that does not fit the model it was loaded into, with every name that is wrong.
public struct CheckpointMismatch: Error, Hashable, Sendable, CustomStringConvertible {
    /// A tensor whose shape or type is not the model's.
    public struct Reshape: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The shape in the checkpoint.
        public let found: [Int]
        /// The type in the checkpoint.
        public let foundType: DType
        /// The shape the model has.
        public let expected: [Int]
        /// The type the model has.
        public let expectedType: DType

        /// Creates a description of one tensor.
        public init(
            name: String, found: [Int], foundType: DType = .float32, expected: [Int],
            expectedType: DType = .float32
        ) {
            self.name = name
            self.found = found
            self.foundType = foundType
            self.expected = expected
            self.expectedType = expectedType
        }
    }

    /// Names the model has and the checkpoint lacks, in the model's order.
    public let missing: [String]
    /// Names the checkpoint has and the model lacks, sorted.
    public let unexpected: [String]
    /// Names whose tensors differ in shape or type, in the model's order.
    public let reshaped: [Reshape]

    /// Creates a mismatch.
    public init(missing: [String] = [], unexpected: [String] = [], reshaped: [Reshape] = []) {
        self.missing = missing
        self.unexpected = unexpected
        self.reshaped = reshaped
    }

    /// Every wrong name on a line of its own.
    public var description: String {
        var lines = ["the checkpoint does not fit the model"]
        lines += missing.map { name in
            // The distance to every other name is not worth its time when much is wrong.
            let hint = missing.count * unexpected.count <= 1000 ? name.nearest(in: unexpected) : nil
            return "missing: \(name)" + (hint.map { " (the checkpoint has '\($0)')" } ?? "")
        }
        lines += unexpected.map { "unexpected: \($0)" }
        lines += reshaped.map { tensor in
            tensor.found == tensor.expected
                ? "type: \(tensor.name) is \(tensor.foundType), expected \(tensor.expectedType)"
                : "shape: \(tensor.name) is \(tensor.found), expected \(tensor.expected)"
        }
        return lines.joined(separator: "\n  ")
    }

    /// The same for the person who named the checkpoint.
    public var diagnostic: Diagnostic { Diagnostic(description, hint: hint, exitCode: .badData) }

    private var hint: String? {
        if let prefix = commonPrefix { return "the checkpoint's names begin with '\(prefix)'" }
        if missing.isEmpty, unexpected.isEmpty,
            Set(reshaped.map { $0.name.split(separator: ".").first }).count == 1
        {
            return "only one part of the model differs: it can be re-initialised"
        }
        return nil
    }

    /// What stands before every missing name in the checkpoint, as `module.` does after data-parallel training.
    private var commonPrefix: String? {
        guard let first = missing.first, let match = unexpected.first(where: { $0.hasSuffix("." + first) })
        else { return nil }
        let prefix = String(match.dropLast(first.count))
        let names = Set(unexpected)
        return missing.allSatisfy { names.contains(prefix + $0) } ? prefix : nil
    }
}
