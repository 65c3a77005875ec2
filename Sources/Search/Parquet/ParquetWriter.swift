internal import Foundation

/// Writes flat columns without empty places as Apache Parquet: plain values, not compressed.
///
/// The same columns give the same bytes.
struct ParquetWriter {
    /// The values of a column.
    enum Values {
        case texts([String])
        case numbers([Int])

        var count: Int {
            switch self {
            case .texts(let texts): texts.count
            case .numbers(let numbers): numbers.count
            }
        }
    }

    /// The rows of a group, of which each column is one page.
    private static let groupSize = 50_000

    /// The bytes of a file.
    static func file(_ columns: [(name: String, values: Values)]) -> Data {
        let count = columns.first?.values.count ?? 0
        precondition(
            columns.allSatisfy { $0.values.count == count },
            "columns differ in length: this is a bug in Retort")
        var data = Data("PAR1".utf8)
        var groups: [ThriftWriter] = []
        for start in stride(from: 0, to: count, by: groupSize) {
            let rows = start..<min(start + groupSize, count)
            var chunks: [ThriftWriter] = []
            var size = 0
            for (name, values) in columns {
                let offset = data.count
                append(values, rows, to: &data)
                size += data.count - offset
                chunks.append(chunk(name, values, rows.count, offset, size: data.count - offset))
            }
            var group = ThriftWriter()
            group.list(1, chunks)
            group.integer(2, size, wide: true)
            group.integer(3, rows.count, wide: true)
            groups.append(group)
        }
        var root = ThriftWriter()
        root.text(4, "schema")
        root.integer(5, columns.count)
        var footer = ThriftWriter()
        footer.integer(1, 1)
        footer.list(2, [root] + columns.map { element($0.name, $0.values) })
        footer.integer(3, count, wide: true)
        footer.list(4, groups)
        footer.text(6, "retort")
        let description = footer.ended
        data += description
        append(UInt32(description.count), to: &data)
        return data + Data("PAR1".utf8)
    }

    private static func element(_ name: String, _ values: Values) -> ThriftWriter {
        var element = ThriftWriter()
        element.integer(1, type(of: values).rawValue)
        element.integer(3, 0)
        element.text(4, name)
        // UTF8.
        if case .texts = values { element.integer(6, 0) }
        return element
    }

    private static func type(of values: Values) -> ParquetPages.Physical {
        switch values {
        case .texts: .bytes
        case .numbers: .int64
        }
    }

    private static func chunk(_ name: String, _ values: Values, _ count: Int, _ offset: Int, size: Int)
        -> ThriftWriter
    {
        var facts = ThriftWriter()
        facts.integer(1, type(of: values).rawValue)
        facts.integers(2, [0])
        facts.texts(3, [name])
        facts.integer(4, 0)
        facts.integer(5, count, wide: true)
        facts.integer(6, size, wide: true)
        facts.integer(7, size, wide: true)
        facts.integer(9, offset, wide: true)
        var chunk = ThriftWriter()
        chunk.integer(2, offset, wide: true)
        chunk.structure(3, facts)
        return chunk
    }

    /// One page with its header.
    private static func append(_ values: Values, _ rows: Range<Int>, to data: inout Data) {
        var page = Data()
        switch values {
        case .texts(let texts):
            for text in texts[rows] {
                append(UInt32(text.utf8.count), to: &page)
                page += text.utf8
            }
        case .numbers(let numbers): for number in numbers[rows] { append(Int64(number), to: &page) }
        }
        var kind = ThriftWriter()
        kind.integer(1, rows.count)
        kind.integer(2, 0)
        kind.integer(3, 3)
        kind.integer(4, 3)
        var header = ThriftWriter()
        header.integer(1, 0)
        header.integer(2, page.count)
        header.integer(3, page.count)
        header.structure(5, kind)
        data += header.ended
        data += page
    }

    private static func append(_ number: some FixedWidthInteger, to data: inout Data) {
        withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
    }
}

/// Writes a structure in Thrift's compact protocol, its fields in the order of their numbers.
struct ThriftWriter {
    private var bytes = Data()
    private var last = 0

    /// The structure with its end.
    var ended: Data { bytes + [0] }

    mutating func integer(_ field: Int, _ value: Int, wide: Bool = false) {
        begin(field, wide ? 6 : 5)
        append(varint: Self.zigzag(value))
    }

    mutating func text(_ field: Int, _ text: String) {
        begin(field, 8)
        append(text)
    }

    mutating func structure(_ field: Int, _ inner: ThriftWriter) {
        begin(field, 12)
        bytes += inner.ended
    }

    mutating func list(_ field: Int, _ elements: [ThriftWriter]) {
        begin(field, list: 12, elements.count)
        for element in elements { bytes += element.ended }
    }

    mutating func integers(_ field: Int, _ elements: [Int]) {
        begin(field, list: 5, elements.count)
        for element in elements { append(varint: Self.zigzag(element)) }
    }

    mutating func texts(_ field: Int, _ elements: [String]) {
        begin(field, list: 8, elements.count)
        for element in elements { append(element) }
    }

    private mutating func begin(_ field: Int, _ type: UInt8) {
        precondition((1...15).contains(field - last), "fields come in order: this is a bug in Retort")
        bytes.append(UInt8(field - last) << 4 | type)
        last = field
    }

    private mutating func begin(_ field: Int, list type: UInt8, _ count: Int) {
        begin(field, 9)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | type)
        } else {
            bytes.append(0xf0 | type)
            append(varint: UInt64(count))
        }
    }

    private mutating func append(_ text: String) {
        append(varint: UInt64(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func append(varint value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(value & 0x7f) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    private static func zigzag(_ value: Int) -> UInt64 { UInt64(bitPattern: Int64(value << 1 ^ value >> 63)) }
}
