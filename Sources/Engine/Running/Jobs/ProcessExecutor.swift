public import Foundation

/// Executes stages in child processes of this one.
///
/// Each is a process group of its own, so that Ctrl-C reaches it through the run alone. Its standard input is a pipe that
/// the run holds open: when the run dies, however it does, the child reads the end of it and comes to rest.
public struct ProcessExecutor: Executor {
    private let program: String
    private let environment: [String: String]

    /// Creates an executor that starts a program with the arguments of a job and `--attached`.
    public init(program: URL, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.program = program.path
        self.environment = environment
    }

    /// Starts the child.
    public func start(_ job: Job) throws -> any RunningJob {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw StoreError(errno, .create, "a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let log = open(job.log.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard log >= 0 else {
            close(ends[1])
            throw StoreError(errno, .create, job.log.path)
        }
        defer { close(log) }
        do {
            let process = try spawn(
                [program] + job.arguments + ["--attached"], environment: environment,
                streams: [ends[0], log, log], blocked: [SIGINT, SIGTERM, SIGUSR1, SIGHUP])
            return ChildProcess(process: process, lifeline: ends[1])
        } catch {
            close(ends[1])
            throw error
        }
    }
}

/// A child that executes a stage.
private final class ChildProcess: RunningJob {
    private let process: pid_t
    /// The end of the child's standard input that this process holds.
    private let lifeline: Int32
    private var end: JobEnd?

    init(process: pid_t, lifeline: Int32) {
        self.process = process
        self.lifeline = lifeline
    }

    deinit { close(lifeline) }

    var name: String { "process \(process)" }

    func poll() throws -> JobEnd? {
        if let end { return end }
        end = try ended(process)
        return end
    }

    func signal(_ number: Int32) throws {
        guard end == nil else { return }
        kill(process, number)
    }
}

/// Starts a program in a process group of its own, with the signals' usual effects.
///
/// - Parameters:
///   - streams: the descriptors that become the child's, from 0.
///   - held: the signals that wait until the child wants them.
/// - Throws: a ``StoreError`` when the program cannot be started.
public func spawn(
    _ arguments: [String], environment: [String: String], streams: [Int32], blocked held: [Int32] = []
) throws -> pid_t {
    var attributes = posix_spawnattr_t()
    var actions = posix_spawn_file_actions_t()
    posix_spawnattr_init(&attributes)
    posix_spawn_file_actions_init(&actions)
    defer {
        posix_spawnattr_destroy(&attributes)
        posix_spawn_file_actions_destroy(&actions)
    }
    var (usual, blocked) = (sigset_t(), sigset_t())
    sigemptyset(&usual)
    for number in [SIGINT, SIGTERM, SIGUSR1, SIGPIPE] { sigaddset(&usual, number) }
    sigemptyset(&blocked)
    for number in held { sigaddset(&blocked, number) }
    posix_spawnattr_setsigdefault(&attributes, &usual)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
        &attributes,
        Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))
    for (number, descriptor) in streams.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    var process: pid_t = 0
    let words = arguments.map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    let code = posix_spawnp(&process, arguments[0], &actions, &attributes, words, variables)
    guard code == 0 else { throw StoreError(code, .read, arguments[0]) }
    return process
}

/// How a child ended; nil while it lasts.
///
/// - Throws: a ``StoreError`` when this process has no such child.
public func ended(_ process: pid_t) throws -> JobEnd? {
    var status: Int32 = 0
    while true {
        let answer = waitpid(process, &status, WNOHANG)
        if answer == 0 { return nil }
        if answer == process { break }
        guard errno == EINTR else { throw StoreError(errno, .read, "process \(process)") }
    }
    // WIFEXITED and its like are macros, which Swift does not import.
    let signal = status & 0x7f
    return signal == 0 ? .exited(code: (status >> 8) & 0xff) : .signalled(signal)
}
