internal import Diagnostics
internal import Foundation

/// What metadata tells of a row.
struct RowFacts: Decodable {
    var id: String?
    var key: String?
    var dataset: String?
    var member: String?
    var path: String?
    var width: Int?
    var height: Int?
    var label: Int?

    enum CodingKeys: String, CodingKey {
        case id, key, dataset, member, width, height, label
        case path = "image_path"
    }
}

/// The metadata of a gallery, row by row.
protocol RowMetadata: Sendable {
    /// What is told of a row.
    func facts(_ row: Int) throws -> RowFacts
    /// What a row is called: its id, else its key, else its path.
    func id(_ row: Int) throws -> String?
}

/// Lines of JSON.
struct LineMetadata: RowMetadata {
    let lines: TextLines

    func facts(_ row: Int) throws -> RowFacts {
        do {
            return try JSONDecoder().decode(RowFacts.self, from: lines.withLine(row) { Data($0) })
        } catch {
            throw Diagnostic(
                "line \(row + 1) of the metadata is not a JSON object that Retort can read: \(error)",
                exitCode: .badData)
        }
    }

    func id(_ row: Int) throws -> String? {
        let facts = try facts(row)
        return facts.id ?? facts.key ?? facts.path
    }
}

/// Files of Parquet, whose columns that name images are held in memory.
struct ParquetMetadata: RowMetadata {
    private struct Table {
        var first: Int
        var columns: [RowFacts.CodingKeys: ParquetColumn]
    }

    private let tables: [Table]
    /// The number of rows of all files.
    let count: Int

    /// Reads the columns that are known by name.
    ///
    /// - Throws: a `Diagnostic` for what is no Parquet, and for more than so many rows.
    init(_ files: [URL], count limit: Int, of name: String) throws {
        var tables: [Table] = []
        var count = 0
        for url in files {
            let file = try ParquetFile(url)
            // Before anything is held: the rows of a damaged file may be more than there can be.
            guard file.count <= limit - count else {
                throw Diagnostic(
                    "'\(name)' has \(limit) vectors but more rows of metadata", exitCode: .badData)
            }
            let wanted: [RowFacts.CodingKeys] = [
                .id, .key, .dataset, .member, .path, .width, .height, .label,
            ]
            var columns: [RowFacts.CodingKeys: ParquetColumn] = [:]
            for key in wanted { columns[key] = try file.column(key.stringValue) }
            tables.append(Table(first: count, columns: columns))
            count += file.count
        }
        self.tables = tables
        self.count = count
    }

    func facts(_ row: Int) -> RowFacts {
        let (table, place) = place(of: row)
        func text(_ key: RowFacts.CodingKeys) -> String? { table.columns[key]?.text(place) }
        func int(_ key: RowFacts.CodingKeys) -> Int? { table.columns[key]?.int(place) }
        return RowFacts(
            id: text(.id), key: text(.key), dataset: text(.dataset), member: text(.member), path: text(.path),
            width: int(.width), height: int(.height), label: int(.label))
    }

    /// Every row is asked for its name: the other columns stay as they are.
    func id(_ row: Int) -> String? {
        let (table, place) = place(of: row)
        let naming: [RowFacts.CodingKeys] = [.id, .key, .path]
        return naming.lazy.compactMap { table.columns[$0]?.text(place) }.first
    }

    private func place(of row: Int) -> (Table, Int) {
        let table = tables[tables.partitioningIndex { $0.first > row } - 1]
        return (table, row - table.first)
    }
}
