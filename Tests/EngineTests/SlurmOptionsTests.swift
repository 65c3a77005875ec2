import Foundation
import Testing

@testable import Engine

/// What a stage's `resources` and the command line make of a job, without a cluster.
@Suite struct SlurmOptionsTests {
    private func job(_ change: (inout StageResources) -> Void = { _ in }) -> Job {
        var resources = StageResources()
        change(&resources)
        return Job(
            run: "1", node: "a", key: "k", store: URL(filePath: "/store"), directory: URL(filePath: "/"),
            execution: ExecutionOptions(device: "cpu", threads: 64, workers: 64), resources: resources,
            isForced: false, patience: 0)
    }

    private func facts(_ job: Job) -> [String] {
        let processors = SlurmExecutor.options(job).filter { $0.hasPrefix("--cpus-per-task=") }
        return processors + ["\(job.execution.threads) threads", "\(job.execution.workers) workers"]
    }

    @Test func `a job has one processor, or as many as its stage or the command line says`() {
        #expect(facts(SlurmExecutor.adapted(job())) == ["--cpus-per-task=1", "1 threads", "1 workers"])
        #expect(
            facts(SlurmExecutor.adapted(job { $0.cpus = 8 })) == [
                "--cpus-per-task=8", "8 threads", "8 workers",
            ])
        #expect(
            facts(SlurmExecutor.adapted(job(), threads: 4, workers: 2)) == [
                "--cpus-per-task=4", "4 threads", "2 workers",
            ])
    }

    @Test func `a job is told that its time is nearly up when it can still save, not as soon as it begins`() {
        func times(_ seconds: Int?) -> [String] {
            SlurmExecutor.options(job { $0.time = seconds }).filter {
                $0.hasPrefix("--time=") || $0.hasPrefix("--signal=")
            }
        }
        #expect(times(90) == ["--signal=B:USR1@30", "--time=2"])
        #expect(times(7200) == ["--signal=B:USR1@120", "--time=120"])
        #expect(times(nil) == ["--signal=B:USR1@120"])
    }

    @Test func `what the stage says comes before the command line`() {
        #expect(
            facts(SlurmExecutor.adapted(job { $0.threads = 2 }, threads: 4)) == [
                "--cpus-per-task=2", "2 threads", "2 workers",
            ])
        #expect(
            facts(SlurmExecutor.adapted(job { $0.cpus = 8 }, threads: 4)) == [
                "--cpus-per-task=8", "4 threads", "8 workers",
            ])
        #expect(SlurmExecutor.adapted(job { $0.gpus = 1 }).execution.device == "cuda:0")
    }

    @Test func `a job is one task on one machine, and asks for no graphics processor where it needs none`() {
        for (gpus, asked) in [(nil, []), (0, []), (2, ["--gpus=2"])] as [(Int?, [String])] {
            let options = SlurmExecutor.options(job { $0.gpus = gpus })
            #expect(options.filter { $0.hasPrefix("--gpus") } == asked)
            #expect(options.contains("--nodes=1") && options.contains("--ntasks=1"))
        }
    }
}
