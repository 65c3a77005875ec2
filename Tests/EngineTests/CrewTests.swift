import Diagnostics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// Messages in memory, in place of a network.
private final class Board: Sendable {
    private let messages = Mutex<[String: Data]>([:])
    let lost = Mutex<Int?>(nil)

    subscript(_ key: String) -> Data? {
        get { messages.withLock { $0[key] } }
        set { messages.withLock { $0[key] = newValue } }
    }
}

private final class FakeCrew: Crew {
    let rank: Int
    let size: Int
    private let board: Board
    private let watched = Mutex<String?>(nil)

    init(_ rank: Int, of size: Int, _ board: Board) {
        (self.rank, self.size, self.board) = (rank, size, board)
    }

    func leave(_ message: Data, at key: String) throws { board[key] = message }
    func message(at key: String) throws -> Data? { board[key] }
    func watch(_ key: String?) { watched.withLock { $0 = key } }
    var isCalled: Bool { watched.withLock { $0 }.map { board[$0] != nil } ?? false }
    var lost: Int? { board.lost.withLock { $0 } }
    func isPeerFailure(_ error: any Error) -> Bool { error is Unreachable }
    var hint: String { "go on with: retort resume" }
}

private struct Unreachable: Error {}

/// Every process writes its parts; the first one counts them.
private struct Parts: Stage {
    static let name: StageName = "parts"
    static let revision = 1
    static let summary = "Writes parts."
    static let sharing = WorkSharing.parts
    @Setting("How many.") var count = 5
    @Setting("A process that fails.") var failing: Int?
    @Setting("A process that loses the others.") var losing: Int?

    func run(in context: StageContext) throws -> FakeText {
        let rank = context.share?.rank ?? 0
        if failing == rank {
            throw Diagnostic("an image is broken", hint: "remove it", exitCode: .badData)
        }
        if losing == rank { throw Unreachable() }
        for part in context.parts(of: count) {
            try Data("part \(part) of \(rank)".utf8).write(
                to: context.output.appending(path: "part-\(part).txt"))
            try context.advance(to: part + 1, of: count)
            context.metric(step: part, name: "part", value: 1)
        }
        let sums = try context.gather([1, Double(rank)])
        return try FakeText.write("\(sums)", in: context)
    }
}

/// Makes a part, and is not done before it is told.
private struct Slow: Stage {
    static let name: StageName = "slow"
    static let revision = 1
    static let summary = "Waits."
    static let sharing = WorkSharing.parts

    func run(in context: StageContext) throws -> FakeText {
        // A file that is being replaced has a hidden name.
        let hidden = context.output.appending(path: ".half.tmp")
        if context.share?.rank ?? 0 > 0 {
            try Data().write(to: hidden)
            try Data().write(to: context.directory.appending(path: "begun"))
            while !FileManager.default.fileExists(atPath: context.directory.appending(path: "go").path) {
                usleep(5_000)
            }
            try FileManager.default.moveItem(at: hidden, to: context.output.appending(path: "whole.txt"))
        }
        try context.gather([1])
        return try FakeText.write("done", in: context)
    }
}

/// A stage whose bytes depend on how many share it.
private struct Sums: Stage {
    static let name: StageName = "sums"
    static let revision = 1
    static let summary = "Sums."
    static let sharing = WorkSharing.sums
    @Setting("How many.") var count = 5
    func run(in context: StageContext) throws -> FakeText { try FakeText.write("\(count)", in: context) }
}

/// What the processes of a run say to each other; threads stand for processes.
@Suite struct CrewTests {
    private static let catalog: [any Stage.Type] = fakeStages + [Parts.self, Sums.self]

    private func run(_ text: String, size: Int = 3, lost: Int? = nil) throws -> (RunResult, Bench, [String]) {
        let bench = try Bench()
        let graph = try Graph(pipeline(text, in: bench.folder.url), catalog: Self.catalog)
        let board = Board()
        let problems = Mutex<[String]>([])
        let threads = DispatchGroup()
        for rank in 1..<size {
            threads.enter()
            Thread {
                do {
                    try Follower(
                        FakeCrew(rank, of: size, board), catalog: Self.catalog, execution: ExecutionOptions()
                    ).run()
                } catch {
                    problems.withLock { $0.append("\(error)") }
                }
                threads.leave()
            }.start()
        }
        let crew = FakeCrew(0, of: size, board)
        if let lost { board.lost.withLock { $0 = lost } }
        let result = try bench.run(graph, options: { $0.crew = crew })
        crew.dismiss(within: 10)
        threads.wait()
        return (result, bench, problems.withLock { $0 })
    }

