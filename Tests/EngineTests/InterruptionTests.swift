import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct InterruptionTests {
    @Test(arguments: [
        (SIGINT, ExitCode.interrupted), (SIGTERM, .stopped), (SIGUSR1, .stopped), (SIGHUP, .stopped),
    ])
    func `a request to stop keeps the work, and the next run goes on`(_ signal: Int32, _ code: ExitCode)
        throws
    {
        let undisturbed = try Bench()
        let expected = try undisturbed.text(undisturbed.run(everyday), "student")

        let bench = try Bench()
        let graph = try bench.graph(everyday)
        let stop = StopRequest()
        let result = try bench.run(
            graph, stop: stop, sink: RecordingSink(atStep(8) { stop.request(signal: signal) }))
        #expect(result.exitCode == code)
        #expect(
            bench.states(result) == [
                "world": "ran", "teacher": "interrupted", "student": "skipped", "eval": "skipped",
            ])
        let history = RunHistory(bench.store)
        #expect(try history.summary(of: result.run).state == .interrupted)
        #expect(try history.events(of: result.run).last?.state == "interrupted")

        let plan = try bench.plan(graph)
        #expect(plan.lines.prefix(2) == ["world: CACHED", "teacher: RESUME 80% it was interrupted"])
        let sink = RecordingSink()
        let second = try bench.run(graph, sink: sink)
        #expect(second.ok)
        #expect(sink.messages == [])
        #expect(try bench.text(second, "student") == expected)
    }

    @Test func `a plan tells what failed from what was interrupted`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=a\nb: fail of=a")
        #expect(try bench.run(graph).exitCode == .stageFailed)
        #expect(try bench.plan(graph).lines[1] == "b: RESUME 0% it failed: it is in the nature of this stage")
        // It is gone on with, and killed.
        try bench.store.prepareWork(try #require(try bench.plan(graph).stages[1].key))
        #expect(try bench.plan(graph).lines[1] == "b: RESUME 0% it was interrupted")
        try bench.run(graph)
        #expect(try bench.plan(graph).lines[1].contains("it failed: "))
    }

    @Test func `what is in the store is shown as such by a stopped run`() throws {
        let bench = try Bench()
        try bench.run(everyday)
        let stop = StopRequest()
        stop.request(signal: SIGINT)
        #expect(try bench.run(bench.graph(everyday), stop: stop).ok)
    }

    @Test func `a real signal asks once and ends the process the second time`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.url.path
        await #expect(processExitsWith: .exitCode(75)) { [path = path as String] in
            let store = Store(root: URL(filePath: path).appending(path: "Artifacts"))
            let graph = try Graph(pipeline(everyday), catalog: fakeStages)
            let sink = RecordingSink(atStep(3) { raise(SIGTERM) })
            let result = try Runner(graph, store, sink: sink).run(try Planner(graph, store).plan())
            exit(result.exit)
        }
        #expect(try Bench(folder).store.unfinishedWork().count == 1)
        await #expect(processExitsWith: .exitCode(130)) { [path = path as String] in
            let store = Store(root: URL(filePath: path).appending(path: "Artifacts"))
            let graph = try Graph(pipeline(everyday), catalog: fakeStages)
            let sink = RecordingSink(
                atStep(9) {
                    raise(SIGINT)
                    raise(SIGINT)
                })
            _ = try Runner(graph, store, sink: sink).run(try Planner(graph, store).plan())
            exit(0)
        }
    }

    @Test func `a lost terminal, told twice, lets the run save its work`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.url.path
        await #expect(processExitsWith: .exitCode(75)) { [path = path as String] in
            let store = Store(root: URL(filePath: path).appending(path: "Artifacts"))
            let graph = try Graph(pipeline(everyday), catalog: fakeStages)
            let sink = RecordingSink(
                atStep(8) {
                    raise(SIGHUP)
                    raise(SIGHUP)
                })
            let result = try Runner(graph, store, sink: sink).run(try Planner(graph, store).plan())
            exit(result.exit)
        }
        let bench = try Bench(folder)
        let plan = try bench.plan(try Graph(pipeline(everyday), catalog: fakeStages))
        #expect(plan.lines.prefix(2) == ["world: CACHED", "teacher: RESUME 80% it was interrupted"])
    }

    @Test func `under nohup a lost terminal is nothing to a run`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.url.path
        await #expect(processExitsWith: .exitCode(0)) { [path = path as String] in
            signal(SIGHUP, SIG_IGN)
            let store = Store(root: URL(filePath: path).appending(path: "Artifacts"))
            let graph = try Graph(pipeline(everyday), catalog: fakeStages)
            let sink = RecordingSink(atStep(3) { raise(SIGHUP) })
            let result = try Runner(graph, store, sink: sink).run(try Planner(graph, store).plan())
            exit(result.exit)
        }
    }

    @Test func `a forced stage starts afresh and puts aside what was begun`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        let stop = StopRequest()
        try bench.run(graph, stop: stop, sink: RecordingSink(atStep(8) { stop.request(signal: SIGINT) }))
        let sink = RecordingSink()
        let result = try bench.run(graph, sink: sink, plan: { $0.force = ["teacher"] })
        #expect(result.ok)
        let key = try bench.record(result, "teacher").key
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: bench.store.path("quarantine")) == [
                "\(key)-work"
            ])
    }
}
