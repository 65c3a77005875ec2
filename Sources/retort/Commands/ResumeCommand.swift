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
        let request = try history.request(of: id)
        let spec = use == .frozen ? frozen : try PipelineDrift.reread(frozen, request)
        if use == .frozen { tellDrift(from: frozen, request, console) }
        var graph = try Graph(spec, catalog: stageCatalog)
        graph.processes = try processes.count()
        var session = RunSession(graph: graph, store: store, execution: execution, isJSON: global.json)
        session.processes = (processes, crew)
        session.request = request ?? RunRequest(commands: [["retort", "run", frozen.file]])
        session.request?.commands.append(PipelineOptions.invocation)
        try session.run(try history.remainder(of: id, in: graph, until: stage), console)
    }

    func failure(_ problems: Problems) -> JSON { RunSession.failure(problems) }

    private func tellDrift(from frozen: PipelineSpec, _ request: RunRequest?, _ console: Console) {
        do {
            let drift = try PipelineDrift(from: frozen, request)
            guard !drift.differences.isEmpty else { return }
            console.note("\(drift.file) has changed since the run began; the run goes on as it was:")
            for difference in drift.differences { console.note("  \(difference)") }
            console.note("  to use the file as it is now: retort resume --use current")
        } catch {
            let first = error.all.first
            console.show(
                Diagnostic(
                    "it cannot be told whether \(frozen.file) has changed since the run began: "
                        + (first?.message ?? "it cannot be read"),
                    at: first?.location, hint: "the run goes on with the pipeline as it was",
                    severity: .warning))
        }
    }
}

/// How a pipeline file differs from what a run froze of it.
struct PipelineDrift {
    let file: String
    let differences: [KeyDifference]

    /// Compares with the file as it is now.
    ///
    /// - Throws: the problems of a file that can no longer be read.
    init(from frozen: PipelineSpec, _ request: RunRequest?) throws(Problems) {
        let current = try Self.reread(frozen, request)
        file = frozen.file
        differences = current.differences(from: frozen)
    }

    /// Reads the file again, with the profile and the overrides that the frozen values came from.
    static func reread(_ frozen: PipelineSpec, _ request: RunRequest?) throws(Problems) -> PipelineSpec {
        try Manifest.load(
            file: URL(filePath: frozen.file, relativeTo: frozen.directory),
            overrides: request?.overrides ?? overrides(frozen),
            profile: request == nil ? profile(frozen) : request?.profile,
            environment: ProcessInfo.processInfo.environment, directory: frozen.directory)
    }

    /// The overrides of a run that has not kept them apart.
    private static func overrides(_ frozen: PipelineSpec) -> [String] {
        origins(frozen).filter { $0.hasPrefix("-s ") }.map { String($0.dropFirst(3)) }
    }

    /// The profile of a run that has not kept it apart: what stands before the place, `profile my name (food.yml:3:5)`.
    private static func profile(_ frozen: PipelineSpec) -> String? {
        guard let origin = origins(frozen).first(where: { $0.hasPrefix("profile ") }),
            let end = origin.range(of: " (", options: .backwards)
        else { return nil }
        return String(origin[..<end.lowerBound].dropFirst("profile ".count))
    }

    private static func origins(_ frozen: PipelineSpec) -> [String] {
        Set(frozen.sources.values.flatMap { $0.components(separatedBy: ", vars.") }).sorted()
    }
}
