internal import Diagnostics
internal import Foundation

/// Where the execution of a stage happens: what is known there, and who is told.
protocol StageHost: AnyObject {
    var graph: Graph { get }
    var store: Store { get }
    var options: RunOptions { get }
    /// What the other processes that share the work are told; nil where there are none.
    var tasks: CrewTasks? { get }

    /// The artifact of a node that was made or found.
    func record(of node: Int) -> ArtifactRecord?
    /// Tells those who watch.
    func show(_ event: RunEvent)
    /// Tells those who watch, and writes down what happened.
    func emitThrowing(_ event: RunEvent) throws
    /// Does so, and keeps trouble with the writing for later.
    func emit(_ event: RunEvent)
    /// What the last executions were.
    var history: NodeHistory { get }
    /// Remembers a node's last key, what was made, and how fast.
    func remember(
        _ node: Graph.Node, key: String, components: [String: String], made: ArtifactRecord?, speed: Speed?)
        throws
}

/// The execution of one stage: its key from what its inputs turned out to be, its lock, its work, its artifact.
final class StageExecution {
    /// What is known before the work begins.
    struct Preparation {
        var inputs: [ArtifactRecord.InputRecord]
        /// The digests of what lies outside the store.
        var externalContent: [String: String]
        var components: KeyComponents
        var key: String { components.key }
    }

    private let execution: any StageHost
    private let node: Graph.Node
    private let isForced: Bool
    /// Whether forced work that is there was begun by this very execution, before it was queued again.
    private let goesOn: Bool
    private var lastJournaled = -1.0
    private(set) var lastStep: Int?
    private var watch: StageWatch?

    private var store: Store { execution.store }
    private var graph: Graph { execution.graph }

    init(_ execution: any StageHost, _ node: Graph.Node, isForced: Bool, goesOn: Bool = false) {
        self.goesOn = goesOn
        self.execution = execution
        self.node = node
        self.isForced = isForced
    }

    /// Computes the key from what the inputs turned out to be.
    func prepare() throws -> Preparation {
        let inputs = try node.inputs.map { edge throws(Diagnostic) -> ArtifactRecord.InputRecord in
            guard let record = execution.record(of: edge.producer) else {
                preconditionFailure("a stage began before what it reads was made: this is a Retort bug")
            }
            return try graph.inputRecord(edge, producer: record)
        }
        let externalContent = try graph.externalContent(of: node, digests: store.digests)
        var components = KeyComponents(of: node, in: graph, externalContent: externalContent)
        components.add(inputs, of: node)
        return Preparation(inputs: inputs, externalContent: externalContent, components: components)
    }

    /// Makes the artifact, or finds that the inputs came out as before and it is there already.
    func run() throws -> (record: ArtifactRecord, wasThere: Bool) {
        let preparation = try prepare()
        let key = preparation.key
        if let record = try present(key) { return (record, true) }

        let lock = try takeLock(key)
        defer { withExtendedLifetime(lock) {} }
        if let owner = lock.reclaimedFrom {
            execution.emit(
                .note("\(node.name): went on from process \(owner.pid) on \(owner.host), which died"))
        }
        // Another process may have finished while this one waited.
        if let record = try present(key) { return (record, true) }
        if isForced {
            if !goesOn { try store.quarantineWork(key) }
        } else if let record = try store.publishLeftover(key) {
            execution.emit(.note("\(node.name): published what a crash had left complete"))
            try execution.remember(
                node, key: key, components: preparation.components.values, made: record, speed: nil)
            return (record, false)
        }
        return (try notingFailure(key) { try make(preparation, lock) }, false)
    }

    /// Takes the right to work at a key, once no other process has it and no job makes parts there.
    private func takeLock(_ key: String) throws -> WorkLock {
        let start = monotonicSeconds()
        func left() -> Double { execution.options.patience - (monotonicSeconds() - start) }
        func attempt() throws -> WorkLock? {
            let lock = try WorkLock(
                store.path("work/\(key).lock"), node: node.name, patience: left(), whileWaiting: pause)
            return store.isFreeOfParts(key, removing: true) ? lock : nil
        }
        while true {
            if let lock = try attempt() { return lock }
            // Meanwhile other jobs of the same work may begin, for which they need the lock for a moment.
            let busy = LockBusy(node: node.name, isInParts: true)
            guard left() > 0 else { throw busy }
            try pause(busy)
            usleep(100_000)
        }
    }

