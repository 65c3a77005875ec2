import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Manifest
import Report

/// Goes on with a run that was stopped, failed or killed.
struct ResumeCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with a run, with the pipeline as it was when the run began.")

    /// Which pipeline a resumed run executes.
    enum Source: String, ExpressibleByArgument, CaseIterable { case frozen, current }

    @Argument(help: "The run; any unambiguous beginning or end of its name will do. By default, the newest.")
    var run: String?

    @Argument(help: "Go on only until this stage is made.") var stage: String?
    @Option(help: "The pipeline as the run froze it, or the file as it is now.") var use = Source.frozen
    @OptionGroup(title: "Execution") var execution: ExecutionFlags
    @OptionGroup(title: "Execution") var processes: ProcessOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        if try processes.follow(execution) { return }
        let crew = try processes.launched()
        defer { crew?.dismiss() }
        let store = store.open()
        let history = RunHistory(store)
        let id = try history.identifier(matching: run)
        let frozen = try history.pipeline(of: id)
        let spec = use == .frozen ? frozen : try PipelineDrift.reread(frozen)
        if use == .frozen { tell(PipelineDrift(from: frozen), console) }
        var graph = try Graph(spec, catalog: stageCatalog)
        graph.processes = try processes.count()
        var session = RunSession(graph: graph, store: store, execution: execution, isJSON: global.json)
        session.processes = (processes, crew)
        try session.run(try selection(of: id, history, in: graph), console)
    }

    func failure(_ problems: Problems) -> JSON { RunSession.failure(problems) }

    /// What the run meant to execute, or one stage, and what that is made from.
    private func selection(of id: String, _ history: RunHistory, in graph: Graph) throws -> PlanOptions {
        var options = PlanOptions()
        if let stage {
            guard !graph.indices(named: stage).isEmpty else {
                let names = Set(graph.nodes.map(\.name) + graph.nodes.map(\.spec.name))
                throw Diagnostic(
                    "the run \(id) has no stage '\(stage)'", hint: stage.didYouMean(names.sorted()),
                    exitCode: .usage)
            }
            options.until = [stage]
            return options
        }
        let names = try history.summary(of: id).stages.filter { ["run", "resume"].contains($0.planned) }.map(
            \.name)
        options.until = names.filter { !graph.indices(named: $0).isEmpty }
        return options
    }

    private func tell(_ drift: PipelineDrift?, _ console: Console) {
        guard let drift, !drift.differences.isEmpty else { return }
        console.note("\(drift.file) has changed since the run began; the run goes on as it was:")
        for difference in drift.differences { console.note("  \(difference)") }
        console.note("  to use the file as it is now: retort resume --use current")
    }
}

/// How a pipeline file differs from what a run froze of it.
struct PipelineDrift {
    let file: String
    let differences: [KeyDifference]

    /// Compares with the file as it is now; nil when that can no longer be read.
    init?(from frozen: PipelineSpec) {
        guard let current = try? Self.reread(frozen) else { return nil }
        let (old, new) = (Self.values(frozen), Self.values(current))
        file = frozen.file
        differences = Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }
            .map { KeyDifference("setting.\($0)", old: old[$0], new: new[$0]) }
    }

    /// Reads the file again, with the profile and the overrides that the frozen values came from.
    static func reread(_ frozen: PipelineSpec) throws(Problems) -> PipelineSpec {
        let origins = Set(frozen.sources.values.flatMap { $0.components(separatedBy: ", vars.") }).sorted()
        let overrides = origins.filter { $0.hasPrefix("-s ") }.map { String($0.dropFirst(3)) }
        let profile = origins.first { $0.hasPrefix("profile ") }?.split(separator: " ").dropFirst().first
        return try Manifest.load(
            file: URL(filePath: frozen.file, relativeTo: frozen.directory), overrides: overrides,
            profile: profile.map(String.init), environment: ProcessInfo.processInfo.environment,
            directory: frozen.directory)
    }

    private static func values(_ spec: PipelineSpec) -> [String: String] {
        var values: [String: String] = [:]
        for node in spec.nodes {
            values[node.name] = node.uses
            for entry in node.entries { values["\(node.name).\(entry.key)"] = entry.value.flowText }
        }
        for axis in spec.matrix { values["matrix.\(axis.name)"] = axis.values.joined(separator: ", ") }
        return values
    }
}
