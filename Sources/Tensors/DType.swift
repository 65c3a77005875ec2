/// What one element of a tensor is.
///
/// The raw values are libtorch's own numbers.
public enum DType: Int32, Hashable, Sendable, CaseIterable {
    /// An unsigned byte, as in decoded pixels.
    case uint8 = 0
    /// A 32-bit integer.
    case int32 = 3
    /// A 64-bit integer, as in labels and indices.
    case int64 = 4
    /// Half precision.
    case float16 = 5
    /// Single precision, the default.
    case float32 = 6
    /// Double precision.
    case float64 = 7
    /// True or false, one byte.
    case bool = 11
    /// The upper half of a `float32`.
    case bfloat16 = 15

    /// The bytes that one element takes.
    public var byteCount: Int {
        switch self {
        case .uint8, .bool: 1
        case .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }

    /// Whether elements are floating-point numbers.
    public var isFloatingPoint: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64: true
        case .uint8, .int32, .int64, .bool: false
        }
    }
}

extension DType: CustomStringConvertible {
    /// The name that pipelines and PyTorch use.
    public var description: String {
        switch self {
        case .uint8: "uint8"
        case .int32: "int32"
        case .int64: "int64"
        case .float16: "float16"
        case .float32: "float32"
        case .float64: "float64"
        case .bool: "bool"
        case .bfloat16: "bfloat16"
        }
    }

    /// The dtype of that name, or nil.
    public init?(_ name: String) {
        guard let found = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = found
    }
}
