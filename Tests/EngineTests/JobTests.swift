import Diagnostics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite struct JobTests {
    @Test func `side by side the same is made as one after the other`() throws {
        let (alone, together) = (try Bench(), try Bench())
        let expected = try alone.run(everyday)
        let executor = ThreadExecutor()
        let sink = RecordingSink()
        let result = try together.run(together.graph(everyday), sink: sink, options: executor.options(2))
        #expect(result.ok)
        #expect(together.states(result) == alone.states(expected))
        for node in ["teacher", "student", "eval"] {
            #expect(try together.record(result, node).digest == alone.record(expected, node).digest)
        }
        #expect(executor.started == ["world", "teacher", "student", "eval"])
        #expect(sink.started == executor.started)
        let history = RunHistory(together.store)
        let summary = try history.summary(of: result.run)
        #expect(summary.stages.map(\.state) == ["ran", "ran", "ran", "ran"])
        #expect(summary.stages[2].step == 12)

        let again = try together.run(together.graph(everyday), options: executor.options(2))
        #expect(Set(again.stages.values.map(\.state)) == [.cached])
        #expect(executor.started.count == 4)
    }

    private static let fan = """
        data world: splits
        a: train data=world.train steps=1
        b: train data=world.train steps=2
        c: train data=world.train steps=3
        d: measure models=[a,b,c] images=world.test
        """

    @Test(arguments: [(1, 1), (2, 2), (9, 3)])
    func `no more run at once than there are slots`(_ slots: Int, _ most: Int) throws {
        let bench = try Bench()
        let executor = ThreadExecutor(holdsUntilFull: most)
        #expect(try bench.run(bench.graph(Self.fan), options: executor.options(slots)).ok)
        #expect(executor.most == most)
    }

    @Test func `memory and devices are shared out`() throws {
        func share(_ gigabytes: Int, _ device: String? = nil) -> Slots.Share {
            var resources = StageResources()
            resources.memory = gigabytes << 30
            resources.device = device
            return Slots.Share(resources, device: "cpu")
        }
        let slots = Slots(count: 4, memory: 8 << 30)
        #expect(slots.fit(share(4), beside: [share(4)]))
        #expect(!slots.fit(share(5), beside: [share(4)]))
        #expect(slots.fit(share(9), beside: []), "what is too large runs alone")
        #expect(slots.fit(share(0), beside: [share(8), share(0)]))
        #expect(!slots.fit(share(1, "cuda:0"), beside: [share(1, "cuda:0")]))
        #expect(slots.fit(share(1, "cuda:1"), beside: [share(1, "cuda:0"), share(1)]))
        #expect(Slots(count: 4, guardsDevices: false).fit(share(1, "cuda:0"), beside: [share(1, "cuda:0")]))
    }

    @Test func `more memory than can be added up is too much, and no crash`() {
        var resources = StageResources()
        resources.memory = .max - 7
        let share = Slots.Share(resources, device: "cpu")
        #expect(!Slots(count: 2, memory: 8 << 30).fit(share, beside: [share]))
        #expect(Slots(count: 2, memory: 8 << 30).fit(share, beside: []))
    }

    @Test func `resources that no machine has are refused`() throws {
        func problem(_ key: String, _ value: String) throws -> String {
            var spec = pipeline("data a: write text=a")
            let here = SourceLocation("test.yml", 1, 30)
            let resources = [PipelineEntry(key, at: here, PipelineValue(.scalar(value), at: here))]
            spec.nodes[0].entries.append(
                PipelineEntry("resources", at: here, PipelineValue(.map(resources), at: here)))
            return try #require(throws: Problems.self) { try Graph(spec, catalog: fakeStages) }.description
        }
        #expect(
            try problem("memory", "8000000TB") == """
                test.yml:1:30: error: memory: '8000000TB' is more memory than any machine has
                  hint: write 4GiB or 500MB
                """)
        #expect(
            try problem("time", "300000000000d") == """
                test.yml:1:30: error: time: '300000000000d' is longer than any job may take
                  hint: write 90s, 30min, 12h or 2d
                """)
        #expect(
            try problem("cpus", "9223372036854775807")
                == "test.yml:1:30: error: cpus: '9223372036854775807' is more than 65536")
        #expect(
            try problem("device", "cuda:9999999999") == """
                test.yml:1:30: error: device: 'cuda:9999999999' is no device
                  hint: write cpu or cuda:0
                """)
    }

    @Test func `a process that dies fails its stage, and no more`() throws {
        let bench = try Bench()
        let executor = ThreadExecutor(deaths: ["b": .signalled(SIGKILL)])
        let result = try bench.run(
            bench.graph(Self.fan),
            options: { options in
                executor.options(1)(&options)
                options.keepsGoing = true
            })
        #expect(
            bench.states(result) == [
                "world": "ran", "a": "ran", "b": "failed", "c": "ran", "d": "blocked",
            ])
        #expect(result.exitCode == .stageFailed)
        #expect(
            result.stages["b"]?.message == """
                test.yml:3:1: error: b: process 4711 was ended by SIGKILL
                  hint: its work is kept: 'retort resume \(result.run)' goes on where it stopped; that is how the \
                kernel ends what takes too much memory: let fewer stages run at once
                """)
        #expect(try bench.run(bench.graph(Self.fan), options: ThreadExecutor().options(2)).ok)
    }

    @Test func `an earlier execution's last word is not that of a job that was queued again`() throws {
        let bench = try Bench()
        func run(_ restarts: Int) throws -> RunResult {
            try bench.run(
                bench.graph("data a: write text=a"), options: { $0.executor = Requeued(restarts: restarts) })
        }
        // Somebody stopped the stage alone: the run stops, too.
        let stopped = try run(0)
        #expect(stopped.exitCode == .stopped && bench.states(stopped) == ["a": "interrupted"])
        let lost = try run(1)
        #expect(lost.exitCode == .stageFailed)
        #expect(
            lost.stages["a"]?.message == """
                test.yml:1:6: error: a: job 1 was lost: it was queued again, and the cluster could not begin it
                  hint: its work is kept: 'retort resume \(lost.run)' goes on where it stopped
                """)
    }

    /// A job that stops, is queued again, and ends without having begun.
    private struct Requeued: Executor {
        let restarts: Int

        private struct Ended: RunningJob {
            let name = "job 1"
            let restarts: Int
            func poll() -> JobEnd? { .exited(code: 1) }
            func signal(_ number: Int32) {}
        }

        func start(_ job: Job) throws -> any RunningJob {
            let outcome = JobLine.Outcome(state: .interrupted, seconds: 1, exit: 75)
            try AppendOnlyFile(job.events.path).append(line: try CanonicalJSON.data(JobLine(outcome)))
            return Ended(restarts: restarts)
        }
    }

    @Test func `a job of whose end nothing can be read has made what is in the store`() throws {
        let bench = try Bench()
        let result = try bench.run(
            bench.graph("data a: write text=a\nb: length of=a"), options: { $0.executor = Wordless() })
        #expect(bench.states(result) == ["a": "ran", "b": "ran"])
        #expect(try bench.text(result, "b") == "1")
    }

    /// Jobs whose last words are lost.
    private struct Wordless: Executor {
        private struct Ended: RunningJob {
            let name = "job 1"
            func poll() -> JobEnd? { .exited(code: 0) }
            func signal(_ number: Int32) {}
        }

        func start(_ job: Job) throws -> any RunningJob {
            var options = RunOptions()
            options.handlesSignals = false
            options.stop = StopRequest()
            let store = Store(root: job.store)
            _ = try StageJob(
                run: job.run, node: job.node, store, catalog: fakeStages, options: options
            ).run()
            try FileManager.default.removeItem(at: job.events)
            return Ended()
        }
    }

    @Test func `what a job writes is looked for under the name of its file`() throws {
        let folder = try TemporaryFolder()
        func line(_ text: String) throws -> String { try CanonicalJSON.text(JobLine(.note(text))) + "\n" }
        let file = try folder.write(line("one") + "{\"entry\":", to: "a.jsonl")
        let tail = JobTail(file)
        func read() -> [String] { tail.read().compactMap { $0.entry?.message } }
        #expect(read() == ["one"])
        // A network file system shows what another machine wrote to those who open the file.
        try FileManager.default.removeItem(at: file)
        #expect(read() == [])
        try folder.write(line("one") + line("two") + line("three"), to: "a.jsonl")
        #expect(read() == ["two", "three"])
        #expect(read() == [])
    }

    @Test func `over a network, a job's file is opened only so often until its end`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(CanonicalJSON.text(JobLine(.note("one"))) + "\n", to: "a.jsonl")
        let tail = JobTail(file, interval: 3600)
        #expect(tail.read().count == 1)
        let more = try AppendOnlyFile(file.path)
        try more.append(line: CanonicalJSON.data(JobLine(.note("two"))))
        #expect(tail.read().isEmpty)
        #expect(tail.read(isLast: true).count == 1)
    }

    @Test func `a failure is told as it is without processes`() throws {
        let bench = try Bench()
        let text = "data a: write text=a\nbroken: fail of=a\nreader: length of=broken\nother: length of=a"
        let result = try bench.run(bench.graph(text), options: ThreadExecutor().options(1))
        #expect(
            bench.states(result) == ["a": "ran", "broken": "failed", "reader": "blocked", "other": "skipped"])
        #expect(
            result.stages["broken"]?.message == "error: broken failed: it is in the nature of this stage")
    }

    @Test func `a signal is passed on, and the work goes on later`() throws {
        let expected = try Bench().run(everyday)
        let bench = try Bench()
        let stop = StopRequest()
        let executor = ThreadExecutor(holdsAt: 8)
        let result = try bench.run(
            bench.graph(everyday), stop: stop,
            sink: RecordingSink { event in
                if case .stageStarted("teacher", _) = event { stop.request(signal: SIGTERM) }
            }, options: executor.options(2))
        #expect(result.exitCode == .stopped)
        #expect(
            bench.states(result) == [
                "world": "ran", "teacher": "interrupted", "student": "skipped", "eval": "skipped",
            ])
        let plan = try bench.plan(try bench.graph(everyday))
        #expect(plan.lines[1].hasPrefix("teacher: RESUME "), "\(plan.lines[1])")
        let second = try bench.run(bench.graph(everyday), options: ThreadExecutor().options(2))
        #expect(second.ok)
        #expect(second.stages.keys == expected.stages.keys)
    }

    @Test func `the same result of a changed stage starts no process for its readers`() throws {
        let bench = try Bench()
        try bench.run("data a: write text=one\nb: length of=a\nc: length of=b")
        let executor = ThreadExecutor()
        let changed = try bench.graph("data a: write text=two\nb: length of=a\nc: length of=b")
        let result = try bench.run(changed, options: executor.options(2))
        #expect(bench.states(result) == ["a": "ran", "b": "ran", "c": "cached"])
        #expect(executor.started == ["a", "b"])
    }

    @Test func `resources are read, checked and no part of a key`() throws {
        let bench = try Bench()
        func graph(_ resources: PipelineValue) throws -> Graph {
            var spec = pipeline("data a: write text=a", in: bench.folder.url)
            spec.nodes[0].entries.append(
                PipelineEntry("resources", at: SourceLocation("test.yml", 9, 1), resources))
            return try Graph(spec, catalog: fakeStages)
        }
        func map(_ entries: KeyValuePairs<String, String>) -> PipelineValue {
            let here = SourceLocation("test.yml", 9, 12)
            return PipelineValue(
                .map(entries.map { PipelineEntry($0, at: here, PipelineValue(.scalar($1), at: here)) }),
                at: here)
        }
        try bench.run("data a: write text=a")
        let wanted = try graph(
            map(["memory": "1.5GiB", "threads": "2", "time": "30min", "device": "cuda:1"]))
        #expect(wanted.nodes[0].resources.memory == 3 << 29)
        #expect(wanted.nodes[0].resources.time == 1800)
        #expect(try bench.plan(wanted).lines == ["a: CACHED"])
        let problems = try #require(throws: Problems.self) {
            try graph(map(["memry": "1GiB", "memory": "much", "threads": "0", "device": "gpu"]))
        }
        #expect(
            problems.description == """
                test.yml:9:12: error: unknown resource 'memry'
                  hint: did you mean 'memory'?
                test.yml:9:12: error: memory: 'much' is no size of memory
                  hint: write 4GiB or 500MB
                test.yml:9:12: error: threads: '0' is not a whole number from 1
                test.yml:9:12: error: device: 'gpu' is no device
                  hint: write cpu or cuda:0
                """)
    }
}

