/// A value of Thrift's compact protocol, in which Parquet files describe themselves.
///
/// Source: Apache Thrift, "Thrift Compact protocol encoding".
indirect enum ThriftValue {
    case integer(Int64)
    case boolean(Bool)
    case bytes(ArraySlice<UInt8>)
    case list([ThriftValue])
    case structure([Int: ThriftValue])
    /// Floating-point numbers and maps, of which nothing is wanted here.
    case other

    /// A field of a structure.
    subscript(field: Int) -> ThriftValue? {
        guard case .structure(let fields) = self else { return nil }
        return fields[field]
    }

    /// A whole number that fits.
    var int: Int? {
        guard case .integer(let value) = self else { return nil }
        return Int(exactly: value)
    }

    var bool: Bool? {
        guard case .boolean(let value) = self else { return nil }
        return value
    }

    var text: String? {
        guard case .bytes(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The elements of a list; none of anything else.
    var elements: [ThriftValue] {
        guard case .list(let elements) = self else { return [] }
        return elements
    }

    /// Reads one structure.
    static func structure(_ cursor: inout ByteCursor) throws(ParquetProblem) -> ThriftValue {
        try structure(&cursor, depth: 0)
    }

    private static func structure(_ cursor: inout ByteCursor, depth: Int) throws(ParquetProblem)
        -> ThriftValue
    {
        guard depth < 16 else { throw ParquetProblem("its description is nested too deeply") }
        var fields: [Int: ThriftValue] = [:]
        var field = 0
        while true {
            let head = try cursor.byte()
            let type = head & 0x0f
            if type == 0 { return .structure(fields) }
            if head >> 4 == 0 {
                guard let next = Int(exactly: zigzag(try cursor.varint())), (1...32_767).contains(next) else {
                    throw ParquetProblem("a field has no number that can be")
                }
                field = next
            } else {
                field += Int(head >> 4)
            }
            fields[field] = type == 1 || type == 2 ? .boolean(type == 1) : try value(type, &cursor, depth)
        }
    }

    private static func value(_ type: UInt8, _ cursor: inout ByteCursor, _ depth: Int) throws(ParquetProblem)
        -> ThriftValue
    {
        switch type {
        case 1, 2: return .boolean(try cursor.byte() == 1)
        case 3: return .integer(Int64(Int8(bitPattern: try cursor.byte())))
        case 4, 5, 6: return .integer(zigzag(try cursor.varint()))
        case 7:
            _ = try cursor.take(8)
            return .other
        case 8: return .bytes(try cursor.take(try cursor.length()))
        case 9, 10:
            let head = try cursor.byte()
            // Every element takes a byte or more.
            let count = head >> 4 < 15 ? Int(head >> 4) : try cursor.length()
            guard count <= cursor.remaining else { throw .short }
            var elements: [ThriftValue] = []
            for _ in 0..<count { elements.append(try value(head & 0x0f, &cursor, depth + 1)) }
            return .list(elements)
        case 11:
            let count = try cursor.length()
            guard count > 0 else { return .other }
            let types = try cursor.byte()
            for _ in 0..<count {
                _ = try value(types >> 4, &cursor, depth + 1)
                _ = try value(types & 0x0f, &cursor, depth + 1)
            }
            return .other
        case 12: return try structure(&cursor, depth: depth + 1)
        default: throw ParquetProblem("its description has a value of no type that is known")
        }
    }

    private static func zigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}
