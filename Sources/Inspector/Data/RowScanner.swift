import Foundation

/// A place in a JSON text from which the next token is read; it makes no strings and copies nothing.
///
/// It checks as much as it needs to find its way. Rows that a page shows are decoded by `JSONDecoder` again.
struct RowScanner {
    private let start: UnsafePointer<UInt8>
    private(set) var position: Int
    let end: Int

    /// What a row should have been and is not.
    struct Malformed: Error { let position: Int }

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        start = bytes.baseAddress ?? Self.nothing
        position = range.lowerBound
        end = range.upperBound
    }

    /// Where an empty file begins; never read from, nor written to, so that threads may share it.
    private nonisolated(unsafe) static let nothing = UnsafePointer(
        UnsafeMutablePointer<UInt8>.allocate(capacity: 1))
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    /// The next byte that is no space, without passing it; 0 at the end.
    mutating func peek() -> UInt8 {
        while position < end {
            let byte = start[position]
            if byte > 0x20 { return byte }
            position += 1
        }
        return 0
    }

    mutating func expect(_ byte: UInt8) throws(Malformed) {
        guard peek() == byte else { throw Malformed(position: position) }
        position += 1
    }

    /// Passes a byte if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    /// Passes a string; the range of what stands between its quotes, escapes as they are written.
    mutating func string() throws(Malformed) -> Range<Int> {
        try expect(Self.quote)
        let first = position
        var search = position
        while search < end, let found = memchr(start + search, Int32(Self.quote), end - search) {
            let quote = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            var escapes = 0
            while quote - 1 - escapes >= first, start[quote - 1 - escapes] == Self.backslash { escapes += 1 }
            if escapes.isMultiple(of: 2) {
                position = quote + 1
                return first..<quote
            }
            search = quote + 1
        }
        throw Malformed(position: first)
    }

    /// Passes a string, or `null`.
    mutating func optionalString() throws(Malformed) -> Range<Int>? {
        if peek() == Self.quote { return try string() }
        try skipValue()
        return nil
    }

    /// Passes a number; NaN for `null` and everything else that is none.
    mutating func number() throws(Malformed) -> Double {
        let byte = peek()
        guard byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) else {
            try skipValue()
            return .nan
        }
        var isNegative = false
        if byte == UInt8(ascii: "-") {
            isNegative = true
            position += 1
        }
        var (mantissa, exponent, digits) = (UInt64(0), 0, 0)
        var isFraction = false
        scan: while position < end {
            switch start[position] {
            case let digit where digit &- 0x30 < 10:
                if digits < 18 {
                    mantissa = mantissa &* 10 &+ UInt64(digit &- 0x30)
                    digits += mantissa == 0 ? 0 : 1
                    if isFraction { exponent -= 1 }
                } else if !isFraction {
                    exponent += 1
                }
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                position += 1
                exponent += try signedInteger()
                break scan
            default: break scan
            }
            position += 1
        }
        let size = Double(mantissa)
        let value =
            exponent < 0
            ? size / Self.power(-exponent) : exponent > 0 ? size * Self.power(exponent) : size
        return isNegative ? -value : value
    }

    private static func power(_ exponent: Int) -> Double {
        exponent < powers.count ? powers[exponent] : pow(10, Double(exponent))
    }

    private static let powers = (0...22).map { pow(10, Double($0)) }

    private mutating func signedInteger() throws(Malformed) -> Int {
        var sign = 1
        if position < end, start[position] == UInt8(ascii: "-") || start[position] == UInt8(ascii: "+") {
            sign = start[position] == UInt8(ascii: "-") ? -1 : 1
            position += 1
        }
        var value = 0
        while position < end, start[position] &- 0x30 < 10 {
            value = min(9_999, value * 10 + Int(start[position] - 0x30))
            position += 1
        }
        return sign * value
    }

    /// Passes a value of any kind.
    mutating func skipValue() throws(Malformed) {
        switch peek() {
        case Self.quote: _ = try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var depth = 0
            repeat {
                switch peek() {
                case 0: throw Malformed(position: position)
                case Self.quote: _ = try string()
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    position += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    position += 1
                default: position += 1
                }
            } while depth > 0
        case 0: throw Malformed(position: position)
        default:
            while position < end {
                switch start[position] {
                case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20: return
                default: position += 1
                }
            }
        }
    }

    /// The next key of the object that was entered; nil after the last.
    ///
    /// Its value has to be passed.
    mutating func key(isFirst: inout Bool) throws(Malformed) -> Range<Int>? {
        if take(UInt8(ascii: "}")) { return nil }
        if !isFirst { try expect(UInt8(ascii: ",")) }
        isFirst = false
        let key = try string()
        try expect(UInt8(ascii: ":"))
        return key
    }

    /// Whether some bytes are a word.
    func holds(_ range: Range<Int>, _ word: StaticString) -> Bool {
        range.count == word.utf8CodeUnitCount
            && memcmp(start + range.lowerBound, word.utf8Start, range.count) == 0
    }

    func areEqual(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        left.count == right.count
            && memcmp(start + left.lowerBound, start + right.lowerBound, left.count) == 0
    }

    /// The hash of the text that a string means, escapes resolved.
    func hash(_ range: Range<Int>) -> UInt64 {
        if range.count > 0, memchr(start + range.lowerBound, Int32(Self.backslash), range.count) != nil {
            return TextHash.hash(text(range))
        }
        return TextHash.hash(UnsafeBufferPointer(start: start + range.lowerBound, count: range.count))
    }

    /// The text of a string that was passed.
    func text(_ range: Range<Int>) -> String { TextHash.text(start + range.lowerBound, range.count) }
}

/// Names texts by 64 bits, so that a million of them need no strings; equal hashes are compared again.
enum TextHash {
    /// Eight bytes at a time, mixed by multiplication; a fixed function, and no defence against malice.
    static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let base = bytes.baseAddress else { return 0 }
        let start = UnsafeRawPointer(base)
        var state = UInt64(bytes.count) &* 0x9e37_79b9_7f4a_7c15
        var offset = 0
        while offset + 8 <= bytes.count {
            mix(&state, start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < bytes.count {
            tail = tail << 8 | UInt64(bytes[offset])
            offset += 1
        }
        mix(&state, tail)
        return state
    }

    static func hash(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { hash($0) }
    }

    private static func mix(_ state: inout UInt64, _ value: UInt64) {
        state = (state ^ value) &* 0xbf58_476d_1ce4_e5b9
        state ^= state >> 29
    }

    /// The text of a JSON string without its quotes.
    static func text(_ start: UnsafePointer<UInt8>, _ count: Int) -> String {
        let bytes = UnsafeBufferPointer(start: start, count: count)
        guard bytes.contains(UInt8(ascii: "\\")) else { return String(decoding: bytes, as: UTF8.self) }
        let quoted = Data("[\"".utf8) + Data(bytes) + Data("\"]".utf8)
        return (try? JSONDecoder().decode([String].self, from: quoted))?.first
            ?? String(decoding: bytes, as: UTF8.self)
    }
}
