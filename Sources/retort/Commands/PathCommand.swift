import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// Prints the folder of a stage's artifact.
struct PathCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "path", abstract: "Print the folder of a stage's artifact.",
        discussion: "Without --run, the newest run that has the stage's artifact is meant.")

    @Argument(help: "The stage, with its matrix point if it has one: student[seed=0].") var stage: String
    @Option(help: "The run.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let history = RunHistory(store.open())
        let newest = try history.identifier(matching: run)
        let runs = run == nil ? history.identifiers() : [newest]
        for id in runs {
            guard let folder = history.artifact(of: stage, run: id) else { continue }
            if global.json {
                return try console.print(json: ["run": id, "stage": stage, "artifact": folder.path])
            }
            return console.print(folder.path)
        }
        throw problem(
            try runs.flatMap { try history.summary(of: $0).stages.map(\.name) }, run: run.map { _ in newest })
    }

    /// What is wrong with the name, or else with the artifact.
    private func problem(_ names: [String], run: String?) -> Diagnostic {
        let place = run.map { "the run \($0)" } ?? "any run"
        let points = Set(names.filter { $0.hasPrefix(stage + "[") }).sorted()
        if !points.isEmpty {
            return Diagnostic(
                "'\(stage)' has several artifacts", hint: "name one: \(points.joined(separator: ", "))",
                exitCode: .usage)
        }
        if names.contains(stage) {
            return Diagnostic(
                "'\(stage)' has no artifact in \(place)", hint: "'retort status' says how far it is",
                exitCode: .inputMissing)
        }
        return Diagnostic(
            "there is no stage '\(stage)' in \(place)", hint: stage.didYouMean(Set(names)), exitCode: .usage)
    }
}