    @Test func `a shared stage has parts of every process, and one process's artifact`() throws {
        let (result, bench, problems) = try run("data a: write text=x\nb: parts count=7\nc: parts count=2")
        #expect(result.ok && problems == [])
        #expect(try bench.text(result, "b") == "[3.0, 3.0]")
        let record = try bench.record(result, "b")
        #expect(
            record.files.map(\.path) == ["content.txt", "metrics.jsonl"] + (0..<7).map { "part-\($0).txt" })
        for part in 0..<7 {
            let file = bench.store.folder(of: record.key).appending(path: "part-\(part).txt")
            #expect(try String(contentsOf: file, encoding: .utf8) == "part \(part) of \(part % 3)")
        }
        #expect(record.components["numerics"] == "fp32")
        // A setting that is left out is no component: the stage may gain one and keep its artifacts.
        #expect(record.components["setting.count"] == "7" && record.components["setting.failing"] == nil)
    }

    @Test func `what fails in another process is told as if it were here, and the run may go on`() throws {
        let (result, _, problems) = try run("b: parts failing=2")
        #expect(problems == [])
        #expect(result.exitCode == .badData)
        #expect(
            result.stages["b"]?.message == """
                test.yml:1:1: error: process 2 of 3 failed: an image is broken
                  hint: remove it
                """)
    }

    @Test func `what fails here lets the others go`() throws {
        let (result, _, problems) = try run("b: parts failing=0")
        #expect(problems == [])
        #expect(result.exitCode == .badData)
    }

    @Test func `a lost process stops the run resumably`() throws {
        let (result, bench, problems) = try run("b: parts", lost: 1)
        #expect(result.exitCode == .stopped)
        #expect(
            result.stages["b"]?.message == """
                test.yml:1:1: error: process 1 of 3 was lost
                  hint: finished work is kept; go on with: retort resume
                """)
        #expect(problems.count == 2)
        #expect(bench.store.unfinishedWork().count == 1)
    }

    @Test func `an unreachable process is explained by the one that failed`() throws {
        let (result, _, _) = try run("b: parts losing=0 failing=1")
        #expect(
            result.stages["b"]?.message == """
                test.yml:1:1: error: process 1 of 3 failed: an image is broken
                  hint: remove it
                """)
    }

    @Test func `the number of processes is part of a key where bytes depend on it`() throws {
        let bench = try Bench()
        var graph = try Graph(
            pipeline("a: sums\nb: parts\ndata c: write text=x", in: bench.folder.url), catalog: Self.catalog)
        let alone = try bench.plan(graph)
        try bench.run(graph)
        graph.processes = 2
        let plan = try bench.plan(graph)
        #expect(
            plan.lines == [
                "a: RUN numerics fp32 → fp32 in 2 processes", "b: CACHED", "c: CACHED",
            ])
        #expect(alone.stages.count == 3)
    }
}

/// Parts that several jobs of a cluster make, one after the other in the test's process.
@Suite struct JobPartTests {
    private static let catalog: [any Stage.Type] = fakeStages + [Parts.self]

    /// Executes a stage's parts, apart from one whose job is lost, and then what puts them together.
    private struct Sequential: Executor {
        var lost: Int?
        let catalog: [any Stage.Type]

        private struct Ended: RunningJob {
            let name = "job 1"
            let announcement: String?
            func poll() -> JobEnd? { .exited(code: 0) }
            func signal(_ number: Int32) {}
        }

        func start(_ job: Job) throws -> any RunningJob {
            var options = RunOptions()
            options.handlesSignals = false
            let store = Store(root: job.store)
            for index in 0..<job.parts where job.parts > 1 && index != lost {
                let part = try StageJob(
                    run: job.run, node: job.node, store, catalog: catalog, options: options,
                    part: JobPart(index, of: job.parts))
                #expect(try part.run() == .ok)
            }
            _ = try StageJob(run: job.run, node: job.node, store, catalog: catalog, options: options).run()
            return Ended(announcement: job.parts > 1 ? "\(job.parts) jobs" : nil)
        }
    }

    private func run(jobs: Int, lost: Int? = nil) throws -> (RunResult, Bench, RecordingSink) {
        let bench = try Bench()
        var spec = pipeline("data a: write text=x\nb: parts count=7", in: bench.folder.url)
        let here = SourceLocation("test.yml", 2, 1)
        let entry = PipelineEntry("jobs", at: here, PipelineValue(.scalar("\(jobs)"), at: here))
        spec.nodes[1].entries.append(
            PipelineEntry("resources", at: here, PipelineValue(.map([entry]), at: here)))
        let graph = try Graph(spec, catalog: Self.catalog)
        let sink = RecordingSink()
        let result = try bench.run(
            graph, sink: sink, options: { $0.executor = Sequential(lost: lost, catalog: Self.catalog) })
        return (result, bench, sink)
    }

