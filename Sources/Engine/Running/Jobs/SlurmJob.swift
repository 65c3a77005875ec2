internal import Diagnostics
internal import Foundation

/// A job of the cluster.
final class SlurmJob: RunningJob {
    let id: String
    /// The array of jobs that make the parts which this one puts together.
    private let array: String?
    private let parts: Int
    /// The file in which the job tells what happens.
    private let events: URL
    private let queue: SlurmQueue
    private let tools: SlurmTools
    private var isStopping = false
    /// The jobs that were asked to save their work.
    private var asked: Set<String> = []
    /// The answer of the queue by which jobs were stopped last.
    private var lastAnswer = 0
    private var wasTakenAway = false
    /// Why a job could not be stopped that began, or waited again, after it was to be.
    private var obstacle: String?

    init(
        id: String, array: String? = nil, parts: Int = 1, of job: Job, queue: SlurmQueue, tools: SlurmTools
    ) {
        self.id = id
        self.array = array
        self.parts = parts
        events = job.events
        self.queue = queue
        self.tools = tools
    }

    var name: String { "job \(id)" }
    var announcement: String? {
        array.map { "its parts are made by \(parts) jobs, array \($0), and put together by job \(id)" }
    }
    var restarts: Int { queue.restarts(of: id) }
    var trouble: String? { queue.trouble ?? obstacle }
    var isUnheardOf: Bool { queue.isSilent(about: id) }
    /// What a job writes last may take a moment to be seen over a network file system.
    var patience: Double { wasTakenAway ? 0 : 10 }

    func poll() throws -> JobEnd? {
        // Some may have begun since they were to be stopped, or gone back into the queue; the next look comes soon.
        if isStopping {
            queue.forget()
            _ = try? queue.entries()
            if queue.answers != lastAnswer {
                do {
                    try stop()
                    obstacle = nil
                } catch {
                    obstacle = (error as? Diagnostic)?.message ?? "\(error)"
                }
            }
        }
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
        isStopping = true
        queue.forget()
        try stop()
    }

    private func stop() throws {
        let entries = try queue.currentEntries()
        lastAnswer = queue.answers
        let mine = entries.filter { entry in
            entry.isAlive && (entry.id == id || array.map { entry.id.hasPrefix($0 + "_") } ?? false)
        }
        if mine.contains(where: { $0.state == "PENDING" }) {
            // Only if it still waits: by now it may have begun.
            try cancel([id] + (array.map { [$0] } ?? []), "--state=PENDING")
        }
        // No batch script listens yet, or the stage has not begun: there is nothing to save.
        let idle = mine.filter {
            $0.state == "CONFIGURING" || $0.id == id && $0.state == "RUNNING" && !hasSaidSomething
        }
        try cancel(idle.map(\.id))
        let ids = Set(idle.map(\.id))
        let busy = mine.filter {
            ["RUNNING", "SUSPENDED"].contains($0.state) && !ids.contains($0.id) && !asked.contains($0.id)
        }
        try cancel(busy.map(\.id), "--batch", "--signal=TERM")
        asked.formUnion(busy.map(\.id))
        wasTakenAway = !hasSaidSomething
    }

    private var hasSaidSomething: Bool {
        // Opened, because a network file system may show to those who only ask how the file was a while ago.
        let descriptor = open(events.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_size > 0
    }

    /// - Throws: what `scancel` complains of, unless the job is at its end anyway.
    private func cancel(_ ids: [String], _ options: String...) throws {
        guard !ids.isEmpty else { return }
        let answer = try tools.run(["scancel"] + options + ids)
        guard answer.code != 0 else { return }
        let complaints = answer.errors.split(separator: "\n").map { String($0).trimmed }
        let serious = complaints.filter { complaint in
            !["Invalid job id", "already completing or completed"].contains { complaint.contains($0) }
        }
        guard let first = complaints.isEmpty ? "scancel: exit code \(answer.code)" : serious.first else {
            return
        }
        throw Diagnostic(first, exitCode: .unavailable)
    }
}
