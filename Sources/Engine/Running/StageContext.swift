public import Diagnostics
public import Foundation

/// Thrown by a stage that stopped because it was asked to; not a failure, and its work is kept.
public struct StageInterrupted: Error, Hashable, Sendable {
    /// Creates the error.
    public init() {}
}

/// What a running stage may touch: its two folders, its inputs, and a way to say how it is getting on.
///
/// A context belongs to the stage's thread.
public final class StageContext {
    /// What the runner needs a context to know; a test fills in what it cares about.
    public struct Setup: Sendable {
        /// The node's name, with its matrix point: `student[seed=0]`.
        public var node: String
        /// The values of the matrix axes at this node: `seed` → `0`.
        public var matrix: [String: String] = [:]
        /// The folder of the artifact in the making.
        public var output: URL
        /// The folder for checkpoints and other things to resume from; it goes away with success.
        public var state: URL
        /// The folder in which the store's artifacts lie, each under its key.
        public var store: URL
        /// The folder against which relative paths are resolved.
        public var directory: URL
        /// Device, threads and workers.
        public var execution: ExecutionOptions
        /// The artifacts that are read, by input, in the order of the pipeline file.
        public var inputs: [StageInput] = []
        /// Where each setting and input stands in the pipeline file.
        public var locations: [String: SourceLocation] = [:]
        /// This process's share of the work; nil where it does all of it.
        public var share: StageShare?
        /// What jobs that made parts before have counted.
        var partSums: [[Double]] = []

        /// Creates a setup.
        public init(
            node: String, output: URL, state: URL, store: URL, directory: URL,
            execution: ExecutionOptions = ExecutionOptions()
        ) {
            self.node = node
            self.output = output
            self.state = state
            self.store = store
            self.directory = directory
            self.execution = execution
        }
    }

    private let setup: Setup
    private let stop: StopRequest
    private let progress: ProgressLog
    private let report: (StageEvent) throws -> Void
    private var trouble: (any Error)?
    private(set) var counts: [String: Int] = [:]
    private(set) var facts: [String: JSON] = [:]

    /// Creates a context; `report` receives what the stage says about itself.
    public init(
        _ setup: Setup, stop: StopRequest = StopRequest(),
        report: @escaping (StageEvent) throws -> Void = { _ in }
    ) {
        self.setup = setup
        self.stop = stop
        self.report = report
        self.progress = ProgressLog(setup)
    }

    // MARK: Places

    /// The folder of the artifact in the making; after an interruption it is as the stage left it.
    public var output: URL { setup.output }
    /// The folder for checkpoints; after an interruption it is as the stage left it, after success it is gone.
    public var state: URL { setup.state }
    /// The folder in which all upstream artifacts lie, each under its key.
    public var store: URL { setup.store }
    /// The folder against which relative paths in settings are resolved.
    public var directory: URL { setup.directory }
    /// Device, threads and workers.
    public var execution: ExecutionOptions { setup.execution }
    /// The node's name, with its matrix point: `student[seed=0]`.
    public var node: String { setup.node }
    /// The values of the matrix axes at this node: `seed` → `0`.
    public var matrix: [String: String] { setup.matrix }
    /// The artifacts that are read, in the order of the declaration.
    public var inputs: [StageInput] { setup.inputs }

    /// This process's share of the work; nil where it does all of it.
    public var share: StageShare? { setup.share }
    /// Whether this process is the one that validates, saves, reports and writes what belongs to the whole.
    public var isLeader: Bool { setup.share?.isLeader ?? true }
    /// Whether this process looks at once whether there is sense in beginning: process 0 does for all, and each job that makes
    /// some parts for itself, because it runs before there is a process 0.
    public var checksFirst: Bool { isLeader || setup.share?.isPart == true }
    /// Those of some numbered parts of the result that this process makes.
    public func parts(of count: Int) -> StrideTo<Int> {
        setup.share?.parts(of: count) ?? stride(from: 0, to: count, by: 1)
    }

    /// Where the artifact of a single input lies; nil when it was left out.
    public func location(of input: String) -> ArtifactLocation? { locations(of: input).first }

    /// Where the artifacts of an input lie, in order.
    public func locations(of input: String) -> [ArtifactLocation] {
        inputs.filter { $0.name == input }.map(\.location)
    }

    /// Where a setting or input stands in the pipeline file, for messages about what it names.
    public func sourceLocation(of key: String) -> SourceLocation? { setup.locations[key] }

