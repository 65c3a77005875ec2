import Diagnostics
import Foundation
import Testing

@testable import Report

@Suite struct TransferSetInspectorTests {
    @Test func `the text tells the whole set on one screen`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            fake.classes = ["apple", "bus"]
            fake.queriesPerClass = 3
            _ = try fake.write()
            let text = try TransferSetInspector(artifact: root.appending(path: "store/curate-balanced"))
                .text()
            let expected = [
                "Transfer set curate-balanced: 32 images, 6 queries, 2 classes",
                "  pool           20,999        −2  ████████████████████████  two files could not be decoded",
                "  final              32   −10,388  █",
                "  64×64              20    62.5 %",
                "  class            images  queries  similarity",
                "  apple                16        3       0.8",
                "  min 5   max 6   mean 5.33   Gini 0.042   effective queries 6.0",
                "  found in the pool: 2 exact, 4 perceptual, 3 embedding (similarity ≥ 0.95); in the transfer set: 0",
                "  3 kept out until a mark decides: accept or leak",
                "Most similar", "Least similar",
            ]
            for line in expected {
                #expect(text.contains("\n\(line)") || text.hasPrefix(line), "\(line)\n\(text)")
            }
            let lines = text.split(whereSeparator: \.isNewline)
            #expect(lines.dropFirst(2).allSatisfy { $0.count <= 100 })
        }
    }

    @Test func `the page shows every part and loads nothing from elsewhere`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            _ = try fake.write()
            let provider = GreyThumbnails()
            let inspector = try TransferSetInspector(artifact: root.appending(path: "store/curate-balanced"))
            let output = root.appending(path: "inspect")
            var options = TransferSetInspector.Options()
            options.queryLimit = 20
            let file = try inspector.writeStatic(to: output, thumbnails: provider, options: options)

            let outline = PageOutline.check(try String(contentsOf: file, encoding: .utf8))
            for id in ["funnel", "images", "queries", "similarity", "balance", "leakage", "sheet", "rows"] {
                #expect(outline.ids.contains(id))
            }
            let pictures = outline.references.filter { $0.hasPrefix("thumbs/") }
            #expect(!pictures.isEmpty)
            for picture in pictures {
                #expect(FileManager.default.fileExists(atPath: output.appending(path: picture).path))
            }
            #expect(provider.asked.contains("target/test/bus/000.png"), "the other side of a leakage pair")
            #expect(outline.text.contains("20 of 160 queries"))
        }
    }

    @Test func `the contact sheet's rows are JSON the script can read`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            _ = try fake.write()
            let inspector = try TransferSetInspector(artifact: root.appending(path: "store/curate-best"))
            var options = TransferSetInspector.Options()
            options.imageLimit = 100
            let output = root.appending(path: "inspect")
            try inspector.writeStatic(to: output, thumbnails: GreyThumbnails(), options: options)
            let page = try String(contentsOf: output.appending(path: "index.html"), encoding: .utf8)
            let match = try #require(
                page.firstMatch(of: /<script id="rows" type="application\/json">(.*?)<\/script>/))
            let data = try JSONDecoder().decode(Sheet.self, from: Data(match.1.utf8))
            #expect(data.rows.count == 100)
            #expect(data.classes == fake.classes)
            #expect(
                data.rows.allSatisfy {
                    data.queries.indices.contains($0.q ?? -1) && $0.f?.hasPrefix("thumbs/") == true
                })
            #expect(data.queries.first?.s == "target/train/apple/000.png")
        }
    }

    @Test func `a set with nothing but its rows is shown too`() throws {
        try withTemporaryFolder { root in
            let row = #"{"id":"a","source":"pool/\#(Self.hostileJSON)","query_class":"\#(Self.hostileJSON)"}"#
            try Data(row.utf8).write(to: root.appending(path: "transfer-set.jsonl"))
            let inspector = try TransferSetInspector(artifact: root)
            #expect(!inspector.text().contains("\u{1B}"), "a file name must not steer the terminal")
            let file = try inspector.writeStatic(
                to: root.appending(path: "inspect"), thumbnails: GreyThumbnails())
            let outline = PageOutline.check(try String(contentsOf: file, encoding: .utf8))
            #expect(outline.elements["script"] == 2)
            #expect(outline.text.contains("No check against evaluated images is recorded"))
        }
    }

    @Test func `an artifact of another kind is refused`() throws {
        try withTemporaryFolder { root in
            let error = try #require(throws: Diagnostic.self) { try TransferSetInspector(artifact: root) }
            #expect(error.message == "\(root.path) holds no transfer-set.jsonl")
            #expect(error.exitCode == .inputMissing)
        }
    }

    @Test func `a leak that is in the set is called one`() throws {
        try withTemporaryFolder { root in
            try Data(#"{"id":"a","source":"pool/1.jpg"}"#.utf8).write(
                to: root.appending(path: "transfer-set.jsonl"))
            let pair =
                #"{"id":"a","source":"pool/1.jpg","other":"target/test/1.png","similarity":1,"split":"test"}"#
            try Data(#"{"exact":1,"near":0,"excluded_exact":0,"excluded_near":0,"pairs":[\#(pair)]}"#.utf8)
                .write(to: root.appending(path: "leakage.json"))
            let inspector = try TransferSetInspector(artifact: root)
            #expect(inspector.text().contains("LEAK pool/1.jpg = target/test/1.png (test)"))
            let file = try inspector.writeStatic(
                to: root.appending(path: "inspect"), thumbnails: GreyThumbnails())
            #expect(try String(contentsOf: file, encoding: .utf8).contains("leaks remain"))
        }
    }

    @Test func `a comparison with nothing certifies nothing`() throws {
        try withTemporaryFolder { root in
            try Data(#"{"id":"a","source":"pool/1.jpg"}"#.utf8).write(
                to: root.appending(path: "transfer-set.jsonl"))
            try Data(#"{"exact":0,"near":0,"excluded_exact":0,"excluded_near":0,"pairs":[]}"#.utf8)
                .write(to: root.appending(path: "leakage.json"))
            try Data(
                #"{"node":"curate","inputs":[{"name":"queries","node":"target","selector":"train"}]}"#.utf8
            )
            .write(to: root.appending(path: "artifact.json"))
            let inspector = try TransferSetInspector(artifact: root)
            #expect(inspector.text().contains("not checked"))
            let file = try inspector.writeStatic(
                to: root.appending(path: "inspect"), thumbnails: GreyThumbnails())
            #expect(try !String(contentsOf: file, encoding: .utf8).contains("certified\">"))
        }
    }

    @Test func `queries are spread evenly over their classes`() {
        let queries = (0..<100).map { number in
            QueryNeighbours(
                id: "\(number)", source: "t/\(number)", className: number < 90 ? "common" : "rare",
                label: nil,
                neighbours: [])
        }
        let chosen = queries.spreadOverClasses(30)
        #expect(chosen.count == 30)
        #expect(chosen.count { $0.className == "rare" } == 10)
    }

    private static let hostileJSON = #"</script><b onclick='x'>\u001b[31m&amp;]]>\" \u0000"#

    private struct Sheet: Decodable {
        struct Query: Decodable { var s: String }
        struct Row: Decodable {
            var f: String?
            var q: Int?
        }
        var classes: [String]
        var queries: [Query]
        var rows: [Row]
    }
}
