import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

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
            let names = record.files.filter { $0.role == .content }.map(\.path)
            for name in names + [ArtifactRecord.fileName] {
                let file = folder.appending(path: name)
                let whole = try Data(contentsOf: file)
                for offset in stride(from: 0, to: whole.count, by: 5) {
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
        options.threads += 1
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
        #expect(
            outcome.numerics.map(\.description) == [
                "processor none → abacus", "threads \(options.threads - 1) → \(options.threads)",
            ])
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