    @Test func `jobs make the parts, and the last one puts them together`() throws {
        let (result, bench, sink) = try run(jobs: 3)
        #expect(result.ok)
        #expect(sink.messages == ["b: 3 jobs"])
        // The last job makes every part that is not there: this stage makes them anew, and counts itself.
        #expect(try bench.text(result, "b") == "[4.0, 6.0]")
        let record = try bench.record(result, "b")
        #expect(record.files.count == 9)
        let jobs = bench.store.root.appending(path: "runs/\(result.run)/jobs")
        let names = try FileManager.default.contentsOfDirectory(atPath: jobs.path).sorted()
        #expect(names == ["a.jsonl", "b.jsonl", "b.part-0.jsonl", "b.part-1.jsonl", "b.part-2.jsonl"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.store.path("work")) == [])
    }

    @Test func `what a lost job did not make is made by the last one`() throws {
        let (result, bench, _) = try run(jobs: 3, lost: 1)
        #expect(result.ok)
        #expect(try bench.text(result, "b") == "[3.0, 4.0]")
        #expect(try bench.record(result, "b").files.count == 9)
    }

    @Test func `nobody touches the work of jobs whose run has died`() throws {
        let bench = try Bench()
        let catalog = fakeStages + [Slow.self]
        let graph = try Graph(pipeline("b: slow", in: bench.folder.url), catalog: catalog)
        let plan = try bench.plan(graph)
        let key = try #require(plan.stages[0].key)
        // The folder is let go of as a process does that dies.
        let id = try RunFolder(bench.store, spec: graph.spec, plan: plan).id
        let owner = bench.store.path("runs/\(id)/\(RunFolder.owner)")
        var dead = ProcessOwner.current()
        dead.birth = "1"
        try CanonicalJSON.document(dead).write(to: URL(filePath: owner))

        let code = Mutex<ExitCode?>(nil)
        let store = bench.store
        let isOver = DispatchSemaphore(value: 0)
        let thread = Thread {
            var options = RunOptions()
            options.handlesSignals = false
            let end = Result {
                try StageJob(
                    run: id, node: "b", store, catalog: catalog, options: options, part: JobPart(1, of: 2)
                ).run()
            }
            code.withLock { $0 = try? end.get() }
            isOver.signal()
        }
        thread.start()
        while !bench.store.disk.exists(bench.folder.appending("begun").path) { usleep(2_000) }
        let hidden = "\(bench.store.outputPath(key))/.half.tmp"
        // No node remembers the work: it would go as garbage.
        let all = GarbageRules(age: 0)
        #expect(
            try GarbagePlan(store, all, now: systemSeconds() + 9e6).items.allSatisfy {
                $0.path != "work/\(key)"
            })
        store.removeRemains()
        let busy = try bench.run(graph)
        #expect(bench.states(busy) == ["b": "busy"])
        #expect(busy.stages["b"]?.message?.contains("jobs of another run are making parts of 'b'") == true)
        let forced = try bench.run(graph, plan: { $0.force = ["b"] })
        #expect(forced.exitCode == .stopped)
        #expect(store.disk.exists(hidden))

        try bench.folder.write("", to: "go")
        isOver.wait()
        #expect(code.withLock { $0 } == .ok)
        let last = try bench.run(graph)
        #expect(bench.states(last) == ["b": "ran"])
        #expect(try bench.record(last, "b").files.map(\.path) == ["content.txt", "whole.txt"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.path("work")) == [])
    }

    @Test func `only what is made of parts can be divided`() throws {
        let here = SourceLocation("test.yml", 1, 9)
        var spec = pipeline("data a: write text=x\nb: join parts=[a]")
        let entry = PipelineEntry("jobs", at: here, PipelineValue(.scalar("4"), at: here))
        spec.nodes[1].entries.append(
            PipelineEntry("resources", at: here, PipelineValue(.map([entry]), at: here)))
        let problems = #expect(throws: Problems.self) { try Graph(spec, catalog: Self.catalog) }
        #expect(
            problems?.description
                == "test.yml:1:9: error: 'join' cannot be divided among 4 jobs\n  hint: parts can")
    }

    @Test func `a part is one of so many`() {
        #expect(JobPart("2/8") == JobPart(2, of: 8))
        for text in ["8/8", "-1/8", "2", "2/", "/8", "1/2/3", "a/b", "0/0"] { #expect(JobPart(text) == nil) }
    }
}
