import Diagnostics
import Foundation
import Report
import Search
import TestSupport
import Testing

@testable import Inspector

@Suite struct MarksTests {
    private func entry(_ id: String, _ mark: Mark, _ time: String = "2026-11-21T12:00:00Z") -> MarkEntry {
        MarkEntry(id: id, mark: mark, time: time, by: "me")
    }

    @Test func `the last line of an image counts, and none takes it back`() throws {
        let folder = try TemporaryFolder()
        let file = folder.appending("marks/a.jsonl")
        try AppendedLines(file).append([entry("x", .reject), entry("y", .accept), entry("z", .unsure)])
        try AppendedLines(file).append([entry("x", .none), entry("y", .leak)])
        let marks = try Marks(file: file)
        #expect(marks["x"] == nil && marks["y"] == .leak && marks["z"] == .unsure)
        #expect(marks.effective.map(\.id) == ["y"])
        #expect(marks.history(of: "x").map(\.mark) == [.reject, .none])
    }

    @Test func `half a last line is passed over, and ended before the next`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            #"{"by":"a","id":"x","mark":"accept","time":"t","new":1}"# + "\n" + #"{"id":"y","ma"#,
            to: "m.jsonl")
        let marks = try Marks(file: file)
        #expect(marks["x"] == .accept && marks.isOpen)
        #expect(marks.warnings == ["\(file.path):2: the line stops short and is passed over"])
        try AppendedLines(file).append([entry("z", .reject)])
        let mended = try Marks(file: file)
        #expect(mended["z"] == .reject && mended.entries.count == 2 && !mended.isOpen)
        #expect(mended.warnings == marks.warnings)
    }

    @Test func `a line that an editor left without an end counts, and stays`() throws {
        let folder = try TemporaryFolder()
        let url = try folder.write(#"{"id":"x","mark":"reject"}"#, to: "m.jsonl")
        let file = try MarksFile(url, user: "me")
        #expect(try file.current()["x"] == .reject)
        try file.set(.accept, of: "y")
        #expect(try file.current().entries.map(\.id) == ["x", "y"])
        #expect(try Marks(file: url).effective.map(\.id) == ["x", "y"])
    }

    @Test func `a damaged line is located`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            #"{"by":"a","id":"x","mark":"accept","time":"t"}"# + "\n" + #"{"id":"y","mark":"maybe"}"# + "\n",
            to: "m.jsonl")
        let problem = try #require(throws: Diagnostic.self) { try Marks(file: file) }
        #expect(problem.location == SourceLocation(file.path, 2, 1) && problem.exitCode == .badData)
    }

    @Test func `what others append is seen`() throws {
        let folder = try TemporaryFolder()
        let url = folder.appending("m.jsonl")
        let file = try MarksFile(url, user: "me")
        #expect(try file.current().entries.isEmpty)
        try AppendedLines(url).append([entry("x", .reject)])
        #expect(try file.current()["x"] == .reject)
        #expect(try file.set(.accept, of: "x") == .reject)
        #expect(try file.current()["x"] == .accept && file.current().entries.last?.by == "me")
        try Data().write(to: url)
        #expect(try file.current()["x"] == nil)
    }

    @Test func `many writers at once lose nothing`() throws {
        let folder = try TemporaryFolder()
        let url = folder.appending("m.jsonl")
        DispatchQueue.concurrentPerform(iterations: 8) { writer in
            for number in 0..<25 {
                let line = MarkEntry(
                    id: "\(writer)-\(number)", mark: .reject, time: "t",
                    by: String(repeating: "x", count: 99))
                try? AppendedLines(url).append([line])
            }
        }
        #expect(Set(try Marks(file: url).entries.map(\.id)).count == 200)
    }

    @Test func `merging orders by time and keeps each line once`() throws {
        let folder = try TemporaryFolder()
        let (a, b, c) = (folder.appending("a"), folder.appending("b"), folder.appending("c"))
        try AppendedLines(a).append([entry("x", .reject, "2026-01-01"), entry("y", .accept, "2026-01-03")])
        try AppendedLines(b).append([entry("x", .accept, "2026-01-02"), entry("x", .reject, "2026-01-01")])
        #expect(try MarksReview.merge([a, b], into: c) == 3)
        let marks = try Marks(file: c)
        #expect(
            marks["x"] == .accept && marks.entries.map(\.time) == ["2026-01-01", "2026-01-02", "2026-01-03"])
    }

    @Test func `a review says what leaves, enters and stays out`() throws {
        let inspected = try Inspected()
        let table = inspected.site.set.table
        let file = inspected.options.marks
        try AppendedLines(file).append([
            entry(try table.image(0).id, .reject), entry(try table.image(1).id, .duplicate),
            entry(try table.image(20).id, .accept), entry(FakeSet.id(5), .accept),
            entry(FakeSet.id(6), .leak),
        ])
        let review = try MarksReview(marks: file, artifact: inspected.fake.folder)
        #expect(review.leaving == 2 && review.entering == 1 && review.barred == 1)
        #expect(review.queries == ["query0": 2])
        #expect(review.classes.first?.marks == ["reject": 1, "duplicate": 1])
    }
}
