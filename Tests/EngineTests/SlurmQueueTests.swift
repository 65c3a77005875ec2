import Diagnostics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// What a run makes of what a cluster says, or does not say, of its jobs.
@Suite struct SlurmQueueTests {
    private let slurm: FakeSlurm

    init() throws { slurm = try FakeSlurm() }

    @Test func `a job that the queue forgets before it was seen there is gone`() throws {
        let job = try slurm.executor().start(slurm.job())
        #expect(job.name == "job 11")
        #expect(try job.poll() == .lost("the queue no longer knows it"))
    }

    @Test func `a job that the queue has forgotten ended as accounting says, or not yet`() throws {
        let job = try slurm.executor().start(slurm.job())
        for word in ["RUNNING", "PENDING", "COMPLETING", "REQUEUED"] {
            slurm.account(word)
            #expect(try job.poll() == nil, "\(word)")
        }
        slurm.account("CANCELLED by 1000")
        #expect(try job.poll() == .lost("CANCELLED"))
        slurm.account("COMPLETED")
        #expect(try job.poll() == .exited(code: 0))
    }

    @Test func `nothing is gone while the queue does not answer`() throws {
        let executor = try slurm.executor()
        slurm.fail("squeue", "slurm_load_jobs error: Unable to contact slurm controller")
        let job = try executor.start(slurm.job())
        for _ in 0..<4 { #expect(try job.poll() == nil && job.trouble == nil && !job.isUnheardOf) }
        #expect(try job.poll() == nil && job.isUnheardOf)
        #expect(
            job.trouble
                == "squeue does not answer: slurm_load_jobs error: Unable to contact slurm controller")
        slurm.fail("squeue", nil)
        slurm.queue("11 RUNNING 0 x")
        #expect(try job.poll() == nil && job.trouble == nil && !job.isUnheardOf)
        slurm.queue("11 FAILED 0 x")
        #expect(try job.poll() == .exited(code: 1))
    }

    @Test func `what a job says of its end counts where the queue says nothing`() throws {
        let bench = try Bench()
        let executor = ThreadExecutor(silence: "squeue does not answer: why")
        let sink = RecordingSink()
        let result = try bench.run(bench.graph(everyday), sink: sink, options: executor.options(2))
        #expect(result.ok)
        #expect(sink.messages == ["squeue does not answer: why"])
    }

    @Test func `an array without a last job gets one, and no array is submitted beside it`() throws {
        let executor = try slurm.executor()
        let job = slurm.job { $0.resources.jobs = 3 }
        let comment = slurm.comment(job)
        slurm.queue("7_0 COMPLETED 0 part:\(comment)", "7_1 RUNNING 0 part:\(comment)")
        let later = slurm.job {
            $0.run = "2"
            $0.resources.jobs = 3
        }
        let found = try #require(try executor.adopt(later))
        #expect(found.job.run == "1")
        #expect(found.running.name == "job 11")
        let submitted = slurm.asked("sbatch").filter { $0 != "--version" }
        #expect(submitted.count == 1)
        #expect(submitted[0].hasSuffix(" --dependency=afterany:7"))
        #expect(submitted[0].contains(" --comment=\(comment) "))

        slurm.queue("7_1 RUNNING 0 part:\(comment)", "11 PENDING 0 \(comment)")
        #expect(try executor.adopt(later)?.running.name == "job 11")
        slurm.queue("7_1 COMPLETED 0 part:\(comment)")
        #expect(try executor.adopt(later)?.running.name == nil)
        #expect(slurm.asked("sbatch").count == 2)
    }

    @Test func `an array that was cancelled before it began has ended`() throws {
        let job = slurm.job { $0.resources.jobs = 3 }
        let comment = slurm.comment(job)
        slurm.queue(
            "7_0 PENDING 0 part:\(comment)", "7_1 PENDING 0 part:\(comment)", "8 PENDING 0 \(comment)")
        let found = try #require(try slurm.executor().adopt(job)).running
        #expect(try found.poll() == nil)
        // The queue shows it whole again, under the number of the array alone.
        slurm.queue("7 CANCELLED 0 part:\(comment)", "8 CANCELLED 0 \(comment)")
        #expect(try found.poll() == .lost("CANCELLED"))
    }

    // MARK: Stopping

    /// A job of the fake cluster that has told of its beginning, or has not.
    private func started(hasBegun: Bool) throws -> any RunningJob {
        let job = slurm.job()
        try slurm.folder.write(hasBegun ? "{}\n" : "", to: "store/runs/1/jobs/a.jsonl")
        return try slurm.executor().start(job)
    }

    @Test(arguments: [
        ("PENDING", false, "--state=PENDING 11"), ("CONFIGURING", false, "11"), ("RUNNING", false, "11"),
        ("RUNNING", true, "--batch --signal=TERM 11"), ("COMPLETING", true, nil),
    ])
    func `a job is stopped in the way that its state needs`(
        _ state: String, _ hasBegun: Bool, _ call: String?
    ) throws {
        let job = try started(hasBegun: hasBegun)
        slurm.queue("11 \(state) 0 x")
        try job.signal(SIGINT)
        #expect(slurm.asked("scancel") == (call.map { [$0] } ?? []))
    }

