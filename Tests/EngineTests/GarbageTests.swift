import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct GarbageTests {
    private func plan(
        _ bench: Bench, _ rules: GarbageRules = GarbageRules(), days: Double = 0
    ) throws -> GarbagePlan {
        try GarbagePlan(bench.store, rules, now: systemSeconds() + days * 86400)
    }

    private func lines(_ plan: GarbagePlan) -> [String] {
        plan.items.map { "\($0.name): \($0.reason)" + $0.consequences.map { " | \($0)" }.joined() }
    }

    private let text = "data a: write text=aaa\nb: length of=a"

    @Test func `nothing goes that a pipeline wants, and what no run refers to does`() throws {
        let bench = try Bench()
        try bench.run(text)
        #expect(try plan(bench).items == [])
        // Another text: the first artifact is remembered by no node, but the first run links to it.
        let second = try bench.run("data a: write text=bbb\nb: length of=a")
        #expect(try plan(bench).items == [])
        let first = try #require(RunHistory(bench.store).identifiers().last)
        let kept = try plan(bench, GarbageRules(keptRuns: 1))
        #expect(
            Set(lines(kept)) == [
                "run of test: not among the newest | it can no longer be resumed, shown or compared",
                "a (write): no run refers to it", "b (length): no run refers to it",
            ])
        #expect(kept.items.first?.path == "runs/\(first)")
        #expect(try kept.delete() == kept.items)
        #expect(RunHistory(bench.store).identifiers() == [second.run])
        #expect(bench.store.keys().count == 2)
        #expect(
            bench.states(try bench.run(text.replacing("aaa", with: "bbb"))).values.allSatisfy {
                $0 == "cached"
            })
    }

    @Test func `what was not used for long goes, and its loss is told`() throws {
        let bench = try Bench()
        let result = try bench.run(text)
        let seconds = try ["a", "b"].map { try bench.record(result, $0).timings.seconds }
        #expect(try plan(bench, GarbageRules(age: 30 * 86400), days: 29).items == [])
        let old = try plan(bench, GarbageRules(age: 30 * 86400), days: 31)
        #expect(old.items.count == 3)
        #expect(
            Set(lines(old)) == [
                "run of test: began 31 days ago | it can no longer be resumed, shown or compared",
                "a (write): last used 31 days ago | a (test) must be made again, which took \(seconds[0]) s",
                "b (length): last used 31 days ago | b (test) must be made again, which took \(seconds[1]) s",
            ])
        // A clock that was set back deletes nothing.
        #expect(try plan(bench, GarbageRules(age: 30 * 86400), days: -400).items == [])
        _ = try old.delete()
        #expect(bench.store.keys() == [])
        #expect(bench.states(try bench.run(text)) == ["a": "ran", "b": "ran"])
    }

    @Test func `a size limit takes what was used longest ago, and never what is pinned`() throws {
        let bench = try Bench()
        let long = String(repeating: "x", count: 5000)
        let first = try bench.run("data a: write text=\(long)")
        try bench.run("data b: write text=\(long)y")
        let before = try plan(bench)
        let half = try plan(bench, GarbageRules(size: before.bytes - 1))
        #expect(half.items.map(\.name) == ["a (write)"])
        #expect(half.items[0].bytes > 5000)
        #expect(half.items[0].consequences.count == 2)
        #expect(half.items[0].consequences[1] == "\(first.run) can no longer show it")
        try Pins(bench.store).add(Pin(key: try bench.record(first, "a").key, name: "a of the first"))
        let other = try plan(bench, GarbageRules(size: before.bytes - 1))
        #expect(other.items.map(\.name) == ["b (write)"])
        #expect(other.pins.map(\.name) == ["a of the first"])
        #expect(try plan(bench, GarbageRules(size: 0)).items.map(\.name) == ["b (write)"])
    }

    @Test func `a pin keeps a run, and what a pinned artifact was made from`() throws {
        let bench = try Bench()
        let first = try bench.run(everyday)
        try bench.run("data a: write text=a")
        let pins = Pins(bench.store)
        try pins.add(Pin(key: try bench.record(first, "student").key, name: "the student"))
        let rules = GarbageRules(keptRuns: 0, age: 0)
        let rest = try plan(bench, rules, days: 1)
        let gone = Set(rest.items.filter { $0.path.hasPrefix("store/") }.map(\.name))
        #expect(gone == ["a (write)", "eval (measure)"])
        try pins.add(Pin(run: first.run))
        let items = try plan(bench, rules, days: 1).items
        #expect(!items.contains { $0.path == "runs/\(first.run)" || $0.name == "eval (measure)" })
        #expect(try pins.all().count == 2)
        #expect(try pins.remove(Pin(run: first.run)))
        #expect(try !pins.remove(Pin(run: first.run)))
        try bench.folder.write("{", to: "Artifacts/pins/artifact-x.json")
        #expect(throws: Diagnostic.self) { try plan(bench, rules) }
    }

    @Test func `unfinished work that is let go can no longer be resumed`() throws {
        let bench = try Bench()
        let stop = StopRequest()
        try bench.run(
            bench.graph(everyday), stop: stop, sink: RecordingSink(atStep(8) { stop.request(signal: SIGINT) })
        )
        #expect(try plan(bench).items == [])
        let work = try plan(bench, GarbageRules(age: 86400), days: 2).items.filter {
            $0.path.hasPrefix("work/")
        }
        #expect(
            work.map(\.consequences) == [
                ["teacher (test) can no longer be resumed at 80 %: it starts from the beginning"]
            ])
    }

    @Test func `nothing is deleted while a run is at work, nor what another process makes`() throws {
        let bench = try Bench()
        try bench.run(text)
        let plan = try plan(bench, GarbageRules(size: 0))
        let key = try #require(plan.items.first.map { ($0.path as NSString).lastPathComponent })
        let lock = try WorkLock(bench.store.path("work/\(key).lock"), node: "a", patience: 0) { _ in }
        let deleted = try withExtendedLifetime(lock) { try plan.delete() }
        #expect(deleted.count == plan.items.count - 1)
        #expect(bench.store.keys().contains(key))

        let folder = try RunFolder.newFolder(bench.store).path
        for name in [RunFolder.plan, RunFolder.pipeline] {
            let old = bench.store.path("runs/\(RunHistory(bench.store).identifiers().last ?? "")/\(name)")
            try FileManager.default.copyItem(atPath: old, toPath: "\(folder)/\(name)")
        }
        try CanonicalJSON.document(ProcessOwner.current()).write(
            to: URL(filePath: folder).appending(path: RunFolder.owner))
        try Data().write(to: URL(filePath: folder).appending(path: RunFolder.journal))
        let problem = try #require(throws: Diagnostic.self) { try GarbagePlan(bench.store) }
        #expect(problem.message.hasSuffix("is at work"))
        #expect(problem.exitCode == .stopped)
    }
}

