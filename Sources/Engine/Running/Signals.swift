internal import Diagnostics
internal import Foundation

extension StopRequest {
    /// The request that the process's signals make.
    public static let fromSignals = StopRequest()
}

/// Turns the signals that ask a process to end into a stop request: the first one asks, a second one that means the same
/// ends.
struct SignalHandlers {
    private static let signals = [SIGINT, SIGTERM, SIGUSR1, SIGHUP]
    private var previous: [(signal: Int32, action: sigaction)] = []

    /// Installs the handlers.
    init() {
        // Made here, because a signal handler must not be the first to touch it.
        _ = StopRequest.fromSignals
        for signal in Self.signals {
            var (action, old) = (sigaction(), sigaction())
            action.__sigaction_handler.sa_handler = { number in
                let isFirst = StopRequest.fromSignals.request(signal: number)
                // A lost terminal is told by the kernel and again by the shell: nobody has grown impatient.
                if !isFirst && number != SIGHUP { _exit(stopExitCode(number).rawValue) }
            }
            action.sa_flags = SA_RESTART
            sigaction(signal, &action, &old)
            if signal == SIGHUP, Self.isIgnored(old) {
                // Under nohup, the run is to outlive its terminal.
                sigaction(signal, &old, nil)
                continue
            }
            previous.append((signal, old))
        }
        // A parent that blocks signals would otherwise make this process deaf. One that does so until here sees to it
        // that a signal during the start is no death, but a request.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for signal in Self.signals { sigaddset(&wanted, signal) }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        // Functions cannot be compared, but their addresses can.
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Puts back what was there before.
    func restore() {
        for (signal, action) in previous {
            var action = action
            sigaction(signal, &action, nil)
        }
    }
}

/// The exit code of a run that a signal stopped.
func stopExitCode(_ signal: Int32) -> ExitCode { signal == SIGINT ? .interrupted : .stopped }
