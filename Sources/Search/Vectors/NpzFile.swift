internal import Diagnostics
internal import Foundation

/// Several NumPy arrays in one file, as `numpy.savez` writes them: a zip archive that compresses nothing.
enum NpzFile {
    /// Writes arrays that are already encoded, under their names; the file appears whole or not at all.
    static func write(_ arrays: [(name: String, data: Data)], to file: URL) throws {
        var archive = Data()
        var directory = Data()
        for (name, data) in arrays {
            guard data.count < 0xffff_0000, archive.count < 0xffff_0000 - data.count else {
                throw Diagnostic(
                    "'\(file.lastPathComponent)' would be larger than 4 GiB",
                    hint: "ask for fewer neighbours, or divide the queries", exitCode: .usage)
            }
            let path = Data((name + ".npy").utf8)
            // Version 2.0, no flags, stored, the first day that the format knows.
            var entry = Data([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0])
            for number in [checksum(data), UInt32(data.count), UInt32(data.count)] { entry.append(number) }
            entry.append(UInt16(path.count))
            entry.append(UInt16(0))
            directory += [0x50, 0x4b, 1, 2, 20, 0] + entry + Data(count: 10)
            directory.append(UInt32(archive.count))
            directory += path
            archive += [0x50, 0x4b, 3, 4] + entry + path + data
        }
        let start = UInt32(archive.count)
        archive += directory + Data([0x50, 0x4b, 5, 6, 0, 0, 0, 0])
        for _ in 0..<2 { archive.append(UInt16(arrays.count)) }
        archive.append(UInt32(directory.count))
        archive.append(start)
        archive.append(UInt16(0))
        try archive.write(to: file, options: .atomic)
    }

    /// The encoded arrays of a file that ``write(_:to:)`` has written.
    /// - Throws: a `Diagnostic` for anything else, and where the contents do not have their checksums.
    static func read(_ file: URL) throws -> [String: Data] {
        let name = file.lastPathComponent
        guard let data = try? Data(contentsOf: file) else {
            throw Diagnostic("cannot open '\(file.path)'", exitCode: .inputMissing)
        }
        func malformed() -> Diagnostic {
            Diagnostic("'\(name)' is not an archive that Retort has written", exitCode: .badData)
        }
        var arrays: [String: Data] = [:]
        var place = data.startIndex
        while data.count - place >= 30, data[place..<place + 4].elementsEqual([0x50, 0x4b, 3, 4]) {
            let length = Int(data.number(at: place + 18, bytes: 4))
            let pathLength = Int(data.number(at: place + 26, bytes: 2))
            let start = place + 30 + pathLength
            guard data.number(at: place + 8, bytes: 2) == 0, data.number(at: place + 28, bytes: 2) == 0,
                start + length <= data.count
            else { throw malformed() }
            let path = String(decoding: data[place + 30..<start], as: UTF8.self)
            let content = data.subdata(in: start..<start + length)
            guard path.hasSuffix(".npy"),
                checksum(content) == UInt32(data.number(at: place + 14, bytes: 4))
            else { throw malformed() }
            arrays[String(path.dropLast(4))] = content
            place = start + length
        }
        guard !arrays.isEmpty, data.count - place >= 22, data[place] == 0x50 else { throw malformed() }
        return arrays
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
    }

    /// CRC-32, as the format wants it.
    static func checksum(_ data: Data) -> UInt32 {
        let table = table
        return ~data.withUnsafeBytes { bytes in
            bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
        }
    }
}

extension Data {
    fileprivate mutating func append(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate func number(at place: Int, bytes: Int) -> UInt64 {
        (0..<bytes).reduce(0) { $0 | UInt64(self[place + $1]) << (8 * $1) }
    }
}
