import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Manifest
import Report

/// The options that name a pipeline and what is changed in it.
struct PipelineOptions: ParsableArguments {
    @Argument(help: "The pipeline file.", completion: .file(extensions: ["yaml", "yml"]))
    var file = "retort.yaml"

    @Option(
        name: [.customShort("s"), .customLong("set")],
        help: ArgumentHelp("Set a value: stage.setting=value or vars.name=value.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(name: .shortAndLong, help: "Lay this profile over the file (else $RETORT_PROFILE).")
    var profile: String?

    /// The profile that is meant: the option's, else the environment's.
    private var profileName: String? {
        profile ?? ProcessInfo.processInfo.environment["RETORT_PROFILE"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The command line as it was given.
    static var invocation: [String] { ["retort"] + CommandLine.arguments.dropFirst() }

    /// What is asked of a run, apart from its selection.
    ///
    /// - Parameters:
    ///   - more: overrides that come after the others.
    ///   - command: the command line that asks for it.
    func request(adding more: [String] = [], command: [String] = invocation) -> RunRequest {
        // A profile of the environment is written out, so that the command means the same everywhere.
        let named = profile == nil ? profileName.map { ["-p", $0] } ?? [] : []
        return RunRequest(commands: [command + named], profile: profileName, overrides: overrides + more)
    }

    /// The pipeline with its profile and overrides, not yet checked against the stages.
    ///
    /// - Parameter more: overrides that come after the others.
    func specification(adding more: [String] = []) throws(Problems) -> PipelineSpec {
        try Manifest.load(
            file: URL(filePath: file), overrides: overrides + more, profile: profileName,
            environment: ProcessInfo.processInfo.environment)
    }

    /// The pipeline, checked.
    ///
    /// - Parameter more: overrides that come after the others.
    func graph(adding more: [String] = []) throws(Problems) -> Graph {
        try Manifest.graph(
            file: URL(filePath: file), overrides: overrides + more, profile: profileName,
            environment: ProcessInfo.processInfo.environment, catalog: stageCatalog)
    }
}

/// The option that names a store.
struct StoreOptions: ParsableArguments {
    @Option(help: "Where artifacts are kept (else $RETORT_HOME, else ./Artifacts).", completion: .directory)
    var store: String?

    /// The store's root.
    var root: URL {
        let named = ProcessInfo.processInfo.environment["RETORT_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        return URL(filePath: store ?? named ?? "Artifacts", directoryHint: .isDirectory)
    }

    /// Opens the store.
    func open() -> Store { Store(root: root) }

    /// Opens a store that must be there.
    ///
    /// - Parameter always: also where `--store` names none; else a project that never ran has an empty one.
    func existing(always: Bool = false) throws -> Store {
        let opened = open()
        guard opened.isThere || !(always || store != nil) else {
            throw Diagnostic(
                "there is no store at '\(opened.root.path)'",
                hint: "the first run makes it; name another with --store or RETORT_HOME",
                exitCode: .inputMissing)
        }
        return opened
    }
}
