internal import Tensors

/// A message in protobuf's wire format, written field by field.
///
/// ONNX needs a dozen message types and we only ever write them, so this file stands in for a protobuf library.
/// swift-protobuf 1.39 alone takes 28 s of processor time to build (`swift build` of a package that imports it), before
/// what it would generate from onnx.proto, and would hold a model's weights several times in memory. Here weights
/// stay tensors until the file is written.
///
/// Format: https://protobuf.dev/programming-guides/encoding.
struct ProtobufMessage {
    /// Some bytes, and the tensor whose elements follow them.
    private struct Run {
        var bytes: [UInt8]
        var tensor: Tensor?
    }

    private enum WireType: Int {
        case varint = 0
        case lengthDelimited = 2
        case fixed32 = 5
    }

    private var runs: [Run] = []
    /// The bytes that the message takes.
    private(set) var byteCount = 0

    /// Adds a whole number.
    mutating func append(_ field: Int, _ value: Int) {
        append(key(field, .varint) + varint(value))
    }

    /// Adds a single-precision number.
    mutating func append(_ field: Int, _ value: Float) {
        append(key(field, .fixed32) + withUnsafeBytes(of: value.bitPattern.littleEndian) { [UInt8]($0) })
    }

    /// Adds a text.
    mutating func append(_ field: Int, _ text: String) {
        let bytes = [UInt8](text.utf8)
        append(key(field, .lengthDelimited) + varint(bytes.count) + bytes)
    }

    /// Adds a message.
    mutating func append(_ field: Int, _ message: ProtobufMessage) {
        append(key(field, .lengthDelimited) + varint(message.byteCount))
        for run in message.runs {
            append(run.bytes)
            if let tensor = run.tensor { append(tensor) }
        }
    }

    /// Adds a tensor's elements as bytes.
    mutating func append(_ field: Int, _ tensor: Tensor) {
        append(key(field, .lengthDelimited) + varint(tensor.count * tensor.dtype.byteCount))
        append(tensor)
    }

    /// Hands out the bytes, a weight at a time.
    func write(_ sink: ([UInt8]) throws -> Void) throws {
        for run in runs {
            try sink(run.bytes)
            if let tensor = run.tensor { try sink(tensor.bytes()) }
        }
    }

    private mutating func append(_ bytes: [UInt8]) {
        byteCount += bytes.count
        if let last = runs.indices.last, runs[last].tensor == nil {
            runs[last].bytes += bytes
        } else {
            runs.append(Run(bytes: bytes))
        }
    }

    private mutating func append(_ tensor: Tensor) {
        byteCount += tensor.count * tensor.dtype.byteCount
        if let last = runs.indices.last, runs[last].tensor == nil {
            runs[last].tensor = tensor
        } else {
            runs.append(Run(bytes: [], tensor: tensor))
        }
    }

    private func key(_ field: Int, _ type: WireType) -> [UInt8] { varint(field << 3 | type.rawValue) }

    /// Seven bits a byte, the lowest first; a negative number takes ten bytes.
    private func varint(_ value: Int) -> [UInt8] {
        var rest = UInt64(bitPattern: Int64(value))
        var bytes: [UInt8] = []
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
