import Foundation
import TestSupport
import Testing

/// What shells complete, asked of a real shell.
@Suite struct CompletionTests {
    /// What bash offers for the last word.
    private func offers(_ words: [String], _ script: URL) throws -> [String] {
        let shell = Process()
        shell.executableURL = URL(filePath: "/usr/bin/env")
        let call = """
            source "$0"
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=$(printf %s "$*" | wc -c)
            _retort retort "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        shell.arguments = ["bash", "-c", call, script.path] + words
        let output = Pipe()
        shell.standardOutput = output
        try shell.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
        return said.split(separator: "\n").map(String.init)
    }

    @Test func `bash completes verbs, options and their values`() throws {
        let retort = try Retort()
        let written = try retort.run("--generate-completion-script", "bash")
        #expect(written.code == 0)
        let script = retort.folder.appending("retort.bash")
        try Data(written.output.utf8).write(to: script)
        #expect(try offers(["retort", "pl"], script) == ["plan"])
        #expect(try offers(["retort", "run", "--exec"], script) == ["--executor"])
        #expect(try offers(["retort", "run", "--executor", ""], script) == ["local", "slurm"])
        #expect(try offers(["retort", "neighbours", "--engine", "s"], script) == ["stream"])
    }

    @Test(arguments: ["zsh", "fish"]) func `there is a script for other shells, too`(_ shell: String) throws {
        let written = try Retort().run("--generate-completion-script", shell)
        #expect(written.code == 0)
        for verb in ["plan", "resume", "neighbours", "doctor"] { #expect(written.output.contains(verb)) }
    }
}