    /// The place a path in a setting means: itself when absolute, else below `directory`.
    public func resolve(_ path: String) -> URL {
        PlanningEnvironment(directory: directory, digests: DigestCache()).resolve(path)
    }

    // MARK: Progress

    /// Whether the stage was asked to stop: save what is needed to go on, then throw ``StageInterrupted``.
    public var shouldStop: Bool { stop.isRequested }

    /// Reports progress, and stops here when that was asked for.
    ///
    /// `saving` is called before ``StageInterrupted`` is thrown: the place to write a checkpoint.
    public func advance(
        to step: Int, of total: Int, _ metrics: KeyValuePairs<String, Double> = [:],
        saving: (() throws -> Void)? = nil
    ) throws {
        guard isLeader else { return try checkShare(saving) }
        try progress.advance(to: step, of: total)
        emit(
            .progress(
                step: step, total: total, metrics: metrics.map { Metric(name: $0.key, value: $0.value) }))
        if let trouble { throw trouble }
        guard shouldStop else { return try checkShare(saving) }
        try saving?()
        try progress.save(step, of: total)
        throw StageInterrupted()
    }

    /// Throws where there is no sense in going on: the user asked to stop, or another process has failed.
    ///
    /// For work between two calls of ``advance(to:of:_:saving:)`` that takes long, and is lost then.
    public func check() throws {
        try checkShare(nil)
        if isLeader, shouldStop { throw StageInterrupted() }
    }

    private func checkShare(_ saving: (() throws -> Void)?) throws {
        do {
            try setup.share?.check()
        } catch {
            try saving?()
            throw error
        }
    }

    /// Ends this process's share of the work: only process 0 goes on from here, when all have come.
    ///
    /// Every stage that shares its work calls it once. Where one process does all, it does nothing.
    ///
    /// - Returns: the sums of everybody's values.
    @discardableResult
    public func gather(_ values: [Double] = []) throws -> [Double] {
        let sums = try setup.share?.gather(values) { if shouldStop { throw StageInterrupted() } } ?? values
        return setup.partSums.reduce(sums) { sums, part in
            sums.count == part.count ? zip(sums, part).map { $0 + $1 } : sums
        }
    }

    /// Appends a value to the stage's `metrics.jsonl` and to the journal.
    public func metric(step: Int, name: String, value: Double) {
        guard isLeader else { return }
        keeping { try progress.append(step: step, name: name, value: value) }
        emit(.metric(step: step, Metric(name: name, value: value)))
    }

    /// Drops the rows of `metrics.jsonl` after a step: a stage that resumes at `step` will write them again.
    public func rewindMetrics(to step: Int) {
        if isLeader { keeping { try progress.rewind(to: step) } }
    }

    /// Tells the user, in place and in the report, that something may be wrong, and what helps.
    public func warn(_ message: String, hint: String? = nil) { emit(.warning(message: message, hint: hint)) }

    /// Writes to the journal that another of several pieces of work begins, each with metrics of its own.
    public func begin(_ what: String) { emit(.began(what)) }

    /// Writes a line to the journal.
    public func log(_ message: String) { emit(.log(message: message)) }

    // MARK: Results

    /// Records a count in `artifact.json`; gates can refer to it.
    public func count(_ name: String, _ value: Int) { counts[name] = value }

    /// Records a fact in `artifact.json`; gates can refer to its numbers.
    public func fact(_ name: String, _ value: some Encodable) {
        keeping { facts[name] = try JSON(encoding: value) }
    }

    /// When the work began, and how long it took over all its interruptions.
    var timings: ArtifactRecord.Timings { progress.timings }

    /// Throws what went wrong while the stage reported, if anything did: a full disk must not pass unnoticed.
    func finish() throws {
        if let trouble { throw trouble }
    }

    private func emit(_ event: StageEvent) { keeping { try report(event) } }

    private func keeping(_ body: () throws -> Void) {
        do { try body() } catch { trouble = trouble ?? error }
    }
}

/// One artifact that a stage reads.
public struct StageInput: Hashable, Sendable {
    /// The input's name.
    public var name: String
    /// Where the artifact lies.
    public var location: ArtifactLocation

    /// Creates an input.
    public init(_ name: String, at location: ArtifactLocation) {
        self.name = name
        self.location = location
    }
}

extension StageContext {
    /// Removes everything from the folder of the result, also what may not be written: half of what was interrupted
    /// must not pass for what is made anew.
    public func emptyOutput() throws { try Disk().emptyFolder(output.path) }
}
