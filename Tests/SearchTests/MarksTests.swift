import Diagnostics
import Foundation
import Search
import Testing

@Suite struct MarksTests {
    private func marks(_ text: String) throws -> Marks {
        let folder = try TemporaryFolder()
        try Data(text.utf8).write(to: folder.file("marks.jsonl"))
        return try Marks(file: folder.file("marks.jsonl"))
    }

    @Test func `the last line of an image counts, and none takes it back`() throws {
        let marks = try marks(
            """
            {"id":"a","mark":"reject","time":"2026-11-21T12:00:00Z","by":"ada","note":"blurred"}
            {"id":"b","mark":"accept"}
            {"id":"a","mark":"accept","unheard_of":[1]}

            {"id":"c","mark":"leak"}
            {"id":"c","mark":"none"}
            {"id":"d","mark":"unsure"}
            {"id":"e","mark":"duplicate"}

            """)
        #expect(marks["a"] == .accept && marks["c"] == nil && marks["d"] == .unsure && marks["x"] == nil)
        #expect(marks.effective.map(\.id) == ["a", "b", "e"])
        #expect(marks.effective.map(\.mark) == [.accept, .accept, .duplicate])
        #expect(marks.warnings.isEmpty)
    }

    @Test func `a file that is not there holds nothing`() throws {
        let folder = try TemporaryFolder()
        #expect(try Marks(file: folder.file("none.jsonl")).effective.isEmpty)
    }

    @Test func `what a crash left of a line is passed over, then ended by the next writer`() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("marks.jsonl")
        try Data(#"{"id":"a","mark":"reject"}\#n{"id":"b","ma"#.utf8).write(to: file)
        let torn = try Marks(file: file)
        #expect(torn.effective.map(\.id) == ["a"])
        #expect(torn.warnings == ["\(file.path):2: the line stops short and is passed over"])
        // As the next writer ends it.
        try Data(#"{"id":"a","mark":"reject"}\#n{"id":"b","ma\#n{"id":"c","mark":"leak"}\#n"#.utf8).write(
            to: file)
        #expect(try Marks(file: file).effective.map(\.id) == ["a", "c"])
    }

    @Test func `a line that is no mark is an error with its place`() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("marks.jsonl")
        for line in ["hello", #"{"id":"a","mark":"perhaps"}"#, #"{"mark":"accept"}"#] {
            try Data("{\"id\":\"z\",\"mark\":\"accept\"}\n\(line)\n{\"id\":\"y\",\"mark\":\"accept\"}\n".utf8)
                .write(to: file)
            let error = try #require(throws: Diagnostic.self) { try Marks(file: file) }
            #expect(
                error.description == """
                    \(file.path):2:1: error: this line is no mark
                      hint: a line is {"id": "<content id>", "mark": \
                    "accept"|"reject"|"duplicate"|"leak"|"unsure"|"none"}
                    """)
        }
    }
}
