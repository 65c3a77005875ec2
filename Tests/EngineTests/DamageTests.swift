import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

/// Reads what its input was made from, by way of the store.
private struct Peek: Stage {
    static let name: StageName = "peek"
    static let revision = 1
    static let summary = "Looks behind its input."
    @Input("What is looked behind.") var of: FakeText
    func run(in context: StageContext) throws -> FakeText {
        guard let near = context.location(of: "of")?.directory else { return of }
        for input in try ArtifactRecord.read(at: near).inputs {
            let folder = context.store.appending(path: input.key)
            for file in ["metrics.jsonl", "unknown.txt"] { try ArtifactRecord.confirm(file, of: folder) }
        }
        return try FakeText.write(of.text, in: context)
    }
}

/// A store in which bits fall over.
@Suite struct DamageTests {
    private func flip(_ file: URL, at offset: Int) throws {
        var bytes = try Data(contentsOf: file)
        bytes[offset] ^= 0x10
        try bytes.write(to: file)
    }

    @Test func `every bit of every file counts, the record's too`() throws {
        let bench = try Bench()
        let result = try bench.run(everyday)
        var flipped = 0
        for node in result.stages.keys.sorted() {
            let record = try bench.record(result, node)
            let folder = bench.store.folder(of: record.key)
            let names = record.files.map(\.path)
            if ["teacher", "student"].contains(node) { #expect(names.contains("metrics.jsonl")) }
            for name in names + [ArtifactRecord.fileName] {
                let file = folder.appending(path: name)
                let whole = try Data(contentsOf: file)
                // Metrics are many lines alike.
                for offset in stride(from: 0, to: whole.count, by: name == "metrics.jsonl" ? 97 : 5) {
                    try flip(file, at: offset)
                    let damages = try bench.store.damages(of: record.key)
                    let isSpace = name == ArtifactRecord.fileName && [0x20, 0x0A].contains(whole[offset])
                    // A blank between two words of JSON means nothing.
                    if !isSpace { #expect(damages.map(\.file) == [name], "\(node) \(name) \(offset)") }
                    try whole.write(to: file)
                    flipped += 1
                }
                #expect(try bench.store.damages(of: record.key) == [])
            }
        }
        #expect(flipped > 500)
    }

    @Test func `a stage does not read a changed bit: the artifact is put aside and made again`() throws {
        let bench = try Bench()
        let text = everyday
        let first = try bench.run(text)
        let expected = try bench.text(first, "student")
        let teacher = try bench.record(first, "teacher")
        try FileManager.default.removeItem(at: bench.store.folder(of: try bench.record(first, "student").key))
        try flip(bench.store.folder(of: teacher.key).appending(path: FakeText.file), at: 3)
        // Another process: this one knows what it wrote.
        let again = try Bench(bench.folder)
        let failed = try again.run(text)
        #expect(failed.exitCode == .badData)
        #expect(
            failed.stages["student"]?.message == """
                test.yml:3:1: error: the artifact of 'teacher' is damaged: content.txt has other bytes than were \
                published
                  hint: it was moved to \(bench.store.path("quarantine/\(teacher.key)")); run again, and it is made \
                again
                """)
        let last = try Bench(bench.folder).run(text)
        #expect(bench.states(last)["teacher"] == "ran")
        #expect(try bench.text(last, "student") == expected)
    }

    @Test(arguments: [true, false])
    func `a damaged record is found on reading, a shorter one by the plan, and both are made again`(
        _ isShorter: Bool
    ) throws {
        let bench = try Bench()
        let first = try bench.run(everyday)
        let expected = try bench.text(first, "student")
        let key = try bench.record(first, "teacher").key
        try FileManager.default.removeItem(at: bench.store.folder(of: try bench.record(first, "student").key))
        let file = bench.store.folder(of: key).appending(path: "metrics.jsonl")
        if isShorter {
            let bytes = try Data(contentsOf: file)
            try bytes.dropLast().write(to: file)
            let finding = "metrics.jsonl has \(bytes.count - 1) bytes instead of \(bytes.count)"
            #expect(try bench.store.damages(of: key).map(\.description) == [finding])
            #expect(
                try bench.plan(bench.graph(everyday)).lines[1]
                    == "teacher: RUN its artifact is damaged: \(finding)")
        } else {
            try flip(file, at: 20)
            #expect(try bench.store.damages(of: key).map(\.file) == ["metrics.jsonl"])
            #expect(
                try bench.plan(bench.graph(everyday)).lines[1] == "teacher: CACHED",
                "sizes alone are looked at")
            let failed = try Bench(bench.folder).run(everyday)
            #expect(failed.exitCode == .badData)
            #expect(
                failed.stages["student"]?.message?.contains(
                    "the artifact of 'teacher' is damaged: metrics.jsonl has other bytes than were published")
                    == true)
        }
        let last = try Bench(bench.folder).run(everyday)
        #expect(bench.states(last)["teacher"] == "ran")
        #expect(try bench.text(last, "student") == expected)
        #expect(try bench.store.damages(of: key) == [])
    }

    @Test func `what is read by way of another artifact is compared by the stage, and put aside`() throws {
        let bench = try Bench()
        let text = "data world: splits\na: train data=world.train steps=3\nb: length of=a\nc: peek of=b"
        let graph = try Graph(pipeline(text, in: bench.folder.url), catalog: fakeStages + [Peek.self])
        #expect(try bench.run(graph).ok)
        let key = try #require(try bench.plan(graph).stages.first { $0.node == "a" }?.key)
        let peek = try #require(try bench.plan(graph).stages.last?.key)
        try FileManager.default.removeItem(at: bench.store.folder(of: peek))
        try flip(bench.store.folder(of: key).appending(path: "metrics.jsonl"), at: 20)
        let failed = try Bench(bench.folder).run(graph)
        #expect(failed.exitCode == .badData)
        #expect(
            failed.stages["c"]?.message == """
                test.yml:4:1: error: the artifact of 'a' is damaged: metrics.jsonl has other bytes than were published
                  hint: it was moved to \(bench.store.path("quarantine/\(key)")); run again, and it is made again
                """)
        let last = try Bench(bench.folder).run(graph)
        #expect(bench.states(last) == ["world": "cached", "a": "ran", "b": "cached", "c": "ran"])
    }

    @Test func `a stage that is forced replaces what was damaged, though it makes the same`() throws {
        let bench = try Bench()
        let first = try bench.run(everyday)
        let key = try bench.record(first, "teacher").key
        try flip(bench.store.folder(of: key).appending(path: FakeText.file), at: 3)
        try bench.run(bench.graph(everyday), plan: { $0.force = ["teacher"] })
        #expect(try bench.store.damages(of: key) == [])
        let aside = try FileManager.default.contentsOfDirectory(atPath: bench.store.path("quarantine"))
        #expect(aside == [key])
        try bench.run(bench.graph(everyday), plan: { $0.force = ["teacher"] })
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.store.path("quarantine")) == aside)
    }

    @Test func `only what is read is compared`() throws {
        let bench = try Bench()
        let text = "data world: splits\nteacher: train data=world.train steps=3"
        let first = try bench.run(text)
        let world = bench.store.folder(of: try bench.record(first, "world").key)
        try FileManager.default.removeItem(at: bench.store.folder(of: try bench.record(first, "teacher").key))
        try flip(world.appending(path: "splits/val.txt"), at: 0)
        #expect(try Bench(bench.folder).run(text).ok)
        #expect(try bench.store.damages(of: world.lastPathComponent).map(\.file) == ["splits/val.txt"])
    }

    @Test func `a record names what the bits may depend on`() throws {
        let bench = try Bench()
        let record = try bench.record(bench.run("data a: write text=a"), "a")
        #expect(record.numerics?["device"] == "cpu")
        #expect(record.numerics?["retort"] == ProductVersion.current)
        #expect(record.seal == (try record.expectedSeal()))
    }
}