@Suite struct StoreUsageTests {
    @Test func `bytes are told by kind, pipeline and run, shared ones once in each sum`() throws {
        let bench = try Bench()
        try bench.run("data a: write text=aaaa\nb: length of=a")
        try bench.run("data a: write text=aaaa\nc: join parts=[a]")
        let usage = try StoreUsage(bench.store)
        #expect(usage.kinds.map(\.name).sorted() == ["join", "length", "write"])
        #expect(usage.kinds.reduce(0) { $0 + $1.bytes } == usage.artifacts)
        #expect(usage.kinds.allSatisfy { $0.artifacts == 1 && $0.alone == $0.bytes })
        #expect(usage.pipelines.map(\.name) == ["test"])
        #expect(usage.pipelines[0].bytes == usage.artifacts)
        #expect(usage.runs.map(\.artifacts) == [2, 2])
        let shared = try #require(usage.kinds.first { $0.name == "write" }).bytes
        #expect(usage.runs.map { $0.bytes - $0.alone } == [shared, shared])
        #expect(usage.bytes > usage.artifacts + usage.journals)
        #expect(usage.bytes == FolderSizes.bytes(below: bench.store.root.path))
        // A second name for a file is no second file.
        let file = bench.store.folder(of: bench.store.keys()[0]).appending(path: FakeText.file)
        try FileManager.default.linkItem(at: file, to: bench.store.root.appending(path: "quarantine-link"))
        #expect(try StoreUsage(bench.store).bytes == usage.bytes)
    }
}
