/// Decompresses Snappy's raw form, in which Parquet's pages come unless their writer is told otherwise.
///
/// Source: google/snappy, "format_description.txt".
enum Snappy {
    /// The decompressed bytes.
    ///
    /// - Parameter count: how many there must be.
    static func decompressed(_ bytes: ArraySlice<UInt8>, count: Int) throws(ParquetProblem) -> [UInt8] {
        let wrong = ParquetProblem("a page is no Snappy")
        var cursor = ByteCursor(bytes)
        // Three bytes never make more than 64.
        guard try cursor.varint() == UInt64(count), count <= bytes.count * 32 else { throw wrong }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while cursor.remaining > 0 {
            let tag = try cursor.byte()
            if tag & 3 == 0 {
                let short = Int(tag >> 2)
                let length = short < 60 ? short : Int(try cursor.number(bytes: short - 59))
                result += try cursor.take(length + 1)
            } else {
                let (length, offset): (Int, Int)
                switch tag & 3 {
                case 1:
                    (length, offset) = (Int(tag >> 2 & 7) + 4, Int(tag >> 5) << 8 | Int(try cursor.byte()))
                case 2: (length, offset) = (Int(tag >> 2) + 1, Int(try cursor.number(bytes: 2)))
                default: (length, offset) = (Int(tag >> 2) + 1, Int(try cursor.number(bytes: 4)))
                }
                guard offset > 0, offset <= result.count else { throw wrong }
                // One by one: what is copied may be what was just written.
                for _ in 0..<length { result.append(result[result.count - offset]) }
            }
            guard result.count <= count else { throw wrong }
        }
        guard result.count == count else { throw wrong }
        return result
    }
}
