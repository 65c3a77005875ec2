import Diagnostics
import Engine
import Foundation

/// Finds the artifact that a stage's name stands for on the command line.
struct ArtifactLookup {
    private let history: RunHistory

    init(_ store: Store) { history = RunHistory(store) }

    /// The folder of a stage's artifact, and the run it is from: the newest that has it, or the one that is named.
    func artifact(of stage: String, run: String?) throws -> (run: String, folder: URL) {
        let newest = try history.identifier(matching: run)
        let runs = run == nil ? history.identifiers() : [newest]
        for id in runs {
            if let folder = history.artifact(of: stage, run: id) { return (id, folder) }
        }
        throw problem(
            stage, runs.flatMap { (try? history.summary(of: $0).stages.map(\.name)) ?? [] },
            run: run.map { _ in newest })
    }

    /// What is wrong with the name, or else with the artifact.
    private func problem(_ stage: String, _ names: [String], run: String?) -> Diagnostic {
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
