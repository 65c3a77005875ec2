internal import Foundation

/// What a cluster's small programs answer.
struct SlurmTools: Sendable {
    struct Answer {
        var code: Int32 = 0
        var output = ""
        var errors = ""
    }

    private let answer: @Sendable (_ words: [String], _ input: String?) throws -> Answer

    /// Something else in place of the programs.
    init(_ answer: @escaping @Sendable (_ words: [String], _ input: String?) throws -> Answer) {
        self.answer = answer
    }

    /// The programs that are found in `PATH`.
    init() { answer = Self.execute }

    /// Runs a program to its end.
    func run(_ words: [String], input: String? = nil) throws -> Answer { try answer(words, input) }

    private static func execute(_ words: [String], input: String?) throws -> Answer {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        let source = Pipe()
        process.standardInput = input == nil ? FileHandle.nullDevice : source
        try process.run()
        if let input {
            try source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try source.fileHandleForWriting.close()
        }
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Answer(
            code: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
            errors: String(decoding: complained, as: UTF8.self))
    }
}
