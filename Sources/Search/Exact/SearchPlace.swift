internal import Diagnostics
internal import Foundation

/// Where one search keeps what it has: files whose names say which rows they are about.
struct SearchPlace {
    let folder: URL
    let name: String

    /// The best rows among the first so many, and that number; nil where nothing whole is kept.
    func best(queries: Int, k: Int) -> (table: NeighbourTable, rows: Int)? {
        guard let last = files("best").last, let table = read(last.file, queries: queries, k: k) else {
            return nil
        }
        return (table, last.rows.upperBound)
    }

    /// Keeps the best among the first `rows` rows, in place of what was kept before.
    func keep(_ best: NeighbourTable, rows: Int) throws {
        guard rows > 0 else { return }
        let before = files("best")
        try write(best, "best", 0..<rows)
        for old in before where old.rows.upperBound != rows { unlink(old.file.path) }
    }

    /// The answers for the first rows, as many as are kept without a gap; there is room for `count`.
    func answers(of count: Int) -> [Neighbour] {
        var answers: [Neighbour] = []
        answers.reserveCapacity(count)
        for (file, rows) in files("answers") {
            guard rows.lowerBound == answers.count, let table = read(file, queries: rows.count, k: 1) else {
                continue
            }
            answers += zip(table.rows, table.scores).lazy.map { Neighbour(row: Int($0), similarity: $1) }
        }
        return answers
    }

    /// Keeps the answers from a row on, beside those that are kept already.
    func keep(_ answers: ArraySlice<Neighbour>) throws {
        guard !answers.isEmpty else { return }
        let table = NeighbourTable(
            queries: answers.count, k: 1, rows: answers.map { Int64($0.row) },
            scores: answers.map(\.similarity))
        try write(table, "answers", answers.indices)
    }

    /// Removes everything.
    func remove() {
        for (file, _) in files("best") + files("answers") { unlink(file.path) }
    }

    /// The files of a kind, and the rows that each is about, in their order.
    private func files(_ kind: String) -> [(file: URL, rows: Range<Int>)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let found = names.compactMap { file -> (file: URL, rows: Range<Int>)? in
            guard file.hasPrefix("\(kind)-\(name)-"), file.hasSuffix(Self.suffix) else { return nil }
            let numbers = file.dropLast(Self.suffix.count).split(separator: "-").suffix(2).compactMap {
                Int($0)
            }
            guard numbers.count == 2, 0 <= numbers[0], numbers[0] < numbers[1] else { return nil }
            return (folder.appending(path: file), numbers[0]..<numbers[1])
        }
        return found.sorted {
            ($0.rows.lowerBound, $0.rows.upperBound) < ($1.rows.lowerBound, $1.rows.upperBound)
        }
    }

    private static let suffix = ".rows"

    /// Writes rows (int64), scores (fp32) and the checksum of each; the file appears whole or not at all.
    ///
    /// Nothing is copied: a table may be a good part of the memory.
    private func write(_ table: NeighbourTable, _ kind: String, _ rows: Range<Int>) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(
            path: "\(kind)-\(name)-\(rows.lowerBound)-\(rows.upperBound)\(Self.suffix)")
        let draft = folder.appending(path: ".\(file.lastPathComponent)-\(getpid())")
        try Data().write(to: draft)
        defer { unlink(draft.path) }
        let handle = try FileHandle(forWritingTo: draft)
        defer { try? handle.close() }
        func write(_ bytes: UnsafeRawBufferPointer) throws {
            guard let start = bytes.baseAddress else { return }
            let data = Data(
                bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count, deallocator: .none)
            try handle.write(contentsOf: data)
            try handle.write(contentsOf: withUnsafeBytes(of: NpzFile.checksum(data)) { Data($0) })
        }
        try table.rows.withUnsafeBytes(write)
        try table.scores.withUnsafeBytes(write)
        try handle.synchronize()
        guard rename(draft.path, file.path) == 0 else {
            throw Diagnostic(
                "cannot keep '\(file.path)': \(String(cString: strerror(errno)))", exitCode: .io)
        }
    }

    /// What a file holds for so many queries and places; nil where it is damaged.
    private func read(_ file: URL, queries: Int, k: Int) -> NeighbourTable? {
        let count = queries * k
        guard let data = try? Data(contentsOf: file, options: .alwaysMapped), data.count == count * 12 + 8
        else { return nil }
        func numbers<Number>(_ start: Int, _ type: Number.Type) -> [Number]? {
            let bytes = data[start..<start + count * MemoryLayout<Number>.size]
            let checksum = data[bytes.endIndex..<bytes.endIndex + 4].withUnsafeBytes {
                $0.loadUnaligned(as: UInt32.self)
            }
            guard NpzFile.checksum(bytes) == checksum else { return nil }
            return [Number](unsafeUninitializedCapacity: count) { buffer, filled in
                filled = bytes.copyBytes(to: buffer) / MemoryLayout<Number>.size
            }
        }
        guard let rows = numbers(0, Int64.self), let scores = numbers(count * 8 + 4, Float.self) else {
            return nil
        }
        return NeighbourTable(queries: queries, k: k, rows: rows, scores: scores)
    }
}
