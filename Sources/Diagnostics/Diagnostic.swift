/// A problem the user can fix, at the place where they can fix it.
public struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
    /// How much a diagnostic matters: errors stop the work, warnings do not.
    public enum Severity: String, Hashable, Sendable { case error, warning }

    /// What is wrong, in one sentence without a full stop.
    public var message: String
    /// Where it is wrong.
    public var location: SourceLocation?
    /// What to do about it.
    public var hint: String?
    /// How much it matters.
    public var severity: Severity
    /// The exit code of a process that ends because of it.
    public var exitCode: ExitCode

    /// Creates a diagnostic.
    public init(
        _ message: String, at location: SourceLocation? = nil, hint: String? = nil,
        severity: Severity = .error, exitCode: ExitCode = .badConfiguration
    ) {
        self.message = message
        self.location = location
        self.hint = hint
        self.severity = severity
        self.exitCode = exitCode
    }

    /// The compiler-style text: `file:line:column: error: message`, with the hint on a line of its own.
    public var description: String {
        text {
            $0
        } word: {
            $0
        }
    }

    /// The compiler-style text, with the place and the severity dressed; what the user wrote cannot dress itself.
    public func text(place dress: (String) -> String, word: (String) -> String) -> String {
        let place = location.map { dress("\($0):".onOneLine) + " " } ?? ""
        let hint = hint.map { "\n  hint: \($0.printable)" } ?? ""
        return "\(place)\(word("\(severity):")) \(message.printable)\(hint)"
    }
}

/// A place in a file the user wrote; lines and columns count from one.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The file, as the user named it.
    public var file: String
    /// The line, from one.
    public var line: Int
    /// The column, from one.
    public var column: Int

    /// Creates a location.
    public init(_ file: String, _ line: Int, _ column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `file:line:column`.
    public var description: String { "\(file):\(line):\(column)" }
}