@Suite struct ReplayTests {
    @Test func `a stage that is executed again makes the same bytes, and leaves nothing`() throws {
        let bench = try Bench()
        try bench.run(everyday)
        let before = try bench.folder.files()
        let replay = Replay(bench.store)
        let candidates = replay.candidates(fakeStages)
        #expect(candidates.map(\.node) == ["world", "teacher", "student", "eval"])
        for candidate in candidates { #expect(try replay.run(candidate).files == []) }
        #expect(try bench.folder.files() == before)
    }

    @Test func `other bytes are named, with the facts that differ`() throws {
        let bench = try Bench()
        let result = try bench.run(everyday)
        let folder = bench.store.folder(of: try bench.record(result, "teacher").key)
        try Data("other".utf8).write(to: folder.appending(path: FakeText.file))
        var options = ExecutionOptions()
        options.numerics = ["processor": "abacus"]
        let replay = Replay(bench.store, options: options)
        // As if it had been made so: the record is the truth that is compared with.
        var record = try bench.record(result, "teacher")
        record.files[0].sha256 = SHA256.digest(of: "other")
        record.seal = try record.expectedSeal()
        try CanonicalJSON.document(record).write(to: folder.appending(path: ArtifactRecord.fileName))
        let candidate = try #require(replay.candidates(fakeStages).first { $0.node == "teacher" })
        let outcome = try replay.run(candidate)
        #expect(outcome.files == [FakeText.file])
        #expect(!outcome.isSame)
        #expect(outcome.numerics.map(\.description) == ["processor none → abacus"])
    }

    @Test func `a replay takes the threads of the record, and any name for a name of content`() throws {
        let bench = try Bench()
        let spec = pipeline("data a: scraps", in: bench.folder.url)
        let graph = try Graph(spec, catalog: [FakeScraps.self])
        let threads = ExecutionOptions().threads + 3
        let result = try bench.run(graph) { $0.execution.threads = threads }
        let record = try bench.record(result, "a")
        #expect(record.files.map(\.path) == ["content.txt", "x.tmp"])
        let replay = Replay(bench.store)
        let outcome = try replay.run(try #require(replay.candidates([FakeScraps.self]).first))
        #expect(outcome.files == [])
        #expect(outcome.numerics == [])
    }

    @Test func `what cannot be made as it was is left out`() throws {
        let bench = try Bench()
        try bench.folder.write("outside", to: "file.txt")
        try bench.run("data a: read-file path=file.txt\nb: length of=a")
        #expect(Replay(bench.store).candidates(fakeStages).map(\.node) == ["a", "b"])
        try bench.folder.write("changed", to: "file.txt")
        #expect(Replay(bench.store).candidates(fakeStages).map(\.node) == ["b"])
    }
}

/// Writes how many threads it was given, a file that is called like scraps, and scraps.
private struct FakeScraps: Stage {
    static let name: StageName = "scraps"
    static let revision = 1
    static let summary = "Writes scraps."
    static let section = PipelineSection.data
    init() {}
    func run(in context: StageContext) throws -> FakeText {
        for name in ["x.tmp", ".content.txt.tmp"] {
            try Data("x".utf8).write(to: context.output.appending(path: name))
        }
        return try FakeText.write("\(context.execution.threads)", in: context)
    }
}
