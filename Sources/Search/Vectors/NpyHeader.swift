internal import Diagnostics
internal import Foundation

/// The element types that embeddings come in.
public enum NpyType: String, Hashable, Sendable, CaseIterable {
    case float16 = "<f2"
    case float32 = "<f4"
    case float64 = "<f8"

    /// The bytes of one element.
    public var size: Int {
        switch self {
        case .float16: 2
        case .float32: 4
        case .float64: 8
        }
    }
}

/// What a NumPy file says about the array in it.
public struct NpyHeader: Hashable, Sendable {
    /// The type of the elements.
    public var type: NpyType
    /// The number of elements in each dim.
    public var shape: [Int]

    /// Creates a header.
    public init(type: NpyType, shape: [Int]) {
        self.type = type
        self.shape = shape
    }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// The bytes that precede the elements, as `numpy.save` writes them.
    var encoded: Data { Self.encode(type.rawValue, shape) }

    /// The header of an array of any type, given as NumPy writes it: `<i8`.
    static func encode(_ type: String, _ shape: [Int]) -> Data {
        let lengths = shape.map(String.init).joined(separator: ", ")
        let tuple = shape.count == 1 ? "(\(lengths),)" : "(\(lengths))"
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(tuple), }"
        // NumPy ends the header at a multiple of 64 bytes; ten bytes of magic, version and length precede the text.
        text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
        var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
        data += [UInt8(text.utf8.count & 0xff), UInt8(text.utf8.count >> 8)]
        return data + Data(text.utf8)
    }

    /// Reads the header at the start of `data`; `name` is what errors call the file.
    static func decode(_ data: Data, name: String) throws(Diagnostic) -> (header: NpyHeader, length: Int) {
        func malformed(_ what: String) -> Diagnostic {
            Diagnostic("'\(name)' is not a readable NumPy array: \(what)", exitCode: .badData)
        }
        let bytes = [UInt8](data)
        guard bytes.count >= 12, bytes[0] == 0x93, bytes[1..<6].elementsEqual("NUMPY".utf8) else {
            throw malformed("it does not begin with NumPy's magic bytes")
        }
        let lengthBytes = bytes[6] == 1 ? 2 : 4
        guard (1...3).contains(bytes[6]) else { throw malformed("format version \(bytes[6]) is unknown") }
        let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        let start = 8 + lengthBytes
        guard start + length <= bytes.count else { throw malformed("its header is cut off") }
        let text = String(decoding: bytes[start..<start + length], as: UTF8.self)
        guard let descr = quoted("descr", in: text), let order = word("fortran_order", in: text),
            let shape = tuple("shape", in: text)
        else { throw malformed("its header lacks descr, fortran_order or shape") }
        guard let type = NpyType(rawValue: descr) else {
            throw Diagnostic(
                "'\(name)' holds elements of type '\(descr)'",
                hint: "embeddings may be little-endian float16, float32 or float64", exitCode: .badData)
        }
        guard order == "False" else {
            throw Diagnostic(
                "'\(name)' is stored in Fortran order", hint: "write it with numpy.ascontiguousarray(…)",
                exitCode: .badData)
        }
        var bytesOfArray = type.size
        // A dim of zero makes the array empty and must not hide that the others are impossible.
        for count in shape where count > 0 {
            let (product, overflow) = bytesOfArray.multipliedReportingOverflow(by: count)
            guard !overflow else { throw malformed("its shape \(shape) is larger than any file") }
            bytesOfArray = product
        }
        return (NpyHeader(type: type, shape: shape), start + length)
    }

    private static func value(of key: String, in text: String) -> Substring? {
        text.range(of: "'\(key)':").map { text[$0.upperBound...].drop { $0 == " " } }
    }

    private static func quoted(_ key: String, in text: String) -> String? {
        guard let value = value(of: key, in: text), value.first == "'" else { return nil }
        return String(value.dropFirst().prefix { $0 != "'" })
    }

    private static func word(_ key: String, in text: String) -> String? {
        value(of: key, in: text).map { String($0.prefix { $0.isLetter }) }
    }

    private static func tuple(_ key: String, in text: String) -> [Int]? {
        guard let value = value(of: key, in: text), value.first == "(", let end = value.firstIndex(of: ")")
        else {
            return nil
        }
        let parts = value[value.index(after: value.startIndex)..<end].split(separator: ",")
        let numbers = parts.map { Int($0.trimmingCharacters(in: .whitespaces)) }
        guard numbers.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else { return nil }
        return numbers.compactMap { $0 }
    }
}
