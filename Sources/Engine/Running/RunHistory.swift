public import Diagnostics
public import Foundation

/// Reads what runs have written, during a run too, without taking a lock.
public struct RunHistory: Sendable {
    private let store: Store

    /// Creates a reader of a store's runs.
    public init(_ store: Store) { self.store = store }

    /// The identifiers of all runs, newest first.
    public func identifiers() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: store.path("runs"))) ?? []
        return names.filter { store.disk.exists(store.path("runs/\($0)/\(RunFolder.plan)")) }.sorted(by: >)
    }

    /// The run that a user means: the newest, or the one whose identifier begins or ends with a word.
    public func identifier(matching word: String? = nil) throws(Diagnostic) -> String {
        let all = identifiers()
        guard let word else {
            if let newest = all.first { return newest }
            throw Diagnostic(
                "no run is recorded in '\(store.root.path)'", hint: "start one with 'retort run FILE'",
                exitCode: .inputMissing)
        }
        let found = all.filter { $0.hasPrefix(word) || $0.hasSuffix(word) }
        if let only = found.first, found.count == 1 { return only }
        guard found.isEmpty else {
            throw Diagnostic(
                "'\(word)' means \(found.count) runs", hint: "write more of the identifier", exitCode: .usage)
        }
        throw Diagnostic(
            "there is no run '\(word)'",
            hint: word.didYouMean(all)
                ?? all.first.map { "the newest is \($0); 'retort runs' shows all" }
                ?? "start one with 'retort run FILE'",
            exitCode: .usage)
    }

    /// The folder of a run.
    public func folder(of id: String) -> URL {
        store.root.appending(path: "runs/\(id)", directoryHint: .isDirectory)
    }

    /// The pipeline as the run executed it, with its variables resolved.
    public func pipeline(of id: String) throws -> PipelineSpec {
        try read(PipelineSpec.self, RunFolder.pipeline, of: id)
    }

    /// How the run ended; nil while it lasts, and when it was killed.
    public func result(of id: String) throws -> RunResult? {
        guard store.disk.exists(folder(of: id).appending(path: RunFolder.result).path) else { return nil }
        return try read(RunResult.self, RunFolder.result, of: id)
    }

    /// Whether the run has not ended and its process may be alive, as far as can be told from here.
    public func mayBeAtWork(_ id: String) -> Bool {
        guard !store.disk.exists(folder(of: id).appending(path: RunFolder.result).path) else { return false }
        return store.isAlive(run: id) != false
    }

    /// The file for whose sake a run cannot be read, as it is called in the run's folder; nil when it can be.
    public func unreadableFile(of id: String) -> String? {
        if (try? read(PlanFile.self, RunFolder.plan, of: id)) == nil { return RunFolder.plan }
        if (try? pipeline(of: id)) == nil { return RunFolder.pipeline }
        do { _ = try result(of: id) } catch { return RunFolder.result }
        return nil
    }

    /// What a run has come to; of one that cannot be read, that and the file.
    public func overview(of id: String) throws -> RunSummary {
        do {
            return try summary(of: id)
        } catch {
            guard let file = unreadableFile(of: id) else { throw error }
            var summary = RunSummary(
                id: id, pipeline: (try? pipeline(of: id).name) ?? "unknown", state: .unreadable, started: "",
                stages: [])
            summary.unreadable = file
            return summary
        }
    }

    /// What happened during the run, line by line.
    public func events(of id: String) throws -> [JournalEntry] {
        try readLines(of: folder(of: id).appending(path: RunFolder.journal).path, as: JournalEntry.self)
    }

    /// The folder of the artifact that a node had in a run; nil when it has none.
    public func artifact(of node: String, run id: String) -> URL? {
        let name = Graph.Node.fileName(of: node)
        guard let key = linkedKey(name, run: id) ?? earlierKey(of: node, unless: name, run: id) else {
            return nil
        }
        let folder = store.folder(of: key)
        return store.disk.exists(folder.path) ? folder : nil
    }

    private func linkedKey(_ name: String, run id: String) -> String? {
        let link = folder(of: id).appending(path: "links/\(name)")
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link.path)
        return target.map { ($0 as NSString).lastPathComponent }
    }

    /// The key behind the link that an earlier version made for a node whose name is no file's name; such a link may
    /// be that of another node.
    private func earlierKey(of node: String, unless name: String, run id: String) -> String? {
        let earlier = Graph.Node.earlierFileName(of: node)
        guard earlier != name, let key = linkedKey(earlier, run: id) else { return nil }
        if (try? self.key(of: node, run: id)) == key { return key }
        return (try? ArtifactRecord.read(at: store.folder(of: key)))?.node == node ? key : nil
    }

    /// What a run has come to.
    public func summary(of id: String) throws -> RunSummary {
        var follower = try follower(of: id)
        return try follower.next()
    }

    /// Tells again and again what a run has come to, without reading its whole journal each time.
    public func follower(of id: String) throws -> RunFollower {
        let plan = try read(PlanFile.self, RunFolder.plan, of: id)
        let summary = RunSummary(
            id: id, pipeline: try pipeline(of: id).name, state: .running, started: "",
            stages: plan.stages.map { RunSummary.Stage(name: $0.node, planned: $0.state) })
        return RunFollower(summary, self, JournalFollower(store, run: id))
    }

    /// How a run is that has come to a result, or has not.
    fileprivate func state(of id: String, _ result: RunResult?) -> RunSummary.State {
        guard let result else { return store.isAlive(run: id) == false ? .died : .running }
        return result.ok ? .succeeded : result.isInterrupted ? .interrupted : .failed
    }

    private struct PlanFile: Decodable {
        struct Stage: Decodable {
            var node: String
            var state: String
        }
        var stages: [Stage]
    }

    private func read<Value: Decodable>(_ type: Value.Type, _ name: String, of id: String) throws -> Value {
        let file = folder(of: id).appending(path: name)
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw StoreError(ENOENT, .read, file.path)
        }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw Diagnostic(
                "cannot read '\(file.path)': it was not written by this version of Retort",
                hint: "'retort doctor --repair' puts the run aside", exitCode: .io)
        }
    }
}

