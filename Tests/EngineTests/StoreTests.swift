import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct StoreTests {
    private func file(_ result: RunResult, _ node: String, _ name: String = FakeText.file) throws -> URL {
        URL(filePath: try #require(result.stages[node]?.artifact)).appending(path: name)
    }

    @Test(arguments: ["shortened", "removed", "record removed", "record torn"])
    func `a damaged artifact is named, put aside and made again`(_ damage: String) throws {
        let bench = try Bench()
        let first = try bench.run(everyday)
        let content = try file(first, "teacher")
        let record = try file(first, "teacher", ArtifactRecord.fileName)
        let how: String
        switch damage {
        case "shortened":
            try Data("short".utf8).write(to: content)
            how = "content.txt has 5 bytes instead of 64"
        case "removed":
            try FileManager.default.removeItem(at: content)
            how = "content.txt is missing"
        case "record removed":
            try FileManager.default.removeItem(at: record)
            how = "artifact.json is missing"
        default:
            try Data(Data(contentsOf: record).prefix(100)).write(to: record)
            how = "artifact.json is unreadable"
        }
        #expect(
            try bench.plan(bench.graph(everyday)).lines[1] == "teacher: RUN its artifact is damaged: \(how)")
        let sink = RecordingSink()
        let second = try bench.run(everyday, sink: sink)
        #expect(sink.messages == ["the artifact of 'teacher' is damaged: \(how)"])
        #expect(
            bench.states(second) == [
                "world": "cached", "teacher": "ran", "student": "cached", "eval": "cached",
            ])
        let aside = try FileManager.default.contentsOfDirectory(atPath: bench.store.path("quarantine"))
        #expect(aside == [content.deletingLastPathComponent().lastPathComponent])
    }

    @Test func `verification reads every byte`() throws {
        let bench = try Bench()
        let result = try bench.run(everyday)
        let key = try bench.record(result, "teacher").key
        guard case .present = try bench.store.verify(key) else {
            Issue.record("an untouched artifact must be whole")
            return
        }
        let content = try file(result, "teacher")
        var bytes = try Data(contentsOf: content)
        bytes[3] ^= 1
        try bytes.write(to: content)
        guard case .present = bench.store.status(of: key) else {
            Issue.record("sizes alone cannot tell")
            return
        }
        guard case .damaged(let how) = try bench.store.verify(key) else {
            Issue.record("a changed bit must be found")
            return
        }
        #expect(how == "content.txt has other bytes than were published")
    }

    @Test func `where data lie is no part of the digest and may be rewritten`() throws {
        let bench = try Bench()
        try bench.folder.write("outside", to: "file.txt")
        let text = "data a: read-file path=file.txt\nb: length of=a"
        let result = try bench.run(text)
        let note = try file(result, "a", "source.json")
        #expect(try bench.record(result, "a").files.map(\.role) == [.content, .record])
        try Data("rewritten".utf8).write(to: note)
        #expect(try bench.store.damages(of: bench.record(result, "a").key) == [])
        #expect(try bench.plan(bench.graph(text)).lines == ["a: CACHED", "b: CACHED"])
        try FileManager.default.removeItem(at: try file(result, "b").deletingLastPathComponent())
        #expect(bench.states(try Bench(bench.folder).run(text)) == ["a": "cached", "b": "ran"])
        #expect(try String(contentsOf: note, encoding: .utf8) == bench.folder.appending("file.txt").path)
        try FileManager.default.removeItem(at: note)
        #expect(
            try bench.plan(bench.graph(text)).lines[0].hasSuffix(
                "its artifact is damaged: source.json is missing"))
    }

    @Test func `what is damaged twice is put aside twice`() throws {
        let bench = try Bench()
        let text = "data a: write text=a"
        for _ in 1...2 { try FileManager.default.removeItem(at: try file(try bench.run(text), "a")) }
        try bench.run(text)
        let key = try #require(bench.store.keys().first)
        let aside = try FileManager.default.contentsOfDirectory(atPath: bench.store.path("quarantine"))
        #expect(aside.sorted() == [key, "\(key)-2"])
    }

    @Test func `an artifact that came out different takes the old one's place`() throws {
        let bench = try Bench()
        try bench.folder.write("x", to: "chance")
        let result = try bench.run("data a: write text=a\nb: length of=a")
        // The same key with other bytes, as from a stage that is not deterministic.
        let old = try bench.record(result, "a")
        var new = old
        try bench.store.prepareWork(old.key)
        try Data("bb".utf8).write(
            to: URL(filePath: bench.store.outputPath(old.key)).appending(path: FakeText.file))
        new.files = try bench.store.settle(old.key, as: AnyArtifact.self)
        new.digest = ArtifactRecord.digest(of: new.files)
        try bench.store.publish(new)
        guard case .present(let found) = bench.store.status(of: old.key) else {
            Issue.record("the new artifact must be in the store")
            return
        }
        #expect(found.digest == new.digest)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: bench.store.path("quarantine")) == [old.key])
    }
}
