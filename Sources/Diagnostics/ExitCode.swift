/// The process exit codes Retort promises to scripts and schedulers.
public enum ExitCode: Int32, Hashable, Sendable {
    case ok = 0
    case stageFailed = 1
    case workPending = 2
    case gateFailed = 3
    case usage = 64
    case badData = 65
    case inputMissing = 66
    case unavailable = 69
    case bug = 70
    case io = 74
    case stopped = 75
    case badConfiguration = 78
    case interrupted = 130
}
