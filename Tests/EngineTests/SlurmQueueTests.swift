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
            try slurm.account(word)
            #expect(try job.poll() == nil, "\(word)")
        }
        try slurm.account("CANCELLED by 1000")
        #expect(try job.poll() == .lost("CANCELLED"))
        try slurm.account("COMPLETED")
        #expect(try job.poll() == .exited(code: 0))
    }

    @Test func `nothing is gone while the queue does not answer`() throws {
        let executor = try slurm.executor()
        try slurm.fail("squeue", "slurm_load_jobs error: Unable to contact slurm controller")
        let job = try executor.start(slurm.job())
        for _ in 0..<4 { #expect(try job.poll() == nil && job.trouble == nil && !job.isUnheardOf) }
        #expect(try job.poll() == nil && job.isUnheardOf)
        #expect(
            job.trouble
                == "squeue does not answer: slurm_load_jobs error: Unable to contact slurm controller")
        try slurm.fail("squeue", nil)
        try slurm.queue("11 RUNNING 0 x")
        #expect(try job.poll() == nil && job.trouble == nil && !job.isUnheardOf)
        try slurm.queue("11 FAILED 0 x")
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
}
