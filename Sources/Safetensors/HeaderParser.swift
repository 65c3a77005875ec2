/// Reads the JSON subset of a safetensors header, strictly: one object of objects, no unknown or repeated keys.
///
/// A general JSON reader would lose the order of the keys, drop repeated ones and accept `1.0` for `1`.
struct HeaderParser {
    /// One entry, before it is checked against the file.
    struct Entry {
        var type = ""
        var shape: [Int] = []
        var start = 0
        var end = 0
    }

    typealias Problem = SafetensorsError.Problem

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Parses the whole header: its entries in file order, and its metadata.
    mutating func parse() throws(Problem) -> (entries: [(name: String, Entry)], metadata: [String: String]) {
        guard bytes.first == UInt8(ascii: "{") else { throw malformed("'{'") }
        var entries: [(name: String, Entry)] = []
        var metadata: [String: String]?
        var names: Set<String> = []
        try object { (parser, name) throws(Problem) in
            guard names.insert(name).inserted else { throw .duplicateName(name) }
            if name == "__metadata__" {
                metadata = try parser.metadata()
            } else {
                entries.append((name, try parser.entry()))
            }
        }
        skipSpace()
        guard position == bytes.count else { throw malformed("the end of the header") }
        return (entries, metadata ?? [:])
    }

    private mutating func metadata() throws(Problem) -> [String: String] {
        var metadata: [String: String] = [:]
        try object { (parser, key) throws(Problem) in
            guard metadata.updateValue(try parser.string(), forKey: key) == nil else {
                throw parser.malformed("a metadata key other than '\(key)' again")
            }
        }
        return metadata
    }

    private mutating func entry() throws(Problem) -> Entry {
        var entry = Entry()
        var missing: Set = ["dtype", "shape", "data_offsets"]
        try object { (parser, key) throws(Problem) in
            guard missing.remove(key) != nil else {
                throw parser.malformed("dtype, shape and data_offsets once each, not '\(key)'")
            }
            switch key {
            case "dtype": entry.type = try parser.string()
            case "shape": entry.shape = try parser.integers()
            default:
                let offsets = try parser.integers()
                guard offsets.count == 2, offsets[0] <= offsets[1] else {
                    throw parser.malformed("data_offsets [start, end]")
                }
                (entry.start, entry.end) = (offsets[0], offsets[1])
            }
        }
        guard missing.isEmpty else { throw malformed("'\(missing.sorted()[0])' before the entry ends") }
        return entry
    }

    // MARK: JSON

    private mutating func object(
        _ member: (inout HeaderParser, String) throws(Problem) -> Void
    ) throws(Problem) {
        try expect("{")
        if accept("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while accept(",")
        try expect("}")
    }

    private mutating func integers() throws(Problem) -> [Int] {
        try expect("[")
        var values: [Int] = []
        if accept("]") { return values }
        repeat { values.append(try integer()) } while accept(",")
        try expect("]")
        return values
    }

    private mutating func integer() throws(Problem) -> Int {
        skipSpace()
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Int(digits), digits == "0" || !digits.hasPrefix("0") else {
            throw malformed("a whole number", at: start)
        }
        return value
    }

    private mutating func string() throws(Problem) -> String {
        try expect("\"")
        let start = position
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw malformed("UTF-8", at: start)
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case ..<0x20: throw malformed("an escaped control character", at: position - 1)
            default: text.append(byte)
            }
        }
        throw malformed("'\"'")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Problem) {
        guard position < bytes.count else { throw malformed("an escape") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "u"):
            var units = [try codeUnit()]
            if UTF16.isLeadSurrogate(units[0]) {
                guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                else { throw malformed("a low surrogate") }
                position += 2
                units.append(try codeUnit())
            }
            guard let character = String(validating: units, as: UTF16.self) else {
                throw malformed("a pair of surrogates")
            }
            text += character.utf8
        default: throw malformed("an escape", at: position - 1)
        }
    }

    private mutating func codeUnit() throws(Problem) -> UInt16 {
        guard position + 4 <= bytes.count else { throw malformed("four hexadecimal digits") }
        let digits = bytes[position..<position + 4]
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw malformed("four hexadecimal digits") }
        position += 4
        return unit
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Problem) {
        guard accept(character) else { throw malformed("'\(character)'") }
    }

    private func malformed(_ expected: String, at offset: Int? = nil) -> Problem {
        .malformedHeader(offset: offset ?? position, expected: expected)
    }
}

extension SafetensorsError.Problem: Error {}
