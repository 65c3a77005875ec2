import Foundation
import TestSupport
import Testing

@testable import Engine

/// What the batch script of a job does with signals, with a stage and a cluster that are scripts.
@Suite struct BatchScriptTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        // Signals reach a stage at once that is a script.
        try program("env", "exit 125")
        try program("sleep", "exit 0")
        try program("scontrol", "echo \"$@\" >> \(path("requeued"))")
        try program(
            "stage",
            """
            trap 'echo TERM >> \(path("told"))' TERM
            trap 'echo USR1 >> \(path("told"))' USR1
            : > \(path("begun"))
            until [ -e \(path("end")) ]; do /bin/sleep 0.01; done
            exit 75
            """)
    }

    private func path(_ name: String) -> String { folder.appending(name).path }

    private func program(_ name: String, _ text: String) throws {
        let file = try folder.write("#!/bin/sh\n\(text)\n", to: "bin/\(name)")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }

    private func content(_ name: String) -> String { (try? folder.read(name)) ?? "" }

    /// What is put back into the queue when the script is told this, one after the other.
    private func requeued(_ signals: [(number: Int32, name: String)]) throws -> String {
        let search = folder.appending("bin").path + ":/usr/bin:/bin"
        let slurm = try FakeSlurm()
        let executor = try slurm.executor(program: folder.appending("bin/stage"))
        let job = slurm.job()
        let script = try folder.write(executor.script(job), to: "script")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [script.path]
        process.environment = ["PATH": search, "SLURM_JOB_ID": "12"]
        try process.run()
        while !FileManager.default.fileExists(atPath: path("begun")) { usleep(1000) }
        for (number, name) in signals {
            kill(process.processIdentifier, number)
            while !content("told").contains(name) { usleep(1000) }
        }
        try folder.write("", to: "end")
        process.waitUntilExit()
        #expect(process.terminationStatus == 75)
        return content("requeued")
    }

    @Test func `a job whose time is up is queued again`() throws {
        #expect(try requeued([(SIGUSR1, "USR1")]) == "requeue 12\n")
    }

    @Test func `a job that was stopped is not, though its time is up, too`() throws {
        #expect(try requeued([(SIGTERM, "TERM"), (SIGUSR1, "USR1")]) == "")
    }

    @Test func `a job whose time is up is not queued again when it is stopped while it saves`() throws {
        #expect(try requeued([(SIGUSR1, "USR1"), (SIGTERM, "TERM")]) == "")
    }

    @Test func `only who asks for the same again is impatient`() {
        let stop = StopRequest()
        #expect(stop.request(signal: SIGUSR1) && stop.isTimeUp)
        #expect(stop.request(signal: SIGTERM) && !stop.isTimeUp)
        #expect(stop.signal == SIGUSR1)
        #expect(!stop.request(signal: SIGUSR1))
        #expect(!stop.request(signal: SIGINT))
    }
}
