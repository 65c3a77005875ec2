import Diagnostics
import Foundation
import Report
import Search
import TestSupport
import Testing

@testable import Inspector

@Suite struct TransferTableTests {
    @Test func `columns say what the lines say`() throws {
        let folder = try TemporaryFolder()
        let fake = FakeSet(folder.url)
        try fake.write()
        let table = try TransferTable(folder.url)
        #expect(table.count == fake.count)
        for row in 0..<table.count {
            let image = try table.image(row)
            #expect(table.similarities[row] == image.similarity.map { Float($0) })
            #expect(table.ranks[row] == image.rank.map { UInt32($0) })
            #expect(table.widths[row] == image.width.map { UInt32($0) })
            #expect(table.queryNames[Int(table.queries[row])] == image.query)
            #expect(table.classNames[Int(table.classes[row])] == image.queryClass)
            #expect(table.row(of: image.id) == row)
        }
        #expect(table.row(of: "nowhere") == nil)
    }

    @Test func `a large file is read in pieces and comes out whole`() throws {
        let folder = try TemporaryFolder()
        let lines = (0..<12_000).map { number in
            #"{"id":"\#(FakeSet.id(number))","source":"pool/\#(number)","query":"q\#(number % 700)","query_class":"c\#(number % 13)","rank":\#(number % 50),"similarity":\#(Double(number) / 20_000),"reason":"because it was near enough to be taken"}"#
        }
        try folder.write(lines.joined(separator: "\n") + "\n", to: "transfer-set.jsonl")
        let table = try TransferTable(folder.url)
        #expect(table.file.pieces(8).count == 8)
        #expect(table.count == 12_000 && table.queryNames.count == 700 && table.classNames.count == 13)
        for row in stride(from: 0, to: 12_000, by: 997) {
            #expect(try table.image(row).id == FakeSet.id(row))
            #expect(table.queryNames[Int(table.queries[row])] == "q\(row % 700)")
            #expect(abs(table.similarities[row] - Float(row) / 20_000) < 1e-7)
        }
    }

    @Test func `numbers, escapes and missing values are read`() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            #"""
            {"id":"a\"\\b","source":"pool/x","similarity":-1.25e-1,"extra":{"a":["}",1]},"query":null}
            {"source":"pool/\u00e4","id":"b","similarity":null,"rank":3}
            """#, to: "transfer-set.jsonl")
        let table = try TransferTable(folder.url)
        #expect(table.count == 2 && table.similarities[0] == -0.125 && table.similarities[1].isNaN)
        #expect(table.row(of: #"a"\b"#) == 0 && table.row(of: "b") == 1)
        #expect(table.queries == [TransferTable.none, TransferTable.none] && table.ranks[1] == 3)
        #expect(try table.image(1).source == "pool/ä")
    }

    @Test(arguments: ["{\"id\":\"a\",", "{\"source\":\"x\"}", "[1]", "{\"id\":\"a\" \"b\":1}"])
    func `a damaged row is located`(_ line: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("{\"id\":\"good\",\"source\":\"s\"}\n\(line)\n", to: "transfer-set.jsonl")
        let problem = try #require(throws: Diagnostic.self) { try TransferTable(folder.url) }
        #expect(problem.location?.line == 2 && problem.exitCode == .badData)
        #expect(problem.location?.file.hasSuffix("transfer-set.jsonl") == true)
    }

    @Test func `a folder without a transfer set is named`() throws {
        let folder = try TemporaryFolder()
        let problem = try #require(throws: Diagnostic.self) { try TransferTable(folder.url) }
        #expect(problem.exitCode == .inputMissing && problem.message.contains("transfer-set.jsonl"))
    }

    @Test func `an empty set is a set`() throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: "transfer-set.jsonl")
        let set = try InspectedSet(folder.url)
        #expect(set.table.count == 0 && set.table.row(of: "a") == nil)
        #expect(Balance(set, rows: 0..<0).queryCount == 0)
    }
}

@Suite struct SelectorTests {
    @Test(arguments: ImageFilter.Sort.allCases)
    func `every order is that of a plain sort`(_ sort: ImageFilter.Sort) throws {
        let inspected = try Inspected()
        let table = inspected.site.set.table
        var filter = ImageFilter()
        filter.sort = sort
        filter.seed = 7
        let rows = try inspected.site.selector.rows(filter, marks: Marks()).map { Int($0) }
        #expect(rows.sorted() == Array(0..<table.count))
        let values = try rows.map { try table.image($0) }
        switch sort {
        case .file: #expect(rows == Array(0..<table.count))
        case .low: #expect(values.map { $0.similarity ?? 0 } == values.compactMap(\.similarity).sorted())
        case .high:
            #expect(values.map { $0.similarity ?? 0 } == values.compactMap(\.similarity).sorted(by: >))
        case .rank: #expect(values.compactMap(\.rank) == values.compactMap(\.rank).sorted())
        case .width: #expect(values.compactMap(\.width) == values.compactMap(\.width).sorted())
        case .query: #expect(Set(values.prefix(5).map(\.query)).count == 1)
        case .random: #expect(rows != Array(0..<table.count))
        case .hubs:
            let queries = inspected.site.set.queries
            let near = values.map { queries.queries(near: $0.id).count }
            #expect(
                near == near.sorted(by: >)
                    && near == queries.occurrenceCounts(of: table.ids).sorted(by: >).map(Int.init))
        // No teacher was asked.
        case .entropy: #expect(rows == Array(0..<table.count))
        }
    }

    @Test func `images of which the teacher was least sure come first, and those it never saw last`() throws {
        let inspected = try Inspected()
        let table = inspected.site.set.table
        let ids = try [4, 9, 2].map { try table.image($0).id }
        let set = try InspectedSet(
            inspected.fake.folder, entropies: Dictionary(uniqueKeysWithValues: zip(ids, [0.5, 1.5, 0.1])))
        var filter = ImageFilter()
        filter.sort = .entropy
        let rows = try Selector(set).rows(filter, marks: Marks())
        #expect(rows.prefix(4) == [9, 4, 2, 0] && rows.count == table.count)
    }

    @Test func `filters take the images that a plain filter takes`() throws {
        let inspected = try Inspected()
        let table = inspected.site.set.table
        var marks = Marks()
        marks.add(MarkEntry(id: try table.image(3).id, mark: .reject))
        marks.add(MarkEntry(id: try table.image(9).id, mark: .accept))
        marks.add(MarkEntry(id: try table.image(9).id, mark: .none))
        func count(_ query: String, _ wanted: (TransferRow) -> Bool) throws {
            let filter = try ImageFilter(Fields(query))
            let rows = try inspected.site.selector.rows(filter, marks: marks)
            let expected = try (0..<table.count).filter { wanted(try table.image($0)) }
            #expect(Set(rows.map { Int($0) }) == Set(expected), "\(query)")
        }
        try count("class=bus") { $0.queryClass == "bus" }
        try count("min=0.8&max=0.85") { (0.8...0.85).contains($0.similarity ?? 0) }
        try count("query=query7") { $0.query == "query7" }
        try count("query=camel%2F10") { $0.query == "query10" }
        try count("mark=reject") { marks[$0.id] == .reject }
        try count("mark=no&class=apple") { marks[$0.id] == nil && $0.queryClass == "apple" }
        try count("dataset=pool&sort=low") { $0.dataset == "pool" }
        try count("class=nothing") { _ in false }
        let filter = try ImageFilter(Fields("sort=random&seed=3&class=bus&min=0.5"))
        #expect(try ImageFilter(filter.fields) == filter)
    }
}
