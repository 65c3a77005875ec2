/// Why bytes are no Parquet that can be read here.
struct ParquetProblem: Error, Hashable, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }

    static let short = ParquetProblem("it stops short")
}
