import Foundation
import TestSupport
import Testing

/// Signs of trouble that a running stage gives, told with their remedy in every style of progress.
@Suite struct RemedyTests {
    /// Nothing can be learned with a learning rate of zero.
    private static let pipeline = """
        retort: 1
        name: flat
        data:
          world: {kind: world, seed: 3, splits: {train: 32}}
        stages:
          model: {uses: pretrain, images: world.train, architecture: dwcnn_xs, steps: 400, batch_size: 4, learning_rate: 0}
        """
    private static let message = "model: the loss has not fallen: "
    private static let hint =
        "the learning rate may be too small or too large, or the labels may not belong to the images"

    @Test func `a loss that does not fall is told once, in every style`() throws {
        let retort = try Retort()
        try retort.folder.write(Self.pipeline, to: "p.yaml")
        let plain = try retort.run("run", "p.yaml", "--threads", "1", "--progress", "plain")
        #expect(plain.code == 0, "\(plain.errors)")
        let lines = plain.errors.split(separator: "\n")
        let place = try #require(lines.firstIndex { $0.hasPrefix("warning: " + Self.message) })
        #expect(lines[place + 1] == "  hint: \(Self.hint)")
        // Others may be told on a busy machine: of its speed, of waiting for images.
        #expect(lines.count { $0.hasPrefix("warning: " + Self.message) } == 1)

        let json = try retort.run("run", "p.yaml", "--threads", "1", "--progress", "json", "--force", "model")
        let entries = try json.errors.split(separator: "\n").filter { $0.hasPrefix("{\"") }.map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        let warnings = entries.filter {
            $0["event"] as? String == "warning"
                && ($0["message"] as? String)?.contains("the loss has not fallen") == true
        }
        #expect(warnings.map { $0["stage"] as? String } == ["model"])
        #expect(warnings.map { $0["hint"] as? String } == [Self.hint])

        // A terminal of script(1)'s making.
        let command = "'\(Retort.program.path)' run p.yaml --threads 1 --progress auto --force model"
        let said = try Slurm.run([
            "env", "-u", "CI", "-C", retort.folder.url.path, "TERM=xterm", "NO_COLOR=1",
            "RETORT_HOME=\(retort.folder.appending("Artifacts").path)", "script", "-qec", command,
            "/dev/null",
        ])
        #expect(said.contains("█"), "\(said.suffix(500))")
        #expect(said.contains("warning: " + Self.message) && said.contains("hint: \(Self.hint)"))

        // The report has it, too.
        let report = try retort.run("report").output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try String(contentsOfFile: report, encoding: .utf8).contains("the loss has not fallen"))
    }
}
