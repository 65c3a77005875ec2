internal import CZlib
internal import Diagnostics
internal import Foundation

/// Reads files that may be compressed by gzip.
enum Gzip {
    /// The bytes of a file, decompressed where they begin as gzip's do.
    static func read(_ url: URL) throws -> Data {
        let data: Data
        do { data = try Data(contentsOf: url) } catch {
            throw Diagnostic("cannot read \(url.path)", exitCode: .inputMissing)
        }
        guard data.starts(with: [0x1F, 0x8B]) else { return data }
        guard let plain = decompressed(data) else {
            throw Diagnostic(
                "\(url.path) begins as a gzip file does, and cannot be decompressed",
                hint: "copy it again; `gzip -t` says whether it is whole", exitCode: .badData)
        }
        return plain
    }

    /// What the members of a gzip file hold together; nil where they are damaged or cut off.
    private static func decompressed(_ data: Data) -> Data? {
        var stream = z_stream()
        // 15 bits of window; 16 more say that a gzip header is expected.
        guard
            inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { inflateEnd(&stream) }
        var input = [UInt8](data)
        var output = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        return input.withUnsafeMutableBufferPointer { input -> Data? in
            stream.next_in = input.baseAddress
            stream.avail_in = uInt(input.count)
            while true {
                let status = buffer.withUnsafeMutableBufferPointer { buffer -> Int32 in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = uInt(buffer.count)
                    return inflate(&stream, Z_NO_FLUSH)
                }
                guard status == Z_OK || status == Z_STREAM_END else { return nil }
                output.append(contentsOf: buffer[..<(buffer.count - Int(stream.avail_out))])
                guard status == Z_STREAM_END else { continue }
                if stream.avail_in == 0 { return output }
                guard inflateReset(&stream) == Z_OK else { return nil }
            }
        }
    }
}
