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
        var asked = -Double.infinity
        var entries: [Entry] = []
        /// The jobs that were in the queue once.
        var seen: Set<String> = []
    }

    static let ends: Set<String> = [
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    ]

    private let tools: SlurmTools
    private let interval: Double
    private let state = Mutex(State())

    init(_ tools: SlurmTools, interval: Double) {
        self.tools = tools
        self.interval = interval
    }

    /// Asks again at the next question.
    func forget() { state.withLock { $0.asked = -.infinity } }

    /// This user's jobs; while the controller does not answer, as they were.
    func entries() throws -> [Entry] {
        try state.withLock { state in
            let now = monotonicSeconds()
            guard now - state.asked >= interval else { return state.entries }
            state.asked = now
            let answer = try tools.run([
                "squeue", "--me", "--array", "--noheader", "--states=all",
                "--Format=JobArrayID:48,State:24,RestartCnt:16,Comment:256",
            ])
            guard answer.code == 0 else { return state.entries }
            state.entries = answer.output.split(separator: "\n").compactMap { line in
                // A comment comes last: other people's may have blanks, or be missing.
                let parts = line.split(separator: " ", maxSplits: 3).map { String($0).trimmed }
                guard parts.count > 2 else { return nil }
                return Entry(
                    id: parts[0], state: parts[1], comment: parts.count > 3 ? parts[3] : "",
                    restarts: Int(parts[2]) ?? 0)
            }
            state.seen.formUnion(state.entries.map(\.id))
            return state.entries
        }
    }

    /// Whether some job of an array waits or runs, as far as the queue says.
    func isAlive(array: String) -> Bool {
        (try? entries())?.contains { $0.isAlive && $0.id.hasPrefix(array + "_") } ?? true
    }

    /// How often a job was to begin again, as far as the queue says.
    func restarts(of id: String) -> Int {
        (try? entries())?.first { $0.id == id }?.restarts ?? 0
    }

    /// How a job ended; nil while it waits or runs.
    func state(of id: String) -> String? {
        guard let entries = try? entries() else { return nil }
        if let entry = entries.first(where: { $0.id == id }) { return entry.isAlive ? nil : entry.state }
        // It was there: the queue forgets what ended some minutes ago. Accounting, where there is any, does not.
        guard state.withLock({ $0.seen.contains(id) }) else { return nil }
        let answer = try? tools.run(["sacct", "-n", "-X", "-j", id, "-o", "State%20"])
        let word = answer?.output.split(separator: " ").first.map(String.init) ?? ""
        return word.trimmed.isEmpty ? "the queue no longer knows it" : word.trimmed
    }
}

/// Runs the cluster's small programs to their ends.
struct SlurmTools: Sendable {
    struct Answer {
        var code: Int32
        var output: String
        var errors: String
    }

    /// The variables that the programs see; they are looked for in its `PATH`.
    let environment: [String: String]

    func run(_ words: [String], input: String? = nil) throws -> Answer {
        let process = Process()
        process.environment = environment
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        let source = Pipe()
        process.standardInput = input == nil ? FileHandle.nullDevice : source
        try process.run()
        if let input {
            try source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try source.fileHandleForWriting.close()
        }
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Answer(
            code: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
            errors: String(decoding: complained, as: UTF8.self))
    }
}
