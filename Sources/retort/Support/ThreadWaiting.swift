import Foundation

/// How long OpenMP's threads wait for each other before they let the processor go.
///
/// libgomp lets them spin for milliseconds, which costs nothing on an idle machine. As soon as anything else runs, the
/// spinning thread holds the processor that the awaited one needs, and training becomes several times slower.
enum ThreadWaiting {
    /// Starts this program anew with short waits, unless the user has chosen; where that fails, it goes on as it is.
    ///
    /// libgomp reads its environment when it is loaded, before any code of this program runs.
    static func shorten() {
        guard getenv("OMP_WAIT_POLICY") == nil, getenv("GOMP_SPINCOUNT") == nil,
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            setenv("GOMP_SPINCOUNT", "2000", 1) == 0
        else { return }
        execv(program, CommandLine.unsafeArgv)
    }
}
