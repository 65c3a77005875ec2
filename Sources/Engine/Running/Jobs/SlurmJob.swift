internal import Foundation

/// A job of the cluster.
struct SlurmJob: RunningJob {
    let id: String
    /// The array of jobs that make the parts which this one puts together.
    let array: String?
    let queue: SlurmQueue
    let tools: SlurmTools
    var parts = 1

    var name: String { "job \(id)" }
    var announcement: String? {
        array.map { "its parts are made by \(parts) jobs, array \($0), and put together by job \(id)" }
    }
    var restarts: Int { queue.restarts(of: id) }
    var trouble: String? { queue.trouble }
    var isUnheardOf: Bool { queue.isSilent(about: id) }
    /// What a job writes last may take a moment to be seen over a network file system.
    var patience: Double { 10 }

    func poll() throws -> JobEnd? {
        if let array, queue.isAlive(array: array) { return nil }
        guard let state = queue.state(of: id) else { return nil }
        switch state {
        case "COMPLETED": return .exited(code: 0)
        case "FAILED": return .exited(code: 1)
        default: return .lost(state)
        }
    }

    /// A job that waits is taken from the queue; one that runs is asked to save its work.
    func signal(_ number: Int32) throws {
        let ids = [id] + (array.map { [$0] } ?? [])
        _ = try tools.run(["scancel", "--state=PENDING"] + ids)
        _ = try tools.run(["scancel", "--batch", "--signal=TERM"] + ids)
        queue.forget()
    }
}
