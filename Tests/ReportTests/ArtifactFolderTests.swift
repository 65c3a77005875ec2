import Diagnostics
import Foundation
import Testing

@testable import Report

@Suite struct ArtifactFolderTests {
    @Test func `a file that is not there is nil`() throws {
        try withTemporaryFolder { url in
            let folder = ArtifactFolder(url: url)
            let value = try folder.json("leakage.json", as: Leakage.self)
            let rows = try folder.rows("dropped.jsonl", as: DroppedImage.self)
            #expect(value == nil)
            #expect(rows == nil)
        }
    }

    @Test func `a damaged row is located`() throws {
        try withTemporaryFolder { url in
            let file = url.appending(path: "dropped.jsonl")
            try Data("{\"id\":\"a\",\"source\":\"s\",\"step\":\"p\",\"reason\":\"r\"}\n{\"id\":\"b\"}\n".utf8)
                .write(to: file)
            let error = try #require(throws: Diagnostic.self) {
                try ArtifactFolder(url: url).rows("dropped.jsonl", as: DroppedImage.self)
            }
            #expect(
                error.description == """
                    \(file.path):2:1: error: cannot read this row: 'source' is missing
                      hint: the artifact is damaged; run the stage that made it again
                    """)
            #expect(error.exitCode == .badData)
        }
    }

    @Test func `a record may end in half a row, and losses may be infinite`() throws {
        try withTemporaryFolder { url in
            let text = """
                {"stage":"s","step":1,"time":0,"name":"loss","value":"inf"}
                {"stage":"s","step":2,"time":0,"name":"loss","value":0.5}
                {"stage":"s","st
                """
            try Data(text.utf8).write(to: url.appending(path: "metrics.jsonl"))
            let rows = try ArtifactFolder(url: url).rows("metrics.jsonl", as: MetricRow.self, isRecord: true)
            #expect(rows?.map(\.value) == [.infinity, 0.5])
        }
    }

    @Test func `facts of any shape become one line`() throws {
        let json = #"{"a": true, "b": 20999, "c": 0.25, "d": "x", "e": [1, "y"], "f": {"k": null}}"#
        let facts = try JSONDecoder().decode([String: Scalar].self, from: Data(json.utf8))
        #expect(
            facts.mapValues(\.description) == [
                "a": "yes", "b": "20,999", "c": "0.25", "d": "x", "e": "1, y", "f": "k none",
            ])
    }

    @Test func `balance is computed where it was not stored`() throws {
        let rows = try [("q1", 3), ("q2", 1)].flatMap { query, count in
            try (0..<count).map { number in
                try JSONDecoder().decode(
                    TransferRow.self,
                    from: Data(
                        #"{"id":"\#(query)\#(number)","source":"pool/x","query":"\#(query)","query_class":"c"}"#
                            .utf8))
            }
        }
        let balance = Balance(of: rows)
        #expect(balance.perClass == ["c": 4])
        let perQuery = try #require(balance.perQuery)
        #expect([perQuery.min, perQuery.max, perQuery.mean, perQuery.gini] == [1, 3, 2, 0.25])
        #expect(abs(perQuery.effective - exp(0.25 * log(4.0) + 0.75 * log(4.0 / 3))) < 1e-12)
    }

    @Test func `a source names its data set and its member`() {
        let image = ImageReference(id: "a", source: "pool/pool-000000.tar#x/1.jpg")
        #expect(image.dataset == "pool")
        #expect(image.member == "pool-000000.tar#x/1.jpg")
    }

    @Test func `thumbnail files have harmless, distinct names`() {
        let names = ["a/b", "a/c", "../../etc/passwd", "猫", ""].map(ThumbnailFolder.fileName)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.wholeMatch(of: /[a-z0-9]+\.jpg/) != nil })
    }

    @Test func `pictures stop when their budget is spent`() {
        let sink = InlineThumbnails(GreyThumbnails(), side: 8, budget: 600)
        let shown = (0..<5).map { sink.location(of: ImageReference(id: "\($0)", source: "pool/\($0)")) }
        #expect(shown.map { $0 != nil } == [true, true, false, false, false])
    }
}
