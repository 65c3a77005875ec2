/// Reads the pages of one column of one row group.
///
/// Source: Apache Parquet, "Parquet encoding definitions" and "Data pages".
struct ParquetPages {
    /// The physical types that are read.
    enum Physical: Int {
        case int32 = 1
        case int64 = 2
        case float = 4
        case double = 5
        case bytes = 6

        var isText: Bool { self == .bytes }
    }

    /// What is known of the column.
    struct Layout {
        var type: Physical
        var isOptional: Bool
        var codec: Int
        /// The number of rows.
        var count: Int
    }

    private let layout: Layout
    private var cursor: ByteCursor
    private var dictionary: ParquetColumn?

    init(_ bytes: ArraySlice<UInt8>, _ layout: Layout) {
        self.layout = layout
        cursor = ByteCursor(bytes)
    }

    /// Appends all values of the pages.
    mutating func append(to column: inout ParquetColumn) throws(ParquetProblem) {
        let end = column.count + layout.count
        while column.count < end {
            let header = try ThriftValue.structure(&cursor)
            guard let whole = header[2]?.int, let stored = header[3]?.int, whole >= 0 else {
                throw ParquetProblem("a page has no size")
            }
            let page = try cursor.take(stored)
            switch header[1]?.int {
            case 0: try readData(header[5], page, whole, end, &column)
            case 1: continue
            case 2: try readDictionary(header[7], page, whole)
            case 3: try readSecondData(header[8], page, whole, end, &column)
            default: throw ParquetProblem("a page is of no kind that is known")
            }
        }
        guard column.count == end else { throw ParquetProblem("its pages have more values than rows") }
    }

    private func decompressed(_ bytes: ArraySlice<UInt8>, _ count: Int) throws(ParquetProblem) -> ArraySlice<
        UInt8
    > {
        switch layout.codec {
        case 0:
            guard bytes.count == count else { throw ParquetProblem("a page has another size than it says") }
            return bytes
        case 1: return try Snappy.decompressed(bytes, count: count)[...]
        default:
            let names = [2: "gzip", 3: "LZO", 4: "Brotli", 5: "LZ4", 6: "Zstandard", 7: "LZ4"]
            throw ParquetProblem("it is compressed with \(names[layout.codec] ?? "something unknown")")
        }
    }

    private mutating func readDictionary(_ header: ThriftValue?, _ page: ArraySlice<UInt8>, _ whole: Int)
        throws(ParquetProblem)
    {
        guard dictionary == nil, let count = header?[1]?.int, count >= 0 else {
            throw ParquetProblem("a dictionary says nothing of its size, or is a second one")
        }
        var values = ByteCursor(try decompressed(page, whole))
        var read = ParquetColumn(isText: layout.type.isText)
        guard count <= values.remaining else { throw .short }
        for _ in 0..<count { try appendPlain(&values, to: &read) }
        dictionary = read
    }

    private func readData(
        _ header: ThriftValue?, _ page: ArraySlice<UInt8>, _ whole: Int, _ end: Int,
        _ column: inout ParquetColumn
    ) throws(ParquetProblem) {
        guard let count = header?[1]?.int, let encoding = header?[2]?.int else {
            throw ParquetProblem("a page does not say what it holds")
        }
        try check(count, column, end)
        var bytes = ByteCursor(try decompressed(page, whole))
        var isThere: [Bool]?
        if layout.isOptional {
            let length = Int(try bytes.number(bytes: 4))
            isThere = try Self.levels(try bytes.take(length), count)
        }
        try appendValues(&bytes, encoding, count, isThere, &column)
    }

    /// A data page of the second version: its levels are never compressed.
    private func readSecondData(
        _ header: ThriftValue?, _ page: ArraySlice<UInt8>, _ whole: Int, _ end: Int,
        _ column: inout ParquetColumn
    ) throws(ParquetProblem) {
        guard let count = header?[1]?.int, let encoding = header?[4]?.int,
            let definition = header?[5]?.int, let repetition = header?[6]?.int, definition >= 0,
            repetition >= 0, definition <= whole, repetition <= whole - definition
        else { throw ParquetProblem("a page does not say what it holds") }
        try check(count, column, end)
        var cursor = ByteCursor(page)
        _ = try cursor.take(repetition)
        let levels = try cursor.take(definition)
        let rest = try cursor.take(cursor.remaining)
        let isCompressed = header?[7]?.bool ?? true
        var bytes = ByteCursor(
            isCompressed ? try decompressed(rest, whole - definition - repetition) : rest)
        let isThere = layout.isOptional ? try Self.levels(levels, count) : nil
        try appendValues(&bytes, encoding, count, isThere, &column)
    }

