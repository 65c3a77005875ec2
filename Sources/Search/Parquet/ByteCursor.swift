/// Reads bytes from front to back; whoever reads beyond the end is told so.
struct ByteCursor {
    private let bytes: ArraySlice<UInt8>
    private var place: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    var remaining: Int { bytes.endIndex - place }

    mutating func byte() throws(ParquetProblem) -> UInt8 {
        guard place < bytes.endIndex else { throw .short }
        defer { place += 1 }
        return bytes[place]
    }

    mutating func take(_ count: Int) throws(ParquetProblem) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .short }
        defer { place += count }
        return bytes[place..<place + count]
    }

    /// An unsigned number of up to eight bytes, the lowest first.
    mutating func number(bytes count: Int) throws(ParquetProblem) -> UInt64 {
        var value: UInt64 = 0
        for (index, byte) in try take(count).enumerated() { value |= UInt64(byte) << (8 * UInt64(index)) }
        return value
    }

    /// A number in groups of seven bits, the lowest first.
    mutating func varint() throws(ParquetProblem) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw ParquetProblem("a number has more than 64 bits")
    }

    /// A length, which the bytes that are left bound.
    mutating func length() throws(ParquetProblem) -> Int {
        guard let length = Int(exactly: try varint()), length <= remaining else { throw .short }
        return length
    }
}
