import Diagnostics
import Engine
import Foundation
import Synchronization

/// Where a verb writes: results to stdout, everything else to stderr.
struct Console: Sendable {
    /// Whether only results and errors are printed.
    let isQuiet: Bool
    /// Whether details are printed too.
    let isVerbose: Bool
    /// How results are styled.
    let style: TextStyle
    /// How notes and diagnostics are styled.
    let noteStyle: TextStyle

    /// Where the program was started, before `-C`.
    let startDirectory = FileManager.default.currentDirectoryPath

    init(isQuiet: Bool, isVerbose: Bool) {
        self.isQuiet = isQuiet
        self.isVerbose = isVerbose
        style = TextStyle(Terminal.output)
        noteStyle = TextStyle(Terminal.errors)
    }

    /// Prints a line of the result.
    func print(_ text: String) { Terminal.output.write(text + "\n") }

    /// Prints the result for programs.
    func print(json value: some Encodable) throws {
        Terminal.output.write(String(decoding: try CanonicalJSON.document(value), as: UTF8.self))
    }

    /// Prints a line for the person who waits.
    func note(_ text: String) {
        if !isQuiet { Terminal.errors.write(text + "\n") }
    }

    /// Prints a line that few want to see.
    func detail(_ text: String) {
        if isVerbose { note(text) }
    }

    /// Prints a problem, in the compiler's style.
    func show(_ problem: Diagnostic) { Terminal.errors.write(styled(problem) + "\n") }

    /// A problem as it is printed.
    func styled(_ problem: Diagnostic) -> String {
        problem.text {
            noteStyle.bold($0)
        } word: {
            problem.severity == .error ? noteStyle.red($0) : noteStyle.yellow($0)
        }
    }
}

/// One of the two standard streams.
struct Terminal: Sendable {
    static let output = Terminal(descriptor: STDOUT_FILENO)
    static let errors = Terminal(descriptor: STDERR_FILENO)

    let descriptor: Int32

    /// Whether a person is looking.
    var isInteractive: Bool {
        isatty(descriptor) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// The size of its window.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return (100, 24) }
        return (size.ws_col > 0 ? Int(size.ws_col) : 100, size.ws_row > 0 ? Int(size.ws_row) : 24)
    }

    /// What kept a result from being written; zero where nothing did.
    static var failure: Int32 { failed.load(ordering: .relaxed) }
    private static let failed = Atomic<Int32>(0)

    /// Writes all of a text; a reader that has gone away is not an error worth telling nobody about.
    func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = bytes[...]
            while let start = UnsafeBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                let count = Foundation.write(descriptor, start, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    if count < 0, errno != EPIPE, descriptor == STDOUT_FILENO {
                        Self.failed.store(errno, ordering: .relaxed)
                    }
                    return
                }
                rest = rest.dropFirst(count)
            }
        }
    }
}

/// Colours for a terminal, and nothing for anything else; `NO_COLOR` is honoured.
struct TextStyle: Sendable {
    let isEnabled: Bool

    init(_ terminal: Terminal) {
        let environment = ProcessInfo.processInfo.environment
        isEnabled = terminal.isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
    }

    func bold(_ text: String) -> String { styled(text, 1) }
    func dim(_ text: String) -> String { styled(text, 2) }
    func red(_ text: String) -> String { styled(text, 31) }
    func green(_ text: String) -> String { styled(text, 32) }
    func yellow(_ text: String) -> String { styled(text, 33) }
    func cyan(_ text: String) -> String { styled(text, 36) }

    private func styled(_ text: String, _ code: Int) -> String {
        isEnabled ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
