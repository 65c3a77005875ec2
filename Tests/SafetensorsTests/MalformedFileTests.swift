import Foundation
import Safetensors
import TestSupport
import Testing

@Suite struct MalformedFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Opens a file of this header and as many zero bytes, and gives what is wrong with it.
    func problem(header: String, data: Int = 0) throws -> SafetensorsError.Problem? {
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
        return try problem(file: length + Data(header.utf8) + Data(count: data))
    }

    func problem(file: Data) throws -> SafetensorsError.Problem? {
        let url = folder.appending("bad.safetensors")
        try file.write(to: url)
        do {
            _ = try SafetensorsFile(url)
            return nil
        } catch {
            return error.problem
        }
    }

    func entry(_ type: String = "F32", _ shape: String = "[2]", _ start: Int = 0, _ end: Int = 8) -> String {
        "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
    }

    @Test func `every truncation of a good file is noticed`() throws {
        let good = try Data(contentsOf: referenceFile)
        for count in 0..<good.count {
            #expect(try problem(file: good.prefix(count)) != nil, "cut to \(count) bytes")
        }
        #expect(try problem(file: good) == nil)
        #expect(try problem(file: good + Data(count: 3)) == .trailingBytes(3))
    }

    @Test func `an absent or empty file is named`() throws {
        #expect(try problem(file: Data()) == .tooShort(bytes: 0))
        let url = folder.appending("absent.safetensors")
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(url) }
        #expect(error?.description == "\(url.path): cannot open the file: No such file or directory")
    }

    @Test func `a header longer than the format allows is refused`() throws {
        #expect(try problem(file: Data(repeating: 0xFF, count: 64)) == .headerTooLong(bytes: .max))
        let length = withUnsafeBytes(of: UInt64(1000).littleEndian) { Data($0) }
        #expect(
            try problem(file: length + Data("{}".utf8)) == .headerTruncated(declared: 1000, available: 2))
    }

    @Test(arguments: [
        ("", 0, "'{'"), (" {}", 0, "'{'"), ("[]", 0, "'{'"), ("{", 1, "'\"'"),
        ("{}x", 2, "the end of the header"),
        ("{\"a\"}", 4, "':'"), ("{\"a\":3}", 5, "'{'"),
        ("{\"a\":{},}", 7, "'data_offsets' before the entry ends"),
        ("{\"a\\q\":{}}", 4, "an escape"), ("{\"\\ud800\":{}}", 8, "a low surrogate"),
        ("{\"\u{1}\":{}}", 2, "an escaped control character"),
        ("{\"__metadata__\":{\"a\":1}}", 21, "'\"'"),
        (
            "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 32, "a metadata key other than 'a' again"
        ),
    ])
    func `bad JSON is located`(header: String, offset: Int, expected: String) throws {
        #expect(try problem(header: header) == .malformedHeader(offset: offset, expected: expected))
    }

    @Test(arguments: ["[1.0]", "[-1]", "[1e3]", "[01]", "[\"1\"]", "[99999999999999999999]", "[1,]", "2"])
    func `sizes are whole numbers`(shape: String) throws {
        guard case .malformedHeader = try problem(header: "{\"a\":\(entry("F32", shape))}", data: 8) else {
            Issue.record("\(shape) was accepted")
            return
        }
    }

    @Test func `an entry has exactly its three members`() throws {
        #expect(
            try problem(header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}")
                == .malformedHeader(offset: 32, expected: "'data_offsets' before the entry ends"))
        guard case .malformedHeader = try problem(header: "{\"a\":{\"dtype\":\"F32\",\"order\":\"C\"}}")
        else {
            Issue.record("an unknown member was accepted")
            return
        }
    }

    @Test func `a name cannot stand for two tensors`() throws {
        let header = "{\"a\":\(entry()),\"a\":\(entry("F32", "[2]", 8, 16))}"
        #expect(try problem(header: header, data: 16) == .duplicateName("a"))
    }

    @Test func `tensors neither overlap nor leave gaps`() throws {
        let overlap = "{\"a\":\(entry()),\"b\":\(entry("F32", "[2]", 4, 12))}"
        #expect(try problem(header: overlap, data: 12) == .misplaced(tensor: "b", start: 4, expected: 8))
        let gap = "{\"a\":\(entry()),\"b\":\(entry("F32", "[2]", 12, 20))}"
        #expect(try problem(header: gap, data: 20) == .misplaced(tensor: "b", start: 12, expected: 8))
        #expect(
            try problem(header: "{\"a\":\(entry())}", data: 4)
                == .outOfBounds(tensor: "a", end: 8, available: 4))
    }

    @Test func `types and sizes agree`() throws {
        #expect(
            try problem(header: "{\"a\":\(entry("F33"))}", data: 8)
                == .unknownType(tensor: "a", type: "F33"))
        #expect(
            try problem(header: "{\"a\":\(entry("F64"))}", data: 8)
                == .sizeMismatch(tensor: "a", type: .float64, shape: [2], bytes: 8))
        let huge = "[4611686018427387904,4611686018427387904]"
        #expect(
            try problem(header: "{\"a\":\(entry("F32", huge))}", data: 8)
                == .sizeMismatch(
                    tensor: "a", type: .float32,
                    shape: [4_611_686_018_427_387_904, 4_611_686_018_427_387_904],
                    bytes: 8))
    }
}
