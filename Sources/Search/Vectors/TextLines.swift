internal import Diagnostics
internal import Foundation

/// The lines of text files, mapped into memory: only where they begin is held.
struct TextLines: Sendable {
    private let files: [Data]
    /// The first line of each file.
    private let firsts: [Int]
    /// The offset of each line in its file, and the end of the last one of each.
    private let offsets: [[Int]]

    init(_ files: [URL]) throws {
        self.files = try files.map { file in
            guard let data = try? Data(contentsOf: file, options: .alwaysMapped) else {
                throw Diagnostic("cannot open '\(file.path)'", exitCode: .inputMissing)
            }
            return data
        }
        offsets = self.files.map(Self.lineStarts)
        var first = 0
        firsts = offsets.map { starts in
            defer { first += starts.count - 1 }
            return first
        }
        count = first
    }

    let count: Int

    /// Calls `body` with the bytes of a line, without the newline.
    func withLine<Result>(_ line: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let file = firsts.partitioningIndex { $0 > line } - 1
        let place = line - firsts[file]
        let start = offsets[file][place]
        // The last line may lack its newline.
        let end = offsets[file][place + 1] - 1
        return try files[file].withUnsafeBytes {
            try body(UnsafeRawBufferPointer(rebasing: $0[start..<end]))
        }
    }

    subscript(line: Int) -> String { withLine(line) { String(decoding: $0, as: UTF8.self) } }

    /// Compares two lines byte by byte: negative where `a` comes first, zero where they are equal.
    func compare(_ a: Int, _ b: Int) -> Int {
        withLine(a) { x in
            withLine(b) { y in
                let common = min(x.count, y.count)
                if common > 0, let p = x.baseAddress, let q = y.baseAddress {
                    let order = memcmp(p, q, common)
                    if order != 0 { return Int(order) }
                }
                return x.count - y.count
            }
        }
    }

    private static func lineStarts(_ data: Data) -> [Int] {
        data.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, !bytes.isEmpty else { return [0] }
            var starts = [0]
            var place = 0
            while place < bytes.count {
                let found = memchr(base + place, Int32(UInt8(ascii: "\n")), bytes.count - place)
                place = found.map { UnsafeRawPointer($0) - base + 1 } ?? bytes.count + 1
                starts.append(place)
            }
            return starts
        }
    }
}
