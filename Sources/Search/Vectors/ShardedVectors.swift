internal import Diagnostics
public import Foundation

/// Rows that lie in several NumPy files, one after another.
public struct ShardedVectors: VectorSource, Sendable {
    /// What error messages call the rows.
    public let name: String
    /// The rows of each file.
    public let shards: [Range<Int>]
    private let files: [NpyFile]

    /// Opens files of rows with equally many values.
    /// - Throws: a `Diagnostic` for a file that cannot be read, is cut off, or has other rows than the first.
    public init(_ files: [URL], name: String) throws {
        self.name = name
        self.files = try files.map { try NpyFile($0) }
        let dimension = self.files.first?.dimension ?? 0
        for file in self.files where file.header.shape.count != 2 || file.dimension != dimension {
            throw Diagnostic(
                "'\(file.name)' has the shape \(file.header.shape), not rows of \(dimension)",
                exitCode: .badData)
        }
        var start = 0
        shards = self.files.map { file in
            defer { start += file.count }
            return start..<start + file.count
        }
    }

    /// The number of rows in all files.
    public var count: Int { shards.last?.upperBound ?? 0 }
    /// The number of values in a row.
    public var dimension: Int { files.first?.dimension ?? 0 }

    /// The file that holds a shard.
    public func file(of shard: Int) -> NpyFile { files[shard] }

    /// Reads consecutive rows as fp32 into a buffer that holds exactly as many.
    public func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        var row = rows.lowerBound
        var shard = self.shard(of: row)
        while row < rows.upperBound {
            let end = min(rows.upperBound, shards[shard].upperBound)
            let place = (row - rows.lowerBound) * dimension..<(end - rows.lowerBound) * dimension
            let start = shards[shard].lowerBound
            try files[shard].read(
                row - start..<end - start, into: UnsafeMutableBufferPointer(rebasing: buffer[place]))
            row = end
            shard += 1
        }
    }

    /// `row 7 of img_emb_0003.npy`.
    public func place(of row: Int) -> String {
        let shard = shard(of: row)
        return "row \(row - shards[shard].lowerBound) of \(files[shard].name)"
    }

    /// `img_emb_0003.npy#7`.
    func name(of row: Int) -> String {
        let shard = shard(of: row)
        return "\(files[shard].name)#\(row - shards[shard].lowerBound)"
    }

    /// The shard that holds a row; empty ones hold none.
    func shard(of row: Int) -> Int { shards.partitioningIndex { $0.upperBound > row } }
}
