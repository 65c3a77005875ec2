import Foundation
import Synchronization
import TestSupport

@testable import Engine

/// A cluster in the test's process: what its programs say is set, and what they are asked is remembered.
final class FakeSlurm: Sendable {
    private struct State {
        /// What a program prints, by its name.
        var outputs: [String: String] = [:]
        /// What a program complains of that fails.
        var failures = ["sacct": "sacct: error: no accounting"]
        var asked: [String: [String]] = [:]
        var jobs = 10
    }

    let folder: TemporaryFolder
    private let state = Mutex(State())

    /// No job waits or runs, nothing fails, and there is no accounting.
    init() throws { folder = try TemporaryFolder() }

    private func answer(_ words: [String]) -> SlurmTools.Answer {
        state.withLock { state in
            let name = words[0]
            state.asked[name, default: []].append(words.dropFirst().joined(separator: " "))
            if let complaint = state.failures[name] { return .init(code: 1, errors: complaint + "\n") }
            if name == "sbatch", words[1] != "--version" {
                state.jobs += 1
                return .init(output: "\(state.jobs)\n")
            }
            return .init(output: state.outputs[name] ?? "")
        }
    }

    func executor(program: URL = URL(filePath: "/bin/true")) throws -> SlurmExecutor {
        try SlurmExecutor(
            program: program, interval: 0, tools: SlurmTools { [self] words, _ in answer(words) })
    }

    /// What `squeue` answers from now on: `11 RUNNING 0 comment`.
    func queue(_ lines: String...) {
        state.withLock { $0.outputs["squeue"] = lines.joined(separator: "\n") + "\n" }
    }

    /// Lets a program fail from now on, or succeed.
    func fail(_ name: String, _ complaint: String?) { state.withLock { $0.failures[name] = complaint } }

    /// What accounting says of any job.
    func account(_ word: String) {
        fail("sacct", nil)
        state.withLock { $0.outputs["sacct"] = word + "\n" }
    }

    /// The arguments with which a program was called, call by call.
    func asked(_ name: String) -> [String] { state.withLock { $0.asked[name] ?? [] } }

    /// A job of a store that nobody looks into.
    func job(_ change: (inout Job) -> Void = { _ in }) -> Job {
        var job = Job(
            run: "1", node: "a", key: "k", store: folder.appending("store"), directory: folder.url,
            execution: ExecutionOptions(), resources: StageResources(), isForced: false, patience: 0)
        change(&job)
        return job
    }

    /// The comment by which a job is found again.
    func comment(_ job: Job) -> String {
        let option = SlurmExecutor.options(job).first { $0.hasPrefix("--comment=") }
        return String(option?.dropFirst("--comment=".count) ?? "")
    }
}
