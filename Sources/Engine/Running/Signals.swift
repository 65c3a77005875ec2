internal import Diagnostics
internal import Foundation

extension StopRequest {
    /// The request that the process's signals make.
    public static let fromSignals = StopRequest()
}

/// Turns the signals that ask a process to end into a stop request: the first one asks, the second one ends.
struct SignalHandlers {
    private static let signals = [SIGINT, SIGTERM, SIGUSR1]
    private var previous: [(signal: Int32, action: sigaction)] = []

    /// Installs the handlers.
    init() {
        // Made here, because a signal handler must not be the first to touch it.
        _ = StopRequest.fromSignals
        for signal in Self.signals {
            var (action, old) = (sigaction(), sigaction())
            action.__sigaction_handler.sa_handler = { number in
                if !StopRequest.fromSignals.request(signal: number) { _exit(stopExitCode(number).rawValue) }
            }
            action.sa_flags = SA_RESTART
            sigaction(signal, &action, &old)
            previous.append((signal, old))
        }
        // A parent that blocks signals would otherwise make this process deaf. One that does so until here sees to it
        // that a signal during the start is no death, but a request.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for signal in Self.signals { sigaddset(&wanted, signal) }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
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
