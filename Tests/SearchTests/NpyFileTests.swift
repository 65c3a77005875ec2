import Diagnostics
import Foundation
import Testing

@testable import Search

@Suite struct NpyFileTests {
    private func values(_ name: String) throws -> VectorTable { try NpyFile(fixture(name)).table() }

    @Test(arguments: ["float32.npy", "float64.npy", "version2.npy"])
    func `files of numpy give the same floats whatever their type and version`(_ name: String) throws {
        let table = try values(name)
        #expect(table.count == 3 && table.dimension == 5)
        #expect(try table.values == values("float32.npy").values)
        #expect(table.values[3] == -65504)
    }

    @Test func `halves are widened as the processor would`() throws {
        let halves = try values("float16.npy").values
        let expected = try values("float32.npy").values.map { Float(Float16($0)) }
        #expect(halves == expected)
        for bits in UInt16.min...UInt16.max {
            let half = Float16(bitPattern: bits)
            let wide = Float(halfBits: bits)
            #expect(half.isNaN ? wide.isNaN : wide.bitPattern == Float(half).bitPattern)
        }
    }

    @Test(arguments: [("float16.npy", NpyType.float16), ("float32.npy", .float32), ("float64.npy", .float64)])
    func `what we write is what numpy writes`(_ name: String, _ type: NpyType) throws {
        let folder = try TemporaryFolder()
        let source = try values(name == "float16.npy" ? name : "float32.npy")
        try NpyFile.write(source.values, shape: [3, 5], as: type, to: folder.file(name))
        #expect(try Data(contentsOf: folder.file(name)) == Data(contentsOf: fixture(name)))
    }

    @Test func `one row is read without the others`() throws {
        let file = try NpyFile(fixture("float16.npy"))
        let all = try file.table()
        #expect(try file.table(rows: [2, 0]).values == Array(all[2] + all[0]))
    }

    @Test(arguments: [
        (
            "fortran.npy",
            """
            error: 'fortran.npy' is stored in Fortran order
              hint: write it with numpy.ascontiguousarray(…)
            """
        ),
        (
            "big-endian.npy",
            """
            error: 'big-endian.npy' holds elements of type '>f4'
              hint: embeddings may be little-endian float16, float32 or float64
            """
        ),
        (
            "integers.npy",
            """
            error: 'integers.npy' holds elements of type '<i8'
              hint: embeddings may be little-endian float16, float32 or float64
            """
        ),
        (
            "expected.json",
            "error: 'expected.json' is not a readable NumPy array: it does not begin with NumPy's magic bytes"
        ),
    ])
    func `what cannot be read is refused with a reason`(_ name: String, _ text: String) throws {
        let error = try #require(throws: Diagnostic.self) { try NpyFile(fixture(name)) }
        #expect(error.description == text)
        #expect(error.exitCode == .badData)
    }

    @Test func `a file that was cut off anywhere is refused`() throws {
        let folder = try TemporaryFolder()
        let whole = try Data(contentsOf: fixture("float32.npy"))
        for length in 0..<whole.count {
            try whole.prefix(length).write(to: folder.file("cut.npy"))
            #expect(throws: Diagnostic.self) { try NpyFile(folder.file("cut.npy")) }
        }
    }

    @Test func `a shape beyond all bounds is refused`() throws {
        let folder = try TemporaryFolder()
        var header = NpyHeader(type: .float32, shape: [1, 4]).encoded
        let shape = try #require(header.range(of: Data("(1, 4), }          ".utf8)))
        header.replaceSubrange(shape, with: Data("(9223372036854775, )".utf8.prefix(shape.count)))
        try header.write(to: folder.file("vast.npy"))
        #expect(throws: Diagnostic.self) { try NpyFile(folder.file("vast.npy")) }
    }

    @Test func `an empty dim does not hide that the others are impossible`() throws {
        let folder = try TemporaryFolder()
        let whole = NpyHeader(type: .float32, shape: [0, 9_999_999_999, 9_999_999_999]).encoded
        try whole.write(to: folder.file("hollow.npy"))
        let error = try #require(throws: Diagnostic.self) { try NpyFile(folder.file("hollow.npy")) }
        #expect(error.message.contains("is larger than any file"))
    }

    @Test func `a missing file is an input that is missing`() throws {
        let error = try #require(throws: Diagnostic.self) { try NpyFile(fixture("nowhere.npy")) }
        #expect(error.exitCode == .inputMissing)
    }
}
