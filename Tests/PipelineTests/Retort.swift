import Foundation
import TestSupport

/// The built program, run as a user runs it.
struct Retort {
    /// How a process ended, and what it said.
    struct Outcome {
        var code: Int32
        var output: String
        var errors: String

        /// The JSON object that ends stdout.
        func json() throws -> [String: Any] {
            let start =
                output.range(of: "\n{").map { output.index(after: $0.lowerBound) } ?? output.startIndex
            let object = try JSONSerialization.jsonObject(with: Data(output[start...].utf8))
            return object as? [String: Any] ?? [:]
        }
    }

    let folder: TemporaryFolder
    private let home: URL

    init() throws {
        folder = try TemporaryFolder()
        home = folder.appending("Artifacts")
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL
    static let quickstart = root.appending(path: "Pipelines/quickstart.yaml").path

    static let program: URL = {
        // The test bundle lies beside the program it tests.
        let arguments = CommandLine.arguments.map { URL(filePath: $0) }
        let bundle = arguments.first { $0.path.hasSuffix(".xctest") } ?? arguments[0]
        return bundle.deletingLastPathComponent().appending(path: "retort")
    }()

    /// Starts the program in the temporary folder, with a store of its own.
    func start(
        _ arguments: [String], output: Any? = nil, errors: Any? = nil, environment: [String: String] = [:]
    ) throws -> Process {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        process.currentDirectoryURL = folder.url
        process.environment = ProcessInfo.processInfo.environment.merging([
            "RETORT_HOME": home.path, "NO_COLOR": "1",
        ]) { $1 }.merging(environment) { $1 }
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = errors ?? FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Runs the program to its end.
    func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

    /// Runs the program to its end.
    func run(_ arguments: [String]) throws -> Outcome {
        // Stderr goes to a file: two pipes read one after the other can block the program.
        let errors = folder.appending("stderr-\(UUID().uuidString)")
        try Data().write(to: errors)
        let output = Pipe()
        let process = try start(arguments, output: output, errors: try FileHandle(forWritingTo: errors))
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }

    /// The bytes of a file in a stage's artifact.
    func artifact(_ stage: String, _ file: String) throws -> Data {
        let path = try run("path", stage).output.trimmingCharacters(in: .whitespacesAndNewlines)
        return try Data(contentsOf: URL(filePath: path).appending(path: file))
    }
}

/// Packs what a folder holds into a tar file, with the system's own `tar`.
func writeTar(of folder: URL, to file: URL) throws {
    let tar = Process()
    tar.executableURL = URL(filePath: "/usr/bin/env")
    tar.arguments = ["tar", "--sort=name", "-cf", file.path, "-C", folder.path, "."]
    try tar.run()
    tar.waitUntilExit()
    guard tar.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
}
