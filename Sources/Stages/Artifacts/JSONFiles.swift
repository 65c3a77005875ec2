internal import Diagnostics
internal import Foundation

/// JSON and JSON-lines files of artifacts: sorted keys, one spelling, errors that name the file and the line.
enum JSONFiles {
    static func encoder(pretty: Bool = false) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return encoder
    }

    static func write(_ value: some Encodable, to url: URL) throws {
        try createParent(of: url)
        try (encoder(pretty: true).encode(value) + Data("\n".utf8)).write(to: url, options: .atomic)
    }

    /// Writes rows as they come, so that memory does not grow with their number.
    static func writeLines(_ rows: some Sequence<some Encodable>, to url: URL) throws {
        try createParent(of: url)
        let encoder = encoder()
        let temporary = url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).tmp")
        // Not `createFile`: it would not say why it failed.
        try Data().write(to: temporary)
        let file = try FileHandle(forWritingTo: temporary)
        defer { try? file.close() }
        var data = Data()
        for row in rows {
            data += try encoder.encode(row)
            data.append(UInt8(ascii: "\n"))
            if data.count >= 1 << 20 {
                try file.write(contentsOf: data)
                data.removeAll(keepingCapacity: true)
            }
        }
        try file.write(contentsOf: data)
        guard rename(temporary.path, url.path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: url.path])
        }
    }

    static func read<Value: Decodable>(_ type: Value.Type, from url: URL) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(contentsOf: url))
        } catch {
            throw damaged(url, "\(error)")
        }
    }

    static func readLines<Row: Decodable>(_ type: Row.Type, from url: URL) throws -> [Row] {
        let data: Data
        do { data = try Data(contentsOf: url) } catch { throw damaged(url, "\(error)") }
        let decoder = JSONDecoder()
        var rows: [Row] = []
        for (number, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
            do {
                rows.append(try decoder.decode(type, from: line))
            } catch {
                throw damaged(url, "line \(number + 1) is not a \(Row.self): \(error)")
            }
        }
        return rows
    }

    private static func createParent(of url: URL) throws {
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    }

    private static func damaged(_ url: URL, _ reason: String) -> Diagnostic {
        Diagnostic(
            "cannot read \(url.path): \(reason)",
            hint: "`retort verify` checks the whole store; a damaged artifact is made anew by `retort run`",
            exitCode: .badData)
    }
}
