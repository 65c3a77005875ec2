/// Rows of vectors that can be read in any order without holding all of them.
public protocol VectorSource {
    /// The number of rows.
    var count: Int { get }
    /// The number of values in a row.
    var dimension: Int { get }
    /// What error messages call the rows: a file or a node's name.
    var name: String { get }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws

    /// What error messages call one row.
    func place(of row: Int) -> String
}

extension VectorSource {
    /// `row 7 of gallery`.
    public func place(of row: Int) -> String { "row \(row) of \(name)" }

    /// Reads some rows into memory, in the given order.
    public func table(rows: some Collection<Int>) throws -> VectorTable {
        let dimension = dimension
        let values = try [Float](unsafeUninitializedCapacity: rows.count * dimension) { buffer, count in
            try read(Array(rows), into: buffer)
            count = rows.count * dimension
        }
        return VectorTable(values, dimension: dimension, name: name)
    }

    /// Reads rows in any order, consecutive ones in one go.
    func read(_ rows: [Int], into buffer: UnsafeMutableBufferPointer<Float>) throws {
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, rows[end] == rows[end - 1] + 1 { end += 1 }
            try read(
                rows[start]..<rows[end - 1] + 1,
                into: UnsafeMutableBufferPointer(rebasing: buffer[start * dimension..<end * dimension]))
            start = end
        }
    }

    /// Reads all rows into memory.
    public func table() throws -> VectorTable {
        let values = try [Float](unsafeUninitializedCapacity: count * dimension) { buffer, filled in
            try read(0..<count, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<count * dimension]))
            filled = count * dimension
        }
        return VectorTable(values, dimension: dimension, name: name)
    }
}

/// Vectors in memory, row by row.
public struct VectorTable: VectorSource, Hashable, Sendable {
    /// All values, row-major.
    public let values: [Float]
    /// The number of values in a row.
    public let dimension: Int
    /// What error messages call the rows.
    public let name: String

    /// Creates a table; the number of values must be a multiple of the dimension.
    public init(_ values: [Float], dimension: Int, name: String = "vectors") {
        precondition(
            dimension > 0 && values.count.isMultiple(of: dimension),
            "a table of \(values.count) values cannot have rows of \(dimension): this is a bug in Retort")
        self.values = values
        self.dimension = dimension
        self.name = name
    }

    /// The number of rows.
    public var count: Int { values.count / dimension }

    /// One row.
    public subscript(row: Int) -> ArraySlice<Float> { values[row * dimension..<(row + 1) * dimension] }

    /// Some of the rows, in the given order.
    public func table(rows: some Collection<Int>) -> VectorTable {
        VectorTable(rows.flatMap { self[$0] }, dimension: dimension, name: name)
    }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    public func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) {
        _ = buffer.update(fromContentsOf: values[rows.lowerBound * dimension..<rows.upperBound * dimension])
    }
}

/// Some rows of another source, under new row numbers.
public struct VectorSubset: VectorSource {
    private let base: any VectorSource
    private let rows: [Int]

    /// Creates a view of the given rows, in the given order.
    public init(_ base: any VectorSource, rows: [Int]) {
        self.base = base
        self.rows = rows
    }

    /// The number of rows in the view.
    public var count: Int { rows.count }
    /// The number of values in a row.
    public var dimension: Int { base.dimension }
    /// What error messages call the rows: the base's name.
    public var name: String { base.name }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    public func read(_ range: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        try base.read(Array(rows[range]), into: buffer)
    }

    /// Where the base has the row.
    public func place(of row: Int) -> String { base.place(of: rows[row]) }

    /// Adds which rows these are to what tells them from others.
    func add(to hash: inout RowsHash) {
        for row in rows { hash.add(UInt64(row)) }
        (base as? VectorSubset)?.add(to: &hash)
    }
}

/// Scratch memory for `count` floats, freed when `body` ends.
func withFloats<Result>(
    _ count: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
) rethrows -> Result {
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { buffer.deallocate() }
    return try body(buffer)
}