    private func check(_ count: Int, _ column: ParquetColumn, _ end: Int) throws(ParquetProblem) {
        guard count >= 0, count <= end - column.count else {
            throw ParquetProblem("its pages have more values than rows")
        }
    }

    private func appendValues(
        _ bytes: inout ByteCursor, _ encoding: Int, _ count: Int, _ isThere: [Bool]?,
        _ column: inout ParquetColumn
    ) throws(ParquetProblem) {
        switch encoding {
        case 0:
            for row in 0..<count {
                if isThere?[row] ?? true {
                    try appendPlain(&bytes, to: &column)
                } else {
                    column.appendNothing()
                }
            }
        case 2, 8:
            guard let dictionary else { throw ParquetProblem("a page needs a dictionary, and there is none") }
            var places = RunLengths(try bytes.byte(), bytes)
            for row in 0..<count {
                guard isThere?[row] ?? true else {
                    column.appendNothing()
                    continue
                }
                let place = Int(try places.next())
                guard place < dictionary.count else {
                    throw ParquetProblem("a value is in no place of its dictionary")
                }
                column.append(place, of: dictionary)
            }
        default: throw ParquetProblem("its values are in encoding \(encoding), which is not read here")
        }
    }

    private func appendPlain(_ bytes: inout ByteCursor, to column: inout ParquetColumn) throws(ParquetProblem)
    {
        func append(_ value: Double) {
            if let whole = Int64(exactly: value) { column.append(whole) } else { column.appendNothing() }
        }
        switch layout.type {
        case .int32: column.append(Int64(Int32(truncatingIfNeeded: try bytes.number(bytes: 4))))
        case .int64: column.append(Int64(bitPattern: try bytes.number(bytes: 8)))
        case .float: append(Double(Float(bitPattern: UInt32(try bytes.number(bytes: 4)))))
        case .double: append(Double(bitPattern: try bytes.number(bytes: 8)))
        case .bytes: column.append(try bytes.take(Int(try bytes.number(bytes: 4))))
        }
    }

    /// Which rows have a value.
    private static func levels(_ bytes: ArraySlice<UInt8>, _ count: Int) throws(ParquetProblem) -> [Bool] {
        var levels = RunLengths(1, ByteCursor(bytes))
        var isThere: [Bool] = []
        for _ in 0..<count { isThere.append(try levels.next() == 1) }
        return isThere
    }
}

/// Small numbers of the same width, in runs of equal ones and in groups of eight.
struct RunLengths {
    private let width: Int
    private var cursor: ByteCursor
    private var value: UInt64 = 0
    private var repeats: UInt64 = 0
    private var groups: UInt64 = 0
    private var group: [UInt64] = []

    init(_ width: UInt8, _ cursor: ByteCursor) {
        self.width = Int(width)
        self.cursor = cursor
    }

    mutating func next() throws(ParquetProblem) -> UInt64 {
        guard width <= 32 else { throw ParquetProblem("its numbers have more than 32 bits") }
        while true {
            if let next = group.popLast() { return next }
            if repeats > 0 {
                repeats -= 1
                return value
            }
            if groups > 0 {
                groups -= 1
                try readGroup()
                continue
            }
            let head = try cursor.varint()
            if head & 1 == 1 {
                groups = head >> 1
            } else {
                repeats = head >> 1
                value = try cursor.number(bytes: (width + 7) / 8)
            }
        }
    }

    /// Eight numbers, kept with the first one at the end.
    private mutating func readGroup() throws(ParquetProblem) {
        let bytes = try cursor.take(width)
        var (bits, count): (UInt64, Int) = (0, 0)
        var place = bytes.startIndex
        for _ in 0..<8 {
            while count < width {
                bits |= UInt64(bytes[place]) << UInt64(count)
                place += 1
                count += 8
            }
            group.append(bits & (1 << UInt64(width) - 1))
            bits >>= UInt64(width)
            count -= width
        }
        group.reverse()
    }
}
