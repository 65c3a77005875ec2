import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Tensors

/// The options that every verb has.
struct GlobalOptions: ParsableArguments {
    @Flag(help: "Print the result as JSON.")
    var json = false

    @Option(name: [.customShort("C"), .long], help: "Work in this directory.")
    var directory: String?

    @Flag(name: .shortAndLong, help: "Print results and errors only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Print more.")
    var verbose = false
}

/// A verb: parses its arguments, prints its result, and fails in one of the documented ways.
protocol RetortCommand: ParsableCommand {
    var global: GlobalOptions { get }

    /// Whether it works with tensors for long.
    static var computes: Bool { get }

    /// Does the work; called in the directory that `-C` names.
    func execute(_ console: Console) throws

    /// What a `--json` reader gets when the problems kept the verb from its work.
    func failure(_ problems: Problems) -> JSON
}

/// The end of a verb that has said all there is to say, with a code that is not zero.
struct EarlyExit: Error {
    let code: Diagnostics.ExitCode

    init(_ code: Diagnostics.ExitCode) { self.code = code }
}

extension RetortCommand {
    static var computes: Bool { false }

    func failure(_ problems: Problems) -> JSON {
        .object(["ok": .bool(false), "problems": .array(problems.all.map(\.json))])
    }

    mutating func run() throws {
        if Self.computes { RuntimeEnvironment.adopt() }
        let console = Console(isQuiet: global.quiet, isVerbose: global.verbose)
        if let directory = global.directory, !FileManager.default.changeCurrentDirectoryPath(directory) {
            let problem = Diagnostic("cannot work in '\(directory)'", exitCode: .inputMissing)
            fail(Problems([problem]), console)
        }
        do {
            try execute(console)
            leave(.ok)
        } catch let exit as EarlyExit {
            leave(exit.code)
        } catch let problems as Problems {
            fail(problems, console)
        } catch let problem as Diagnostic {
            fail(Problems([problem]), console)
        } catch let error as StoreError {
            fail(Problems([Diagnostic("\(error)", hint: error.hint, exitCode: error.exitCode)]), console)
        } catch let error as LockBusy {
            fail(Problems([Diagnostic("\(error)", hint: error.hint, exitCode: error.exitCode)]), console)
        } catch let error as ValidationError {
            throw error
        } catch {
            let problem = StoreError(error).map { Diagnostic("\($0)", hint: $0.hint, exitCode: $0.exitCode) }
            fail(Problems([problem ?? Diagnostic("\(error)", exitCode: .stageFailed)]), console)
        }
    }

    private func fail(_ problems: Problems, _ console: Console) -> Never {
        for problem in problems.all { console.show(problem) }
        if global.json { try? console.print(json: failure(problems)) }
        leave(problems.exitCode)
    }
}

/// Ends the process without taking libtorch's tables apart: that would take tens of milliseconds.
///
/// Who gets half of a result must not take it for the whole.
private func leave(_ code: Diagnostics.ExitCode) -> Never {
    fflush(nil)
    if code == .ok, Terminal.failure != 0 {
        let reason = String(cString: strerror(Terminal.failure))
        Terminal.errors.write("error: the result could not be written to standard output: \(reason)\n")
        _exit(Diagnostics.ExitCode.io.rawValue)
    }
    _exit(code.rawValue)
}

extension Diagnostic {
    /// The diagnostic for programs.
    var json: JSON {
        var members: [String: JSON] = ["message": .string(message), "severity": .string(severity.rawValue)]
        if let hint { members["hint"] = .string(hint) }
        if let location {
            members["file"] = .string(location.file)
            members["line"] = .int(location.line)
            members["column"] = .int(location.column)
        }
        return .object(members)
    }
}
