internal import CFaiss
public import Foundation

/// A FAISS index over unit vectors, compared by inner product.
///
/// Build one with ``build(over:factory:seed:)``, or step by step: ``init(factory:dimension:)``, ``train(on:)``,
/// ``add(_:)``. Results of the exact kinds (`Flat`) are deterministic; `HNSW` graphs depend on the number of
/// threads that built them.
public final class VectorIndex {
    private let handle: OpaquePointer

    /// Creates an empty index from a FAISS factory string such as `Flat` or `IVF256,Flat`.
    public init(factory: String, dimension: Int) throws(FaissError) {
        var made: OpaquePointer?
        try check("create index '\(factory)'") {
            cf_index_factory(Int64(dimension), factory, CF_INNER_PRODUCT, &made)
        }
        guard let made else { throw .nothingReturned("create index") }
        handle = made
    }

    /// Reads an index that this class, or FAISS itself, has written.
    ///
    /// - Parameter mapped: leave the lists of an `IVF…` in the file, from which a search reads those that it looks at;
    ///   rows cannot be added then. Other kinds are read whole.
    public init(reading file: URL, mapped: Bool = false) throws(FaissError) {
        var made: OpaquePointer?
        try check("read index '\(file.lastPathComponent)'") { cf_index_read(file.path, mapped, &made) }
        guard let made else { throw .nothingReturned("read index") }
        handle = made
    }

    deinit { cf_index_free(handle) }

    /// Writes the index in FAISS's own format; the bytes depend on the index alone.
    public func write(to file: URL) throws(FaissError) {
        try call("write index '\(file.lastPathComponent)'") { cf_index_write($0, file.path) }
    }

    /// The number of rows in the index.
    public var count: Int {
        get throws(FaissError) {
            var value: Int64 = 0
            try call("count") { cf_index_ntotal($0, &value) }
            return Int(value)
        }
    }

    /// The number of values in a row.
    public var dimension: Int {
        get throws(FaissError) {
            var value: Int64 = 0
            try call("dimension") { cf_index_dimension($0, &value) }
            return Int(value)
        }
    }

    /// Whether rows are compared by inner product, as ours always are, or by distance.
    public var comparesInnerProducts: Bool {
        get throws(FaissError) {
            var value = CF_INNER_PRODUCT
            try call("metric") { cf_index_metric($0, &value) }
            return value == CF_INNER_PRODUCT
        }
    }

    /// Whether rows can be added.
    public var isTrained: Bool {
        get throws(FaissError) {
            var value = false
            try call("is trained") { cf_index_is_trained($0, &value) }
            return value
        }
    }

    /// Learns the index's partition and codes from a sample of the rows.
    public func train(on sample: VectorTable) throws(FaissError) {
        try checkDimension(sample, "train")
        try call("train") { cf_index_train($0, Int64(sample.count), sample.values) }
    }

    /// Appends rows; they are numbered in the order in which they are added.
    public func add(_ rows: VectorTable) throws(FaissError) {
        try checkDimension(rows, "add")
        try call("add") { cf_index_add($0, Int64(rows.count), rows.values) }
    }

    /// The `k` best rows for each query, best first; fewer where the index finds fewer.
    public func search(_ queries: VectorTable, k: Int) throws(FaissError) -> [[Neighbour]] {
        try checkDimension(queries, "search")
        let total = queries.count * max(k, 0)
        var scores = [Float](repeating: 0, count: total)
        var labels = [Int64](repeating: -1, count: total)
        try call("search") {
            cf_index_search($0, Int64(queries.count), queries.values, Int64(k), &scores, &labels)
        }
        return (0..<queries.count).map { query in
            (query * k..<(query + 1) * k).compactMap { place in
                labels[place] < 0 ? nil : Neighbour(row: Int(labels[place]), similarity: scores[place])
            }
        }
    }

    /// Sets a search parameter by FAISS's name for it: `nprobe` of `IVF…`, `efSearch` of `HNSW…`.
    public func set(_ parameter: String, to value: Int) throws(FaissError) {
        try call("set \(parameter)") { cf_index_set($0, parameter, Double(value)) }
    }

    private func checkDimension(_ rows: VectorTable, _ operation: String) throws(FaissError) {
        let expected = try dimension
        guard rows.dimension != expected else { return }
        throw FaissError(
            code: .invalidArgument, operation: operation,
            message: "'\(rows.name)' has \(rows.dimension) values a row, the index \(expected)")
    }

    /// Keeps the index alive for the length of one call.
    private func call(_ operation: String, _ body: (OpaquePointer) -> CFaissStatus) throws(FaissError) {
        try withExtendedLifetime(self) { () throws(FaissError) in
            try check(operation) { body(handle) }
        }
    }
}

extension FaissError {
    static func nothingReturned(_ operation: String) -> FaissError {
        FaissError(code: .unknown, operation: operation, message: "FAISS returned no index")
    }
}
