internal import Diagnostics
internal import Foundation

/// What was asked of a run: `runs/<id>/request.json`, so that ``RunHistory/remainder(of:in:until:)`` asks for the same.
public struct RunRequest: Codable, Hashable, Sendable {
    /// The command lines that led to it, word by word: that of the run, and those that went on with it.
    public var commands: [[String]]
    /// The profile that was laid over the file.
    public var profile: String?
    /// The overrides, `stage.setting=value`.
    public var overrides: [String]
    /// Which part of the pipeline was meant, and what was to be made again.
    public var selection: PlanOptions

    /// Creates a request.
    public init(
        commands: [[String]], profile: String? = nil, overrides: [String] = [],
        selection: PlanOptions = PlanOptions()
    ) {
        self.commands = commands
        self.profile = profile
        self.overrides = overrides
        self.selection = selection
    }

    /// The command lines as a shell takes them.
    public var commandLines: [String] {
        commands.map { $0.map(Self.quoted).joined(separator: " ") }
    }

    /// A word as a shell takes it, in quotes where it must be.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:,=+@%".utf8.contains(byte)
            }
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}

extension RunHistory {
    /// What was asked of a run; nil for runs of versions that did not keep it.
    public func request(of id: String) throws -> RunRequest? {
        let file = folder(of: id).appending(path: RunFolder.request)
        guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
        do {
            return try JSONDecoder().decode(RunRequest.self, from: data)
        } catch {
            throw StoreError("it was not written by this version of Retort", path: file.path)
        }
    }

    /// What is left of what a run was asked for: the same part of the pipeline; of the stages that were to be made again,
    /// those that the run has not made.
    ///
    /// - Parameter stage: go on only until this stage is made.
    public func remainder(of id: String, in graph: Graph, until stage: String? = nil) throws -> PlanOptions {
        let summary = try summary(of: id)
        let request = try request(of: id)
        if let request { try check(request.selection, of: id, in: graph) }
        var options = try request?.selection ?? Self.selection(of: summary, in: graph)
        if let stage {
            guard !graph.indices(named: stage).isEmpty else {
                throw Diagnostic(
                    "the run \(id) has no stage '\(stage)'", hint: graph.stageHint(for: stage),
                    exitCode: .usage)
            }
            (options.from, options.until, options.only, options.targets) = ([], [stage], [], [])
        }
        let selection = try options.selection(in: graph)
        let made = Set(summary.stages.filter { $0.state == StageResult.State.ran.rawValue }.map(\.name))
        options.force = Set(options.force.flatMap { graph.indices(named: $0) }).intersection(selection)
            .sorted()
            .map { graph.nodes[$0].name }.filter { !made.contains($0) }
        return options
    }

    /// Refuses names that a pipeline file does not have any more.
    private func check(_ options: PlanOptions, of id: String, in graph: Graph) throws(Diagnostic) {
        let named = [
            ("", options.targets), ("--from ", options.from), ("--until ", options.until),
            ("--only ", options.only), ("--force ", options.force),
        ]
        for (option, names) in named {
            for name in names where graph.indices(named: name).isEmpty {
                throw Diagnostic(
                    "the run \(id) was begun with '\(option)\(name)', and the pipeline has no stage '\(name)' any more",
                    hint: "'--use frozen' goes on with the pipeline as it was", exitCode: .usage)
            }
        }
    }

    /// What a run of an earlier version was to make, as far as its plan tells.
    private static func selection(of summary: RunSummary, in graph: Graph) throws(Diagnostic) -> PlanOptions {
        let known = summary.stages.filter { !graph.indices(named: $0.name).isEmpty }
        var options = PlanOptions()
        options.until = known.filter { ["run", "resume"].contains($0.planned) }.map(\.name)
        guard options.until.isEmpty else { return options }
        // Nothing was to be done, or nothing could be. What the plan ended in was meant, and perhaps nothing else.
        let planned = Set(known.flatMap { graph.indices(named: $0.name) })
        let read = Set(planned.flatMap { graph.nodes[$0].inputs.map(\.producer) })
        options.only = planned.subtracting(read).sorted().map { graph.nodes[$0].name }
        guard options.only.isEmpty else { return options }
        throw Diagnostic(
            "the pipeline has none of the stages of the run \(summary.id)",
            hint: "'--use frozen' goes on with the pipeline as it was", exitCode: .usage)
    }
}