    @Test func `a job that begins, or waits again, after it was to be stopped is stopped all the same`()
        throws
    {
        let job = try started(hasBegun: true)
        slurm.queue("11 PENDING 0 x")
        try job.signal(SIGINT)
        slurm.queue("11 RUNNING 0 x")
        #expect(try job.poll() == nil)
        #expect(try job.poll() == nil)
        slurm.queue("11 PENDING 1 x")
        #expect(try job.poll() == nil)
        #expect(
            slurm.asked("scancel") == [
                "--state=PENDING 11", "--batch --signal=TERM 11", "--state=PENDING 11",
            ])
    }

    @Test func `what scancel cannot do is told, but not what is done anyway`() throws {
        let job = try started(hasBegun: true)
        slurm.queue("11 RUNNING 0 x")
        slurm.fail("scancel", "scancel: error: Kill job error on job id 11: Invalid job id specified")
        try job.signal(SIGINT)
        slurm.fail("scancel", "scancel: error: no controller")
        slurm.queue("11 PENDING 1 x")
        #expect(try job.poll() == nil)
        #expect(job.trouble == "scancel: error: no controller")
        slurm.fail("scancel", nil)
        #expect(try job.poll() == nil)
        #expect(job.trouble == nil)
        let other = try started(hasBegun: true)
        slurm.queue("12 RUNNING 0 x")
        slurm.fail("scancel", "scancel: error: Kill job error on job id 12: Unable to contact")
        let error = try #require(throws: Diagnostic.self) { try other.signal(SIGINT) }
        #expect(error.message == "scancel: error: Kill job error on job id 12: Unable to contact")
        slurm.fail("squeue", "no controller")
        let silent = try #require(throws: Diagnostic.self) { try other.signal(SIGINT) }
        #expect(silent.message == "squeue does not answer: no controller")
    }

    @Test func `a job that could not be asked to stop is asked again`() throws {
        let bench = try Bench()
        let executor = Deaf()
        let stop = StopRequest()
        let sink = RecordingSink()
        executor.onStart.withLock { $0 = { stop.request(signal: SIGINT) } }
        let result = try bench.run(
            bench.graph("data a: write text=a"), stop: stop, sink: sink, options: { $0.executor = executor })
        #expect(result.exitCode == .interrupted)
        #expect(bench.states(result) == ["a": "interrupted"])
        #expect(sink.messages == ["job 1 could not be asked to stop, and is asked again: it is deaf"])
    }

    /// A job that hears only the third time.
    private final class Deaf: Executor {
        let onStart = Mutex<@Sendable () -> Void>({})

        private final class Ended: RunningJob {
            let name = "job 1"
            var attempts = 0
            func poll() -> JobEnd? { attempts < 3 ? nil : .lost("CANCELLED") }
            func signal(_ number: Int32) throws {
                attempts += 1
                if attempts < 3 { throw Diagnostic("it is deaf") }
            }
        }

        func start(_ job: Job) throws -> any RunningJob {
            onStart.withLock { $0() }
            return Ended()
        }
    }

    @Test(arguments: [true, false])
    func `a job is left to another run that lives, and stopped for one that has died`(_ isAlive: Bool) throws
    {
        let bench = try Bench()
        let other = bench.store.path("runs/other")
        try bench.store.disk.createFolder(other)
        var owner = ProcessOwner.current()
        owner.holdsLock = true
        try CanonicalJSON.document(owner).write(to: URL(filePath: "\(other)/\(RunFolder.owner)"))
        var sign: LifeSign? = try LifeSign(other)
        if !isAlive {
            sign = nil
            // What other tests start holds what it inherited until it is a program of its own.
            for _ in 0..<2000 where bench.store.isAlive(run: "other") != false { usleep(2000) }
        }
        defer { withExtendedLifetime(sign) {} }

        let stop = StopRequest()
        let sink = RecordingSink()
        let executor = Adopting { stop.request(signal: SIGINT) }
        let result = try bench.run(
            bench.graph("data a: write text=a"), stop: stop, sink: sink, options: { $0.executor = executor })
        #expect(result.exitCode == .interrupted)
        #expect(bench.states(result) == ["a": "interrupted"])
        let beginning = "a: goes on in job 1, which the run other began"
        #expect(
            sink.messages
                == (isAlive
                    ? [beginning, "a: job 1 goes on for the run other, which began it"] : [beginning]))
        #expect(executor.isStopped.withLock { $0 } == !isAlive)
    }

    /// Finds a job of the run `other`, which lasts until it is asked to stop.
    private final class Adopting: Executor {
        let isStopped = Mutex(false)
        private let onStart: @Sendable () -> Void

        init(_ onStart: @escaping @Sendable () -> Void) { self.onStart = onStart }

        private struct Found: RunningJob {
            let name = "job 1"
            let executor: Adopting
            func poll() -> JobEnd? { executor.isStopped.withLock { $0 } ? .lost("CANCELLED") : nil }
            func signal(_ number: Int32) { executor.isStopped.withLock { $0 = true } }
        }

        func start(_ job: Job) throws -> any RunningJob { throw Diagnostic("it is there already") }

        func adopt(_ job: Job) throws -> (job: Job, running: any RunningJob)? {
            onStart()
            var job = job
            job.run = "other"
            return (job, Found(executor: self))
        }
    }
}