    /// Lets the next plan tell that the work has failed, and was not interrupted.
    private func notingFailure<Result>(_ key: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            let isStopped = error is StageInterrupted || (error as? Diagnostic)?.exitCode == .stopped
            if !isStopped { store.noteFailure(error, of: key) }
            throw error
        }
    }

    /// The artifact, if it is in the store and may be used; a damaged one is taken out of use.
    func present(_ key: String) throws -> ArtifactRecord? {
        if isForced { return nil }
        switch store.status(of: key) {
        case .absent: return nil
        case .present(let record): return record
        case .damaged(let how):
            let place = try store.quarantine(key)
            let message = "the artifact of '\(node.name)' is damaged: \(how)"
            execution.emit(
                .stage(
                    node: node.name,
                    .warning(message: message, hint: "it was moved to \(place) and is made again")))
            return nil
        }
    }

    private func pause(_ busy: LockBusy) throws {
        if lastJournaled < 0 {
            lastJournaled = 0
            execution.emit(.note("\(busy): waiting"))
        }
        if execution.options.stop.isRequested { throw StageInterrupted() }
    }

    /// Makes some parts of the stage's result beside other jobs; a last one puts them together and publishes.
    ///
    /// - Throws: ``StageInterrupted`` when it was asked to stop before its parts were made.
    func make(_ part: JobPart) throws {
        let preparation = try prepare()
        if try present(preparation.key) != nil { return }
        let partLock: PartLock
        do {
            // Whoever comes first makes the folders; what is in them must not be touched while others work there.
            let lock = try WorkLock(
                store.path("work/\(preparation.key).lock"), node: node.name,
                patience: execution.options.patience, whileWaiting: pause)
            defer { withExtendedLifetime(lock) {} }
            if !store.hasWork(preparation.key) {
                try store.prepareWork(preparation.key, isForeign: outputType.isForeign)
            }
            partLock = try PartLock(store.partLockPath(preparation.key))
        }
        defer { withExtendedLifetime(partLock) {} }
        try notingFailure(preparation.key) { try make(part, preparation) }
    }

    private func make(_ part: JobPart, _ preparation: Preparation) throws {
        try confirmInputs(preparation)
        let locations = locations(preparation.inputs)
        var setup = setup(preparation.key, locations)
        let crew = PartCrew(part, state: setup.state, stop: execution.options.stop)
        setup.share = StageShare(crew, task: 0, part: part)
        let context = StageContext(setup, stop: execution.options.stop) { [execution, node] event in
            try execution.emitThrowing(.stage(node: node.name, event))
        }
        try fill(locations)
        do {
            try run(in: context)
        } catch is ShareEnded {
            guard crew.isDone else { throw StageInterrupted() }
        }
    }

    private var outputType: any Artifact.Type { type(of: node.stage).outputType }

    /// Makes sure that what was read is what the key says: nobody has changed it meanwhile.
    private func confirmReading(_ preparation: Preparation) throws {
        if outputType.isForeign {
            do { try confirmInputs(preparation) } catch var diagnostic as Diagnostic {
                diagnostic.message +=
                    "; '\(node.name)', which reads it, may have changed it, and is not published"
                diagnostic.location = diagnostic.location ?? node.spec.nameLocation
                throw diagnostic
            }
        }
        let now = try graph.externalContent(of: node, digests: store.digests)
        guard now != preparation.externalContent else { return }
        let changed = Set(now.keys).union(preparation.externalContent.keys)
            .filter { now[$0] != preparation.externalContent[$0] }.sorted()
        throw Diagnostic(
            "\(changed.map { "'\($0)'" }.joined(separator: ", ")) changed while '\(node.name)' was at work",
            at: node.spec.nameLocation,
            hint: "nothing was published; run again when nobody writes there", exitCode: .badData)
    }

    /// Makes sure that what is read is what was published.
    private func confirmInputs(_ preparation: Preparation) throws {
        for (edge, input) in zip(node.inputs, preparation.inputs) {
            let output = type(of: graph.nodes[edge.producer].stage).outputType
            let files = edge.selector.flatMap { output.files(for: $0) }
            try store.confirm(input.key, files: files, node: input.node)
        }
    }

    private func locations(_ inputs: [ArtifactRecord.InputRecord]) -> [StageInput] {
        zip(node.inputs, inputs).map { edge, input in
            StageInput(
                edge.input,
                at: ArtifactLocation(
                    directory: store.folder(of: input.key), selector: edge.selector, node: input.node,
                    store: store.artifacts))
        }
    }

    /// Gives the stage its inputs.
    private func fill(_ locations: [StageInput]) throws {
        for (name, edges) in Dictionary(grouping: zip(node.inputs, locations), by: { $0.0.input }) {
            do {
                try node.stage.input(name).fill(edges.map(\.1.location))
            } catch var diagnostic as Diagnostic {
                diagnostic.location = diagnostic.location ?? edges.first?.0.location
                throw diagnostic
            }
        }
    }

    private func make(_ preparation: Preparation, _ lock: WorkLock) throws -> ArtifactRecord {
        let (key, inputs) = (preparation.key, preparation.inputs)
        let components = preparation.components
        try confirmInputs(preparation)
        let before = store.hasWork(key) ? store.progress(of: key) : nil
        try store.prepareWork(key, isForeign: outputType.isForeign)
        try execution.remember(node, key: key, components: components.values, made: nil, speed: nil)
        execution.emit(.stageStarted(node: node.name, resumedFrom: before?.fraction))

        let locations = locations(inputs)
        var setup = setup(key, locations)
        setup.partSums = JobPart.sums(of: node.resources.jobs ?? 0, in: setup.state)
        let sharing = type(of: node.stage).sharing
        let share = try sharing == .alone ? nil : execution.tasks?.open(&setup, of: graph.spec)
        defer { share?.end() }
        watch = newWatch(components, setup.execution)
        let context = StageContext(setup, stop: execution.options.stop) { [self] event in
            try report(event, lock)
        }
        try fill(locations)
        do {
            try run(in: context)
        } catch {
            throw share?.cause(of: error) ?? error
        }
        try context.finish()

        try confirmReading(preparation)
        let files = try store.settle(key, as: outputType)
        let timings = context.timings
        let record = ArtifactRecord(
            kind: node.schema.output, node: node.name, stage: node.schema.name,
            revision: Swift.type(of: node.stage).revision, key: key, components: components.values,
            inputs: inputs,
            counts: context.counts, facts: context.facts, timings: timings, files: files,
            digest: ArtifactRecord.digest(of: files.filter { $0.role == .content }),
            retort: ProductVersion.current,
            numerics: execution.options.execution.adapted(to: node.resources).facts)
        try store.publish(record)
        try execution.remember(
            node, key: key, components: components.values, made: record, speed: watch?.speed)
        return record
    }

    /// Runs the stage; an artifact that it finds damaged on reading is taken out of use.
    private func run(in context: StageContext) throws {
        func run(_ stage: some Stage) throws { _ = try stage.run(in: context) }
        do { try run(node.stage) } catch let damage as Damage { throw try store.putAside(damage) }
    }

    private func setup(_ key: String, _ inputs: [StageInput]) -> StageContext.Setup {
        var setup = StageContext.Setup(
            node: node.name, output: URL(filePath: store.outputPath(key), directoryHint: .isDirectory),
            state: URL(filePath: "\(store.workPath(key))/state", directoryHint: .isDirectory),
            store: store.artifacts,
            directory: graph.spec.directory,
            execution: execution.options.execution.adapted(to: node.resources))
        setup.matrix = node.matrix
        setup.inputs = inputs
        setup.locations = node.locations
        return setup
    }

    /// What looks for signs of trouble while the stage runs.
    private func newWatch(_ components: KeyComponents, _ options: ExecutionOptions) -> StageWatch {
        let place = Speed(
            host: ProcessOwner.hostName, device: options.device, threads: options.threads,
            processes: graph.processes, numerics: components.values["numerics"] ?? "")
        let (history, kind) = (execution.history, node.schema.name)
        return StageWatch(
            usual: { history.speeds(of: kind) }, place: place,
            room: { [store] in StageWatch.Room.at(store.root.path) })
    }

    /// Passes on what the stage says, and what is to be said about that; progress goes to the journal at most once a second.
    private func report(_ event: StageEvent, _ lock: WorkLock) throws {
        for warning in watch?.warnings(about: event, now: monotonicSeconds()) ?? [] {
            try execution.emitThrowing(.stage(node: node.name, warning))
        }
        if case .progress(let step, let total, _) = event {
            lastStep = step
            try lock.beat()
            let now = monotonicSeconds()
            guard now - lastJournaled >= 1 || step == total else {
                execution.show(.stage(node: node.name, event))
                return
            }
            lastJournaled = now
        }
        try execution.emitThrowing(.stage(node: node.name, event))
    }
}
