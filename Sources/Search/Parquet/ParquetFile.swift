internal import Diagnostics
internal import Foundation

/// An Apache Parquet file, of which single flat columns are read.
///
/// That is what `pandas.to_parquet` and clip-retrieval write: texts and numbers, uncompressed or with Snappy, plain or
/// with dictionaries. Columns within columns are not read, and other compressions and encodings are errors by name.
struct ParquetFile {
    /// The number of rows.
    let count: Int
    private let file: String
    private let bytes: [UInt8]
    private let groups: [ThriftValue]
    private let columns: [String: Element]

    private struct Element {
        var place: Int
        var type: ParquetPages.Physical
        var isOptional: Bool
    }

    /// Opens a file and reads its description.
    ///
    /// - Throws: a `Diagnostic` for what is no Parquet.
    init(_ url: URL) throws(Diagnostic) {
        guard let data = try? Data(contentsOf: url, options: .alwaysMapped) else {
            throw Diagnostic("cannot open '\(url.path)'", exitCode: .inputMissing)
        }
        do {
            try self.init([UInt8](data), file: url.path)
        } catch {
            throw Self.diagnostic(url.path, error)
        }
    }

    init(_ bytes: [UInt8], file: String) throws(ParquetProblem) {
        self.file = file
        self.bytes = bytes
        let mark = Array("PAR1".utf8)
        guard bytes.count >= 12, bytes.starts(with: mark), bytes.suffix(4).elementsEqual(mark) else {
            throw ParquetProblem("its first or last four bytes are not PAR1")
        }
        var end = ByteCursor(bytes[(bytes.count - 8)...])
        let length = Int(try end.number(bytes: 4))
        guard length <= bytes.count - 12 else { throw .short }
        var footer = ByteCursor(bytes[(bytes.count - 8 - length)..<(bytes.count - 8)])
        let description = try ThriftValue.structure(&footer)
        guard let rows = description[3]?.int, (0...Int(Int32.max)).contains(rows) else {
            throw ParquetProblem("it does not say how many rows it has")
        }
        count = rows
        groups = description[4]?.elements ?? []
        let sums = groups.map { $0[3]?.int ?? -1 }
        guard sums.allSatisfy({ (0...rows).contains($0) }), sums.reduce(0, +) == rows else {
            throw ParquetProblem("its groups have other rows than it has")
        }
        columns = Self.columns(description[2]?.elements ?? [])
    }

    /// The flat columns: those right below the root that have values of their own.
    private static func columns(_ schema: [ThriftValue]) -> [String: Element] {
        var columns: [String: Element] = [:]
        var leaf = 0
        /// Elements that are still inside a column of columns.
        var inside = 0
        for element in schema.dropFirst() {
            let children = element[5]?.int ?? 0
            let isInside = inside > 0
            if isInside { inside -= 1 }
            if children > 0 {
                inside += min(children, schema.count)
                continue
            }
            defer { leaf += 1 }
            guard !isInside, let name = element[4]?.text, let repetition = element[3]?.int, repetition < 2,
                let type = (element[1]?.int).flatMap(ParquetPages.Physical.init)
            else { continue }
            columns[name] = Element(place: leaf, type: type, isOptional: repetition == 1)
        }
        return columns
    }

    /// The names of the columns that can be read.
    var names: Set<String> { Set(columns.keys) }

    /// Reads a column; nil where there is none of that name.
    ///
    /// - Throws: a `Diagnostic` for damage, and for what is not read here.
    func column(_ name: String) throws(Diagnostic) -> ParquetColumn? {
        do { return try values(name) } catch {
            throw Self.diagnostic(file, ParquetProblem("column '\(name)': \(error)"))
        }
    }

    func values(_ name: String) throws(ParquetProblem) -> ParquetColumn? {
        guard let element = columns[name] else { return nil }
        return try read(element)
    }

    private func read(_ element: Element) throws(ParquetProblem) -> ParquetColumn {
        var column = ParquetColumn(isText: element.type.isText)
        for group in groups where group[3]?.int != 0 {
            let chunks = group[1]?.elements ?? []
            guard chunks.indices.contains(element.place), let facts = chunks[element.place][3],
                let first = facts[9]?.int, let size = facts[7]?.int, let codec = facts[4]?.int,
                facts[1]?.int == element.type.rawValue, let rows = group[3]?.int, facts[5]?.int == rows
            else { throw ParquetProblem("its pages are not described") }
            // A dictionary lies before the values.
            let start = facts[11]?.int.map { $0 > 0 ? min($0, first) : first } ?? first
            guard start >= 4, size >= 0, start <= bytes.count, size <= bytes.count - start else {
                throw .short
            }
            var pages = ParquetPages(
                bytes[start..<start + size],
                ParquetPages.Layout(
                    type: element.type, isOptional: element.isOptional, codec: codec, count: rows))
            try pages.append(to: &column)
        }
        return column
    }

    private static func diagnostic(_ file: String, _ problem: ParquetProblem) -> Diagnostic {
        Diagnostic(
            "'\(file)' is no Parquet that Retort reads: \(problem)",
            hint: "write it with pandas' defaults, or its rows as metadata_*.jsonl", exitCode: .badData)
    }
}
