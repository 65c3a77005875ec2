public import Diagnostics
public import Foundation

/// The index of a tar file, and its members' bytes straight from the mapped file.
///
/// Reads the formats that tar programs write today: ustar, GNU long names, and pax headers (`path`, `size`).
/// Only regular files are listed. The file is mapped, not read, so that a member costs what its own bytes cost.
public struct TarArchive: Sendable {
    /// One regular file of the archive.
    public struct Entry: Hashable, Sendable {
        /// The path it was stored under.
        public let name: String
        /// Where its bytes lie.
        public let range: Range<Int>
    }

    /// The file.
    public let url: URL
    /// The regular files, in archive order.
    public let entries: [Entry]
    private let data: Data

    /// Maps a tar file and reads its headers.
    public init(_ url: URL) throws(Diagnostic) {
        self.url = url
        do {
            data = try Data(contentsOf: url, options: .alwaysMapped)
        } catch {
            throw Diagnostic("cannot read shard \(url.path): \(reason(error))", exitCode: .inputMissing)
        }
        var index = TarIndex(file: url.lastPathComponent, size: data.count)
        let result: Result<[Entry], Diagnostic> = data.withUnsafeBytes { bytes in
            do throws(Diagnostic) { return .success(try index.read(bytes)) } catch { return .failure(error) }
        }
        entries = try result.get()
    }

    /// The bytes of a member, without a copy.
    public func bytes(of entry: Entry) -> Data {
        data[data.startIndex + entry.range.lowerBound..<data.startIndex + entry.range.upperBound]
    }
}

/// Walks the 512-byte headers of a tar file.
private struct TarIndex {
    let file: String
    let size: Int
    private var longName: String?
    private var paxPath: String?
    private var paxSize: Int?

    init(file: String, size: Int) {
        self.file = file
        self.size = size
    }

    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(Diagnostic) -> [TarArchive.Entry] {
        var entries: [TarArchive.Entry] = []
        var offset = 0
        while offset < bytes.count {
            guard offset + 512 <= bytes.count else {
                throw damaged("is truncated: the header at byte \(offset) is cut off", offset)
            }
            let header = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 512])
            if header.allSatisfy({ $0 == 0 }) { break }
            try check(header, offset)
            let isExtension = "LKxg".utf8.contains(header[156])
            let stored = try number(header[124..<136], offset)
            let length = isExtension ? stored : paxSize ?? stored
            let name = isExtension ? text(header[0..<100]) : name(header)
            let start = offset + 512
            guard length >= 0, start <= bytes.count, length <= bytes.count - start else {
                throw damaged(
                    "is truncated: member '\(name)' at byte \(offset) has \(length) bytes, "
                        + "but the file ends after \(max(0, bytes.count - start)) of them", offset)
            }
            let body = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
            switch header[156] {
            case UInt8(ascii: "L"): longName = text(body[...])
            case UInt8(ascii: "x"): try readPax(body, offset)
            case UInt8(ascii: "K"), UInt8(ascii: "g"): break
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
                // Archives of before 1988 mark a directory by its name only.
                if !name.hasSuffix("/") { entries.append(.init(name: name, range: start..<start + length)) }
                forgetExtensions()
            case UInt8(ascii: "S"):
                throw damaged("holds the sparse file '\(name)', which is not supported", offset)
            default: forgetExtensions()
            }
            offset = start + (length + 511) / 512 * 512
        }
        return entries
    }

    private mutating func forgetExtensions() { (longName, paxPath, paxSize) = (nil, nil, nil) }

    private func name(_ header: UnsafeRawBufferPointer) -> String {
        if let name = paxPath ?? longName { return name }
        let name = text(header[0..<100])
        // Only POSIX's "ustar\0" has a prefix; GNU keeps times in its place.
        let hasPrefix = header[257..<263].elementsEqual(Array("ustar\0".utf8)) && header[345] != 0
        return hasPrefix ? text(header[345..<500]) + "/" + name : name
    }

    /// The checksum is the sum of the header's bytes with the checksum field taken as spaces.
    private func check(_ header: UnsafeRawBufferPointer, _ offset: Int) throws(Diagnostic) {
        let sum = header.enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element))
        }
        guard let stored = try? number(header[148..<156], offset), stored == sum else {
            throw damaged(
                offset == 0 ? "is not a tar file" : "is damaged: there is no tar header at byte \(offset)",
                offset)
        }
    }

    /// Octal digits, or GNU's base 256 for sizes from 8 GiB on.
    private func number(_ field: Slice<UnsafeRawBufferPointer>, _ offset: Int) throws(Diagnostic) -> Int {
        if let first = field.first, first & 0x80 != 0 {
            let digits = [first & 0x7F] + field.dropFirst()
            guard digits.dropLast(7).allSatisfy({ $0 == 0 }) else {
                throw damaged("is damaged: impossible size at byte \(offset)", offset)
            }
            return digits.suffix(7).reduce(0) { $0 << 8 | Int($1) }
        }
        let digits = String(decoding: field, as: UTF8.self).trimmingCharacters(in: ["\0", " "])
        guard let value = digits.isEmpty ? 0 : Int(digits, radix: 8), value >= 0 else {
            throw damaged("is damaged: unreadable number in the header at byte \(offset)", offset)
        }
        return value
    }

    /// Pax records are `length key=value\n`, the length counting itself.
    private mutating func readPax(_ body: UnsafeRawBufferPointer, _ offset: Int) throws(Diagnostic) {
        var rest = body[...]
        while let space = rest.firstIndex(of: UInt8(ascii: " ")) {
            guard let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, length <= rest.count
            else { throw damaged("is damaged: malformed pax header at byte \(offset)", offset) }
            let record = rest[space + 1..<rest.startIndex + length - 1]
            if let equals = record.firstIndex(of: UInt8(ascii: "=")) {
                let value = String(decoding: record[(equals + 1)...], as: UTF8.self)
                switch String(decoding: record[..<equals], as: UTF8.self) {
                case "path": paxPath = value
                case "size": paxSize = Int(value)
                default: break
                }
            }
            rest = rest[(rest.startIndex + length)...]
        }
    }

    private func text(_ field: Slice<UnsafeRawBufferPointer>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    private func damaged(_ what: String, _ offset: Int) -> Diagnostic {
        Diagnostic("shard \(file) \(what)", hint: "fetch or write the shard again", exitCode: .badData)
    }
}