/// Tells what a run has come to while it lasts: each look reads what its journal has gained.
public struct RunFollower {
    private var summary: RunSummary
    private let history: RunHistory
    private var journal: JournalFollower

    fileprivate init(_ summary: RunSummary, _ history: RunHistory, _ journal: JournalFollower) {
        self.summary = summary
        self.history = history
        self.journal = journal
    }

    /// What the run has come to now.
    public mutating func next() throws -> RunSummary {
        // Asked before reading: what a run writes last must not be missed.
        let result = try history.result(of: summary.id)
        summary.seconds = result?.seconds
        for event in try journal.next() { summary.read(event) }
        summary.state = history.state(of: summary.id, result)
        return summary
    }
}

/// What a run has come to, as its journal tells.
public struct RunSummary: Codable, Hashable, Sendable {
    /// The ways for a run to be.
    public enum State: String, Codable, Hashable, Sendable {
        case running, succeeded, failed, interrupted
        /// Its process ended without a word.
        case died
        /// What it wrote cannot be read.
        case unreadable
    }

    /// One stage of the run.
    public struct Stage: Codable, Hashable, Sendable {
        /// The node's name.
        public var name: String
        /// What was planned for it: `run`, `resume`, `cached`, `blocked`.
        public var planned: String
        /// `waiting`, `running`, or how it ended.
        public var state = "waiting"
        /// The last step it reported.
        public var step: Int?
        /// The steps it has.
        public var total: Int?
        /// How it looked there.
        public var metrics: [Metric] = []
        /// The seconds it took.
        public var seconds: Double?
        /// What went wrong.
        public var message: String?
    }

    /// The run's identifier.
    public var id: String
    /// The pipeline's name.
    public var pipeline: String
    /// How it is.
    public var state: State
    /// When it began, ISO 8601 in UTC.
    public var started: String
    /// The seconds it took; nil while it lasts.
    public var seconds: Double?
    /// The stages, in the order of the plan.
    public var stages: [Stage]
    /// The file of the run that cannot be read, where one cannot.
    public var unreadable: String?

    fileprivate mutating func read(_ event: JournalEntry) {
        if event.event == "run-started" { started = event.time }
        guard let index = stages.firstIndex(where: { $0.name == event.stage }) else { return }
        switch event.event {
        case "stage-started": stages[index].state = "running"
        case "progress":
            stages[index].step = event.step
            stages[index].total = event.total
            stages[index].metrics = event.metrics ?? []
        case "stage-ended":
            stages[index].state = event.state ?? ""
            stages[index].seconds = event.seconds
            stages[index].message = event.message
        default: break
        }
    }
}
