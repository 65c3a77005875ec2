internal import Diagnostics
internal import Foundation
internal import Synchronization

/// What the cluster says of this user's jobs, asked for only so often.
final class SlurmQueue: Sendable {
    struct Entry {
        var id: String
        var state: String
        var comment: String
        var restarts: Int

        var isAlive: Bool { !SlurmQueue.ends.contains(state) }
    }

    private struct State {
        /// When the question was put, whatever became of it.
        var tried = -Double.infinity
        /// When the question was put that was answered last.
        var asked = -Double.infinity
        /// How many answers there were.
        var answers = 0
        var entries: [Entry] = []
        /// When a job was known to be in the queue: it was submitted, or seen there.
        var known: [String: Double] = [:]
        /// How many questions after the last answer were not answered, and why the last one was not.
        var failures = 0
        var complaint = ""
        /// What accounting said of a job that the queue has forgotten, and after which answer it was asked.
        var words: [String: (answer: Int, word: String?)] = [:]
    }

    private static let ends: Set<String> = [
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    ]

    /// So many questions in a row are not answered where something is wrong with the cluster.
    private static let patience = 5
    /// An answer of so many seconds ago is new.
    private static let moment = 0.5

    private let tools: SlurmTools
    private let interval: Double
    private let state = Mutex(State())

    init(_ tools: SlurmTools, interval: Double) {
        self.tools = tools
        self.interval = interval
    }

    /// Asks again at the next question, unless it was asked just now, perhaps for another job.
    func forget() {
        state.withLock { if monotonicSeconds() - $0.tried >= Self.moment { $0.tried = -.infinity } }
    }

    /// Notes that a job is in the queue from now on, whether or not it is ever seen there.
    func note(submitted id: String) { state.withLock { $0.known[id] = monotonicSeconds() } }

    /// This user's jobs; while the controller does not answer, as they were.
    func entries() throws -> [Entry] { try state.withLock { try ask(&$0) } }

    /// How many answers there were.
    var answers: Int { state.withLock { $0.answers } }

    /// This user's jobs as they are.
    ///
    /// - Throws: a `Diagnostic` while the controller does not answer.
    func currentEntries() throws -> [Entry] {
        try state.withLock { state in
            let entries = try ask(&state)
            guard state.failures == 0 else {
                throw Diagnostic("squeue does not answer: \(state.complaint)", exitCode: .unavailable)
            }
            return entries
        }
    }

    private func ask(_ state: inout State) throws -> [Entry] {
        let now = monotonicSeconds()
        guard now - state.tried >= interval else { return state.entries }
        state.tried = now
        let answer = try tools.run([
            "squeue", "--me", "--array", "--noheader", "--states=all",
            "--Format=JobArrayID:48,State:24,RestartCnt:16,Comment:256",
        ])
        guard answer.code == 0 else {
            state.failures += 1
            state.complaint =
                answer.errors.split(separator: "\n").first.map(String.init) ?? "exit code \(answer.code)"
            return state.entries
        }
        state.failures = 0
        state.asked = now
        state.answers += 1
        state.entries = answer.output.split(separator: "\n").compactMap { line in
            // A comment comes last: other people's may have blanks, or be missing.
            let parts = line.split(separator: " ", maxSplits: 3).map { String($0).trimmed }
            guard parts.count > 2 else { return nil }
            return Entry(
                id: parts[0], state: parts[1], comment: parts.count > 3 ? parts[3] : "",
                restarts: Int(parts[2]) ?? 0)
        }
        for entry in state.entries { state.known[entry.id] = now }
        return state.entries
    }

    /// Why nothing can be known of any job; nil when the controller answers, or has just begun not to.
    var trouble: String? {
        state.withLock { state in
            state.failures < Self.patience ? nil : "squeue does not answer: \(state.complaint)"
        }
    }

    /// Whether the queue tells nothing of a job: it does not answer, or no longer knows it.
    func isSilent(about id: String) -> Bool {
        state.withLock { state in
            if state.failures >= Self.patience { return true }
            return state.asked > state.known[id] ?? .infinity && !state.entries.contains { $0.id == id }
        }
    }

    /// Whether some job of an array waits or runs, as far as the queue says.
    func isAlive(array: String) -> Bool {
        state.withLock { state in
            guard let entries = try? ask(&state) else { return true }
            // Submitted after the last answer; one that is in the answer, whole, was cancelled before it began.
            if let known = state.known[array], state.asked < known { return true }
            return entries.contains { $0.isAlive && $0.id.hasPrefix(array + "_") }
        }
    }

    /// How often a job was to begin again, as far as the queue says.
    func restarts(of id: String) -> Int {
        (try? entries())?.first { $0.id == id }?.restarts ?? 0
    }

    /// How a job ended; nil while it waits or runs.
    func state(of id: String) -> String? {
        state.withLock { state in
            guard let entries = try? ask(&state) else { return nil }
            if let entry = entries.first(where: { $0.id == id }) { return entry.isAlive ? nil : entry.state }
            // It was there: the queue forgets what ended some minutes ago. Accounting, where there is any, does not.
            guard let known = state.known[id], state.asked > known else { return nil }
            if let earlier = state.words[id], earlier.answer == state.answers { return earlier.word }
            let word = accounted(id)
            state.words[id] = (state.answers, word)
            return word
        }
    }

    /// How a job ended that the queue has forgotten; nil when it did not.
    private func accounted(_ id: String) -> String? {
        let answer = try? tools.run(["sacct", "-n", "-X", "-j", id, "-o", "State%20"])
        let word =
            answer?.output.split(separator: "\n").last?.split(separator: " ").first.map(String.init) ?? ""
        if word.isEmpty { return "the queue no longer knows it" }
        return Self.ends.contains(word) ? word : nil
    }
}
