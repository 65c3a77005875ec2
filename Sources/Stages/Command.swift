import Diagnostics
import Engine
import Foundation

/// A command of the user's in a process group of its own, which does not outlive this process.
struct Command {
    /// How long a command that is asked to stop may take.
    private static let grace = 10.0
    /// The group's guard waits for the end of descriptor 3, which this process holds open.
    ///
    /// When the process is gone, however it ended, nothing of the command goes on writing. What asks the group to stop is
    /// not for the guard.
    private static let script = """
        trap '' TERM INT HUP QUIT USR1 USR2
        { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
        trap - TERM INT HUP QUIT USR1 USR2
        exec 3<&-
        cd "$2" && exec /bin/sh -c "$1"
        """

    private let text: String
    private let environment: [String: String]
    private let directory: URL
    private let log: URL

    init(_ text: String, environment: [String: String], directory: URL, log: URL) {
        self.text = text
        self.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        self.directory = directory
        self.log = log
    }

    /// Returns when the command has succeeded.
    ///
    /// - Throws: a `Diagnostic` with the last lines of what it printed, or `StageInterrupted`.
    func run(in context: StageContext) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw StoreError(errno, .create, "a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let output = open(log.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard nothing >= 0, output >= 0 else { throw StoreError(errno, .create, log.path) }
        let process: pid_t
        do {
            defer { for descriptor in [ends[0], nothing, output] { close(descriptor) } }
            process = try spawn(
                ["/bin/sh", "-c", Self.script, "sh", text, directory.path], environment: environment,
                streams: [nothing, output, output, ends[0]])
        }
        // The guard, too, and whatever the command left running.
        defer { kill(-process, SIGKILL) }
        guard let end = try wait(for: process, in: context) else { throw StageInterrupted() }
        if case .signalled(let number) = end, [SIGINT, SIGTERM, SIGHUP].contains(number),
            isStoppedSoon(context)
        {
            throw StageInterrupted()
        }
        if end != .exited(code: 0) { throw failure(end, in: context) }
    }

    /// Whether this process is asked to stop as well: who ends a whole job may reach the command first.
    private func isStoppedSoon(_ context: StageContext) -> Bool {
        for _ in 0..<50 where !context.shouldStop { usleep(20_000) }
        return context.shouldStop
    }

    /// How the command ended; nil when it was stopped.
    private func wait(for process: pid_t, in context: StageContext) throws -> JobEnd? {
        var pause: UInt32 = 1000
        var sinceTold = 0.0
        var stopping: Double?
        while true {
            if let end = try ended(process) { return stopping == nil ? end : nil }
            if let stopping, Self.now() - stopping > Self.grace { kill(-process, SIGKILL) }
            if context.shouldStop, stopping == nil {
                stopping = Self.now()
                kill(-process, SIGTERM)
            }
            usleep(pause)
            sinceTold += Double(pause) / 1e6
            pause = min(pause * 2, 50_000)
            if sinceTold > 1, stopping == nil {
                sinceTold = 0
                // Says that this process is alive; where a stop was asked for meanwhile, the next turn sees to it.
                do { try context.advance(to: 0, of: 1) } catch is StageInterrupted {}
            }
        }
    }

    private func failure(_ end: JobEnd, in context: StageContext) -> Diagnostic {
        let how =
            switch end {
            case .exited(let code): "exited with \(code)"
            case .signalled(let number): "was ended by signal \(number)"
            case .lost(let word): "was lost: \(word)"
            }
        let last = lastLines(10).map { "\n    \($0)" }.joined()
        return Diagnostic(
            "the command of '\(context.node)' \(how)\(last.isEmpty ? ", without a word" : ":" + last)",
            at: context.sourceLocation(of: "cmd"), hint: "all it said: \(log.path)", exitCode: .stageFailed)
    }

    /// The end of what it printed, in whatever encoding, without what colours it.
    private func lastLines(_ count: Int) -> [String] {
        guard let file = try? FileHandle(forReadingFrom: log) else { return [] }
        let length = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: length - min(length, 65_536))
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        let plain = text.replacing(/\u{1B}\[[0-9;?]*[ -\/]*[@-~]/, with: "")
        return plain.split(whereSeparator: \.isNewline).suffix(count).map { line in
            String(
                String.UnicodeScalarView(
                    line.unicodeScalars.filter { $0 == "\t" || $0.properties.generalCategory != .control }))
        }
    }

    private static func now() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}

extension Shell {
    /// Commands have nothing in common but that they are commands.
    static var timedBy: [String] { ["cmd"] }
}
