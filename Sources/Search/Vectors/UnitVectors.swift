internal import CFaiss
internal import CKernels
internal import Diagnostics
internal import Tensors

/// How far from one the length of a stored vector may be: bf16 rounds a unit vector by at most 0.4 %.
let unitTolerance = 0.01

/// The rows a pass works on at a time: 8,192 × 1,280 values are 40 MiB.
let blockRows = 8192

/// The same rows, scaled to a length of exactly one.
///
/// Stored vectors are unit vectors but for rounding; without the scaling, fp16 rows would miss their own duplicates
/// by a thousandth. A row that is far from unit length was never normalised, and is an error.
func unit(_ rows: VectorTable) throws -> VectorTable {
    var values = rows.values
    try values.withUnsafeMutableBufferPointer {
        try scaleToUnit($0, firstRow: 0, of: rows)
    }
    return VectorTable(values, dimension: rows.dimension, name: rows.name)
}

extension VectorSource {
    /// Calls `body` with one block after another of rows as they are stored; the buffer is reused.
    func forEachBlock(
        of size: Int = blockRows, from first: Int = 0,
        _ body: (Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws {
        guard count > first else { return }
        try withFloats(Swift.min(size, count) * dimension) { buffer in
            for start in stride(from: first, to: count, by: size) {
                let rows = start..<Swift.min(start + size, count)
                let block = UnsafeMutableBufferPointer(rebasing: buffer[0..<rows.count * dimension])
                try read(rows, into: block)
                try body(rows, block)
            }
        }
    }

    /// Calls `body` with one block after another of some rows, as they are stored; a table's are not copied.
    func forEachBlock(
        in rows: Range<Int>, _ body: (Range<Int>, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let starts = stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows)
        let blocks = starts.map { $0..<Swift.min($0 + blockRows, rows.upperBound) }
        if let table = self as? VectorTable {
            return try table.values.withUnsafeBufferPointer { values in
                for some in blocks {
                    let place = some.lowerBound * dimension..<some.upperBound * dimension
                    try body(some, UnsafeBufferPointer(rebasing: values[place]))
                }
            }
        }
        try withFloats(Swift.min(blockRows, rows.count) * dimension) { buffer in
            for some in blocks {
                let block = UnsafeMutableBufferPointer(rebasing: buffer[0..<some.count * dimension])
                try read(some, into: block)
                try body(some, UnsafeBufferPointer(block))
            }
        }
    }

    /// Calls `body` with one block after another of eligible rows, scaled to unit length, and their numbers; a block
    /// may have none.
    func forEachUnitBlock(
        from first: Int = 0, eligible: [Bool]? = nil,
        _ body: (BlockRows, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        try forEachBlock(from: first) { rows, block in
            try scaleToUnit(block, firstRow: rows.lowerBound, of: self)
            guard let eligible else { return try body(BlockRows(rows), UnsafeBufferPointer(block)) }
            let kept = rows.filter { eligible[$0] }
            if kept.count < rows.count { close(block, firstRow: rows.lowerBound, keeping: kept) }
            try body(
                BlockRows(numbers: kept.map(Int64.init), end: rows.upperBound),
                UnsafeBufferPointer(rebasing: block[0..<kept.count * dimension]))
        }
    }

    /// Moves the kept rows of a block together.
    private func close(_ block: UnsafeMutableBufferPointer<Float>, firstRow: Int, keeping kept: [Int]) {
        guard let base = block.baseAddress else { return }
        for (position, row) in kept.enumerated() where row - firstRow != position {
            (base + position * dimension).update(from: base + (row - firstRow) * dimension, count: dimension)
        }
    }
}

private func scaleToUnit(
    _ values: UnsafeMutableBufferPointer<Float>, firstRow: Int, of source: some VectorSource
) throws {
    var offending: Int64 = -1
    var length = 1.0
    let dimension = Int64(source.dimension)
    let count = Int64(values.count) / dimension
    if ck_available() {
        ck_unit_rows(
            count, dimension, values.baseAddress, unitTolerance, &offending, &length, Int32(Torch.threads))
    } else {
        try check("normalize") {
            cf_normalize(count, dimension, values.baseAddress, unitTolerance, &offending, &length)
        }
    }
    guard offending >= 0 else { return }
    let place = source.place(of: firstRow + Int(offending))
    throw Diagnostic(
        length.isFinite ? "\(place) has length \(length), not 1" : "\(place) is not a finite vector",
        hint: "similarities are cosines: divide every embedding by its length before it is written",
        exitCode: .badData)
}
