import CFaiss
import Foundation
import Testing

@Suite struct ShimTests {
    private func message() -> String { String(cString: cf_last_error()) }

    private func index(_ factory: String, dimension: Int64 = 4) throws -> OpaquePointer {
        var made: OpaquePointer?
        try #require(cf_index_factory(dimension, factory, CF_INNER_PRODUCT, &made) == CF_OK, "\(message())")
        return try #require(made)
    }

    @Test func `a factory string that FAISS does not know is an error with its words`() {
        var made: OpaquePointer?
        #expect(cf_index_factory(4, "Flatt", CF_INNER_PRODUCT, &made) == CF_FAISS_ERROR)
        #expect(made == nil)
        #expect(message().contains("Flatt"))
    }

    @Test(arguments: [
        "", "IVF", "IVF,Flat", "IVF0,Flat", "PQ3", "PQ0", "HNSW0", "OPQ3,PQ3", "SQ5", "IVF4,PQ3", ",",
    ])
    func `no factory string brings the process down`(_ factory: String) {
        var made: OpaquePointer?
        let status = cf_index_factory(4, factory, CF_INNER_PRODUCT, &made)
        if status == CF_OK { cf_index_free(made) } else { #expect(made == nil && !message().isEmpty) }
    }

    @Test func `a dimension of zero is refused before FAISS is asked`() {
        var made: OpaquePointer?
        #expect(cf_index_factory(0, "Flat", CF_INNER_PRODUCT, &made) == CF_INVALID_ARGUMENT)
        #expect(message() == "the dimension must be between 1 and 1048576")
    }

    @Test func `rows cannot be added to an untrained index`() throws {
        let ivf = try index("IVF2,Flat")
        defer { cf_index_free(ivf) }
        let rows = [Float](repeating: 0.5, count: 8)
        #expect(cf_index_add(ivf, 2, rows) == CF_INVALID_ARGUMENT)
        var scores = [Float](repeating: 0, count: 2)
        var labels = [Int64](repeating: 0, count: 2)
        #expect(cf_index_search(ivf, 2, rows, 1, &scores, &labels) == CF_INVALID_ARGUMENT)
    }

    @Test func `too few rows to train on are an error`() throws {
        let ivf = try index("IVF8,Flat")
        defer { cf_index_free(ivf) }
        #expect(cf_index_train(ivf, 2, [Float](repeating: 0.5, count: 8)) == CF_FAISS_ERROR)
    }

    @Test func `no index, no rows and no neighbours are refused`() throws {
        let flat = try index("Flat")
        defer { cf_index_free(flat) }
        var count: Int64 = 0
        var score: Float = 0
        var label: Int64 = 0
        #expect(cf_index_ntotal(nil, &count) == CF_INVALID_ARGUMENT)
        #expect(cf_index_train(flat, 0, nil) == CF_INVALID_ARGUMENT)
        #expect(cf_index_add(flat, 1, nil) == CF_INVALID_ARGUMENT)
        #expect(cf_index_search(flat, 1, [1, 0, 0, 0], 0, &score, &label) == CF_INVALID_ARGUMENT)
        #expect(cf_kmeans(4, 1, [1, 0, 0, 0], 2, 10, 0, true, &score) == CF_INVALID_ARGUMENT)
        #expect(cf_kth_largest(1, [1], 2, &score) == CF_INVALID_ARGUMENT)
        cf_index_free(nil)
    }

    @Test func `a parameter that the index does not have is an error`() throws {
        let flat = try index("Flat")
        defer { cf_index_free(flat) }
        #expect(cf_index_set(flat, "nprobe", 4) == CF_FAISS_ERROR)
        #expect(cf_index_set(flat, "nprobe", 0) == CF_INVALID_ARGUMENT)
    }

    @Test func `the threshold kernel finds what a loop finds`() {
        for count in [0, 1, 15, 16, 17, 100] {
            let scores = (0..<count).map { Float(($0 * 37) % 19) }
            var positions = [Int32](repeating: -1, count: count)
            var found: Int64 = -1
            #expect(cf_at_least(Int64(count), scores, 12, &positions, &found) == CF_OK)
            let expected = scores.indices.filter { scores[$0] >= 12 }.map(Int32.init)
            #expect(Array(positions.prefix(Int(found))) == expected)
        }
    }

    @Test func `the matrix product is libtorch's and not OpenBLAS's`() throws {
        // The loader takes the first library in link order that has the symbol; see nativeLibraries in Package.swift.
        let torch = try #require(dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD))
        defer { dlclose(torch) }
        let theirs = try #require(dlsym(torch, "sgemm_"))
        #expect(dlsym(nil, "sgemm_") == theirs)
    }

    @Test func `products of tall and flat matrices are the right way round`() {
        let a: [Float] = [1, 2, 3, 4, 5, 6]
        let b: [Float] = [1, 0, 0, 1, 1, 1, 2, -1]
        var out = [Float](repeating: 0, count: 12)
        #expect(cf_inner_products(3, 4, 2, a, b, &out) == CF_OK)
        #expect(out == [1, 2, 3, 0, 3, 4, 7, 2, 5, 6, 11, 4])
    }
}
