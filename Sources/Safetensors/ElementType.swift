/// The element type of a stored tensor; raw values are the format's own spellings.
///
/// Cases stand in the order in which the reference writer lays tensors out (widest first, so that every tensor
/// is aligned), which lets files written here equal those of the reference byte for byte.
public enum ElementType: String, CaseIterable, Hashable, Sendable {
    case uint64 = "U64"
    case int64 = "I64"
    case float64 = "F64"
    case float32 = "F32"
    case uint32 = "U32"
    case int32 = "I32"
    case bfloat16 = "BF16"
    case float16 = "F16"
    case uint16 = "U16"
    case int16 = "I16"
    case float8e4m3 = "F8_E4M3"
    case float8e5m2 = "F8_E5M2"
    case int8 = "I8"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The bytes one element takes.
    public var byteCount: Int {
        switch self {
        case .uint64, .int64, .float64: 8
        case .float32, .uint32, .int32: 4
        case .bfloat16, .float16, .uint16, .int16: 2
        case .float8e4m3, .float8e5m2, .int8, .uint8, .bool: 1
        }
    }

    /// The bytes a tensor of this type and `shape` takes, or nil when they cannot be counted.
    func byteCount(of shape: [Int]) -> Int? {
        var total = byteCount
        for size in shape {
            let (product, overflow) = total.multipliedReportingOverflow(by: size)
            guard !overflow, size >= 0 else { return nil }
            total = product
        }
        return total
    }
}