/// Executes jobs on threads of the test's process, in the way in which a process of their own would.
final class ThreadExecutor: Executor {
    private struct State {
        var started: [String] = []
        var running = 0
        var most = 0
    }

    private let state = Mutex(State())
    private let deaths: [String: JobEnd]
    private let least: Int
    private let hold: Int?
    private let silence: String?

    /// - Parameters:
    ///   - deaths: nodes whose process dies without a word.
    ///   - holdsUntilFull: jobs other than the first and last begin when so many are there.
    ///   - holdsAt: jobs wait at this step until they are asked to stop.
    ///   - silence: why nobody tells how jobs are; then nobody does.
    init(
        deaths: [String: JobEnd] = [:], holdsUntilFull least: Int = 1, holdsAt hold: Int? = nil,
        silence: String? = nil
    ) {
        self.silence = silence
        self.deaths = deaths
        self.least = least
        self.hold = hold
    }

    var started: [String] { state.withLock { $0.started } }
    var most: Int { state.withLock { $0.most } }

    func options(_ slots: Int) -> (inout RunOptions) -> Void {
        { options in
            options.executor = self
            options.slots = Slots(count: slots)
        }
    }

    func start(_ job: Job) throws -> any RunningJob {
        state.withLock { $0.started.append(job.node) }
        if let death = deaths[job.node] { return Simulated(end: death) }
        let simulated = Simulated(silence: silence)
        let isHeld = ["a", "b", "c"].contains(job.node)
        let thread = Thread { [self] in
            let now = state.withLock { state in
                state.running += 1
                state.most = max(state.most, state.running)
                return state.most
            }
            if isHeld && now < least { while most < least { sched_yield() } }
            let code = Result { try run(job, simulated.stop) }
            state.withLock { $0.running -= 1 }
            simulated.end.withLock { $0 = .exited(code: (try? code.get().rawValue) ?? 70) }
        }
        thread.start()
        return simulated
    }

    private func run(_ job: Job, _ stop: StopRequest) throws -> ExitCode {
        var options = RunOptions()
        options.handlesSignals = false
        options.stop = stop
        options.execution = job.execution
        let sink = RecordingSink { [hold] event in
            guard let hold, case .stage(_, .progress(hold, _, _)) = event else { return }
            while !stop.isRequested { sched_yield() }
        }
        return try StageJob(
            run: job.run, node: job.node, Store(root: job.store), catalog: fakeStages, options: options,
            sink: sink, isForced: job.isForced
        ).run()
    }

    private final class Simulated: RunningJob, Sendable {
        let name = "process 4711"
        let stop = StopRequest()
        let end: Mutex<JobEnd?>
        let trouble: String?
        init(end: JobEnd? = nil, silence: String? = nil) {
            self.end = Mutex(end)
            trouble = silence
        }
        var isUnheardOf: Bool { trouble != nil }
        func poll() -> JobEnd? { isUnheardOf ? nil : end.withLock { $0 } }
        func signal(_ number: Int32) { stop.request(signal: number) }
    }
}
