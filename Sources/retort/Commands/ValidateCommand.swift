import ArgumentParser
import Diagnostics
import Engine

/// Checks a pipeline file, and the files it names, without planning anything.
struct ValidateCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a pipeline file and report every problem at once.")

    @OptionGroup var pipeline: PipelineOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let graph = try pipeline.graph()
        let summary =
            "\(graph.spec.file): \(Wording.count(graph.nodes.count, "stage")), "
            + Wording.count(graph.gates.count, "gate")
        if global.json {
            try console.print(
                json: JSON.object([
                    "ok": .bool(true), "problems": .array([]),
                    "stages": .array(graph.nodes.map { .string($0.name) }),
                ]))
        } else {
            console.print("\(console.style.green("ok")) \(summary)")
        }
    }
}
