import Foundation
import TestSupport
import Testing

/// Which verbs wait for libtorch.
@Suite struct LazyLibraryTests {
    private let retort: Retort

    init() throws {
        retort = try Retort()
        try retort.folder.write(
            """
            retort: 1
            name: lazy
            stages:
              words: {uses: shell, cmd: "echo word > $OUT/words", out: words}
              vfm: {uses: pretrain, images: generic.train, architecture: dwcnn_s, epochs: 1}
            data:
              generic: {kind: world, domain: generic, seed: 1, splits: {train: 8}}

            """, to: "p.yaml")
    }

    /// Whether the loader looked for the library while the program did this; it tells what it does on stderr.
    private func loadsLibrary(_ arguments: [String]) throws -> (code: Int32, Bool) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["LD_DEBUG=files", Retort.program.path] + arguments
        process.currentDirectoryURL = retort.folder.url
        process.environment = ProcessInfo.processInfo.environment.merging([
            "RETORT_HOME": retort.folder.appending("Artifacts").path, "NO_COLOR": "1",
        ]) { $1 }
        let errors = retort.folder.appending("loader-\(UUID().uuidString)")
        try Data().write(to: errors)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        let said = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
        try #require(said.contains("libFoundation.so"), "the loader said nothing: \(said.suffix(500))")
        return (process.terminationStatus, said.contains("libtorch_cpu.so"))
    }

    @Test func `what needs no tensor does not wait for libtorch`() throws {
        let verbs = [
            "--version", "stages", "validate p.yaml", "graph p.yaml", "plan p.yaml --only words",
            "run p.yaml --only words", "run p.yaml --only words", "status", "runs", "log", "path words",
            "why words p.yaml", "du", "gc", "verify", "report", "config p.yaml", "schema", "run --help",
        ]
        for verb in verbs {
            let (code, loads) = try loadsLibrary(verb.split(separator: " ").map(String.init))
            #expect(code == 0, "\(verb)")
            #expect(!loads, "'\(verb)' loads libtorch")
        }
        let (_, loads) = try loadsLibrary(["doctor"])
        #expect(loads, "a doctor looks at libtorch")
    }

    @Test func `a program without its library says so before anything begins`() throws {
        let alone = retort.folder.appending("retort")
        try FileManager.default.copyItem(at: Retort.program, to: alone)
        func run(_ arguments: String...) throws -> (code: Int32, output: String, errors: String) {
            let process = Process()
            process.executableURL = alone
            process.arguments = arguments
            process.currentDirectoryURL = retort.folder.url
            process.environment = ["RETORT_HOME": retort.folder.appending("Artifacts").path, "NO_COLOR": "1"]
            let errors = retort.folder.appending("stderr-\(UUID().uuidString)")
            try Data().write(to: errors)
            let output = Pipe()
            process.standardOutput = output
            process.standardError = try FileHandle(forWritingTo: errors)
            try process.run()
            let said = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return (
                process.terminationStatus, String(decoding: said, as: UTF8.self),
                try String(contentsOf: errors, encoding: .utf8)
            )
        }
        let missing = "libRetortNative.so: cannot open shared object file: No such file or directory"
        let computing = try run("run", "p.yaml")
        #expect(computing.code == 69)
        #expect(
            computing.errors == """
                error: libtorch cannot be used: \(missing)
                  hint: build again with 'make build'

                """)
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("Artifacts/runs").path))
        #expect(try run("run", "p.yaml", "--only", "words").code == 0)
        let doctor = try run("doctor")
        #expect(doctor.code == 69)
        #expect(doctor.output.contains(missing))
    }
}
