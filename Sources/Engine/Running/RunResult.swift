public import Diagnostics

/// How a run ended; as JSON, the contents of `result.json` and the last line of `run --json`.
public struct RunResult: Codable, Hashable, Sendable {
    /// The run's identifier.
    public var run: String
    /// Whether every stage succeeded and every gate held.
    public var ok: Bool
    /// What became of each stage.
    public var stages: [String: StageResult]
    /// What became of each gate.
    public var gates: [GateResult]
    /// The exit code.
    public var exit: Int32
    /// The seconds it took.
    public var seconds: Double

    /// The exit code of the process.
    public var exitCode: ExitCode { ExitCode(rawValue: exit) ?? .bug }

    /// Whether it was stopped, or another process was at work on what it was to make: going on is all it needs.
    var isInterrupted: Bool { !ok && (exitCode == .interrupted || exitCode == .stopped) }
    /// The word for it in the journal.
    var word: String { ok ? "ok" : isInterrupted ? "interrupted" : "failed" }
}

/// What became of one stage.
public struct StageResult: Codable, Hashable, Sendable {
    /// The ways for a stage to end.
    public enum State: String, Codable, Hashable, Sendable {
        /// It was executed and its artifact is in the store.
        case ran
        /// Its artifact was in the store already.
        case cached
        /// It failed; its work is kept.
        case failed
        /// Another process is making its artifact.
        case busy
        /// Something it reads could not be made.
        case blocked
        /// It stopped because it was asked to; its work is kept.
        case interrupted
        /// The run ended before it could begin.
        case skipped
    }

    /// How it ended.
    public var state: State
    /// The folder of its artifact.
    public var artifact: String?
    /// The seconds it was executed for in this run.
    public var seconds: Double
    /// What went wrong.
    public var message: String?

    /// Creates a result.
    public init(_ state: State, artifact: String? = nil, seconds: Double = 0, message: String? = nil) {
        self.state = state
        self.artifact = artifact
        self.seconds = seconds
        self.message = message
    }
}

/// What became of one gate at one node.
public struct GateResult: Codable, Hashable, Sendable {
    /// The condition, as the user wrote it.
    public var text: String
    /// Where it stands.
    public var location: String
    /// The node it was checked at.
    public var node: String
    /// The number that was found, if one was.
    public var value: Double?
    /// Whether the condition holds.
    public var holds: Bool
    /// Why no number was found, where a file that may have it cannot be read: `metrics.json is no JSON`.
    public var trouble: String?
}

/// A stage that could not do its work, and where it stood.
public struct StageFailure: Error, Sendable, CustomStringConvertible {
    /// The node.
    public var stage: String
    /// The last step it reported.
    public var step: Int?
    /// What went wrong.
    public var underlying: any Error
    /// The exit code of a process that ends because of it.
    public var exitCode: ExitCode

    /// The located text of a diagnostic, or a sentence about the stage.
    public var description: String {
        switch underlying {
        case let problems as Problems: return problems.description
        case let diagnostic as Diagnostic: return diagnostic.description
        case let error as StoreError:
            return Diagnostic("\(stage): \(error)", hint: error.hint).description
        case let error as LockBusy:
            return Diagnostic("\(error)", hint: error.hint).description
        default:
            let place = step.map { " after step \($0)" } ?? ""
            return Diagnostic("\(stage) failed\(place): \(underlying)").description
        }
    }
}
