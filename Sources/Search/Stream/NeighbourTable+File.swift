internal import Diagnostics
public import Foundation

extension NeighbourTable {
    /// Writes a `.npz` with `ids` (int64) and `scores` (fp32), both of the shape [queries, k].
    ///
    /// The file appears whole or not at all.
    public func write(to file: URL) throws {
        let shape = [queries, k]
        let ids = rows.map(\.littleEndian).withUnsafeBytes { Data($0) }
        let numbers = scores.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
        try NpzFile.write(
            [
                ("ids", NpyHeader.encode("<i8", shape) + ids),
                ("scores", NpyHeader.encode("<f4", shape) + numbers),
            ], to: file)
    }

    /// Reads what ``write(to:)`` has written for as many queries and places.
    /// - Throws: a `Diagnostic` where the file is another one, or damaged.
    public init(reading file: URL, queries: Int, k: Int) throws {
        let arrays = try NpzFile.read(file)
        func elements(_ name: String, _ type: String, size: Int) throws -> Data {
            let header = NpyHeader.encode(type, [queries, k])
            guard let data = arrays[name], data.starts(with: header),
                data.count == header.count + queries * k * size
            else {
                throw Diagnostic(
                    "'\(file.lastPathComponent)' does not hold \(k) neighbours of \(queries) queries",
                    hint: "remove it to search again", exitCode: .badData)
            }
            return data.subdata(in: header.count..<data.count)
        }
        let ids = try elements("ids", "<i8", size: 8)
        let numbers = try elements("scores", "<f4", size: 4)
        self.init(
            queries: queries, k: k,
            rows: ids.withUnsafeBytes { bytes in
                (0..<queries * k).map {
                    Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
                }
            },
            scores: numbers.withUnsafeBytes { bytes in
                (0..<queries * k).map {
                    Float(
                        bitPattern: UInt32(
                            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
                }
            })
    }
}
