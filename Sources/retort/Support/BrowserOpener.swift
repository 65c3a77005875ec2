import Foundation

/// Shows an address in the user's browser, where there is a desktop.
///
/// The address carries a secret and so is no argument of a program, which every user of the machine could read: the
/// browser is given a file of the user's own that leads on to it.
struct BrowserOpener {
    private let file: URL

    /// Nil when there is no desktop or no program that opens files.
    init?(_ address: String) {
        let environment = ProcessInfo.processInfo.environment
        guard environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil else { return nil }
        file = FileManager.default.temporaryDirectory.appending(path: "retort-inspect-\(getpid()).html")
        let page =
            "<!DOCTYPE html><meta http-equiv=\"refresh\" content=\"0;url=\(address)\"><title>Retort</title>"
        let descriptor = Foundation.open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["xdg-open", file.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try handle.write(contentsOf: Data(page.utf8))
            try process.run()
        } catch {
            cleanUp()
            return nil
        }
    }

    /// Removes the file.
    func cleanUp() { unlink(file.path) }
}

/// Signals that end a server: blocked in every thread, and waited for by one.
struct AwaitedSignals {
    private var signals = sigset_t()

    /// Blocks the signals; threads that are started from now on leave them alone, too.
    init(_ numbers: [Int32]) {
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Returns when one of them arrives.
    func wait() {
        var (signals, number) = (signals, Int32(0))
        while sigwait(&signals, &number) != 0 {}
    }
}
