import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

/// Waits to be asked to stop, and keeps what it was told to keep.
private struct Waiting: Stage {
    static let name: StageName = "waiting"
    static let revision = 1
    static let summary = "Waits."
    @Setting("Whether it keeps something to go on from.") var keeps = false

    func run(in context: StageContext) throws -> FakeText {
        let file = context.state.appending(path: "begun")
        if let begun = try? Data(contentsOf: file), begun.count > 2 {
            return try FakeText.write("\(begun.count)", in: context)
        }
        while !context.shouldStop { sched_yield() }
        if keeps {
            let begun = (try? Data(contentsOf: file)) ?? Data()
            try (begun + Data("x".utf8)).write(to: file)
        }
        throw StageInterrupted()
    }
}

/// Jobs whose time is up.
@Suite struct JobTimeTests {
    private let bench: Bench

    init() throws { bench = try Bench() }

    /// A run of one stage, as a job finds it.
    private func newRun(_ text: String, time: String?) throws -> String {
        var spec = pipeline(text, in: bench.folder.url)
        if let time {
            let here = SourceLocation("test.yml", 1, 20)
            let entry = PipelineEntry("time", at: here, PipelineValue(.scalar(time), at: here))
            spec.nodes[0].entries.append(
                PipelineEntry("resources", at: here, PipelineValue(.map([entry]), at: here)))
        }
        let graph = try Graph(spec, catalog: fakeStages + [Waiting.self])
        return try RunFolder(bench.store, spec: spec, plan: bench.plan(graph)).id
    }

    /// Executes the stage as a job that a signal stops, after so many restarts.
    private func execute(_ run: String, _ signal: Int32, restarts: Int, isForced: Bool = false) throws
        -> JobLine.Outcome
    {
        var options = RunOptions()
        options.handlesSignals = false
        options.stop = StopRequest()
        options.stop.request(signal: signal)
        let job = try StageJob(
            run: run, node: "a", bench.store, catalog: fakeStages + [Waiting.self], options: options,
            isForced: isForced, environment: ["SLURM_RESTART_COUNT": "\(restarts)"])
        let code = try job.run()
        let file = bench.store.path("runs/\(run)/jobs/a.jsonl")
        let outcome = try #require(try readLines(of: file, as: JobLine.self).compactMap(\.outcome).last)
        #expect(outcome.exit == code.rawValue)
        return outcome
    }

    @Test func `a stage that gets nowhere in its time is queued again once, and then fails`() throws {
        let run = try newRun("a: waiting", time: "90s")
        let first = try execute(run, SIGUSR1, restarts: 0)
        #expect(first.state == .interrupted && first.exit == 75)
        let second = try execute(run, SIGUSR1, restarts: 1)
        #expect(second.state == .failed && second.exit == 1)
        #expect(
            second.message == """
                test.yml:1:1: error: a: its time was up again, and it is no further than when it was begun
                  hint: give it more, with 'resources: {time: …}', or let it keep what it can go on from: a command \
                does that in $STATE
                """)
    }

    @Test func `a stage that gets further goes on as often as it takes`() throws {
        let run = try newRun("a: waiting keeps=true", time: "90s")
        for restarts in 0..<3 {
            #expect(try execute(run, SIGUSR1, restarts: restarts).state == .interrupted)
        }
        #expect(try execute(run, SIGUSR1, restarts: 3).state == .ran)
    }

    @Test func `what was begun by force goes on when it is queued again`() throws {
        let run = try newRun("a: waiting keeps=true", time: "90s")
        for restarts in 0..<3 {
            let outcome = try execute(run, SIGUSR1, restarts: restarts, isForced: true)
            #expect(outcome.state == .interrupted)
        }
        #expect(try execute(run, SIGUSR1, restarts: 3, isForced: true).state == .ran)
    }

    @Test func `who was stopped, or pushed aside before its time was up, has not failed`() throws {
        let short = try newRun("a: waiting", time: "90s")
        #expect(try execute(short, SIGTERM, restarts: 1).state == .interrupted)
        let long = try newRun("a: waiting", time: "2h")
        #expect(try execute(long, SIGUSR1, restarts: 1).state == .interrupted)
        let unknown = try newRun("a: waiting", time: nil)
        #expect(try execute(unknown, SIGUSR1, restarts: 1).state == .interrupted)
    }

    @Test(
        arguments: [
            (nil, nil, 120, 300.0), (90, 2, 30, 0), (240, 4, 60, 90), (480, 8, 120, 270),
            (7200, 120, 120, 6990),
        ] as [(Int?, Int?, Int, Double)])
    func `a job is told in time, but not when it has hardly begun`(
        _ wanted: Int?, _ minutes: Int?, _ notice: Int, _ least: Double
    ) {
        var resources = StageResources()
        resources.time = wanted
        let time = JobTime(resources)
        #expect(time.minutes == minutes)
        #expect(time.notice == notice)
        #expect(time.isUp(after: least) && !time.isUp(after: least - 1) || least == 0)
    }

    @Test func `a time in which nobody can count on saving is warned of`() {
        var resources = StageResources()
        for (time, isShort) in [(nil, false), (90, true), (180, true), (200, false), (240, false)] {
            resources.time = time
            #expect((JobTime(resources).warning != nil) == isShort, "\(time ?? 0)")
        }
        resources.time = 90
        #expect(
            JobTime(resources).warning
                == .warning(
                    message: "with 'time: 90s' its work may not be saved before its time is up",
                    hint: "Slurm tells a job up to a minute earlier than it is asked to: give it 4min or more"
                ))
    }
}
