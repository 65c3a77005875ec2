public import Foundation

/// Writes a tar file in POSIX's pax form, the same bytes for the same members: no times, no owners.
///
/// The file has its name only when it is whole.
public struct TarWriter {
    private let url: URL
    private let temporary: URL
    private let handle: FileHandle

    /// Begins a file.
    public init(_ url: URL) throws {
        self.url = url
        temporary = url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).tmp")
        try Data().write(to: temporary)
        handle = try FileHandle(forWritingTo: temporary)
    }

    /// Appends a member.
    public func add(_ name: String, _ data: Data) throws {
        // The 100 bytes of the old header, else a record before it.
        if name.utf8.count > 100 {
            try append("pax", type: "x", Self.record("path", name))
            try append(String(decoding: name.utf8.suffix(100), as: UTF8.self), type: "0", data)
        } else {
            try append(name, type: "0", data)
        }
    }

    /// Ends the file and gives it its name.
    public func finish() throws {
        try handle.write(contentsOf: Data(count: 1024))
        try handle.close()
        guard rename(temporary.path, url.path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: url.path])
        }
    }

    private func append(_ name: String, type: Character, _ data: Data) throws {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (place, byte) in text.utf8.enumerated() { header[offset + place] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(String(decoding: name.utf8.prefix(100), as: UTF8.self), at: 0)
        put(octal(0o644, 7), at: 100)
        put(octal(0, 7), at: 108)
        put(octal(0, 7), at: 116)
        put(octal(data.count, 11), at: 124)
        put(octal(0, 11), at: 136)
        put(String(repeating: " ", count: 8), at: 148)
        put(String(type), at: 156)
        put("ustar\0" + "00", at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0 ", at: 148)
        try handle.write(contentsOf: Data(header) + data + Data(count: (512 - data.count % 512) % 512))
    }

    /// A pax record begins with its own length, the digits included.
    private static func record(_ key: String, _ value: String) -> Data {
        let rest = " \(key)=\(value)\n".utf8.count
        var length = rest + String(rest).utf8.count
        if String(length).utf8.count > String(rest).utf8.count { length += 1 }
        return Data("\(length) \(key)=\(value)\n".utf8)
    }
}
