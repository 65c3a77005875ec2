internal import Diagnostics
internal import Foundation

/// The execution of one stage: its key from what its inputs turned out to be, its lock, its work, its artifact.
final class StageExecution {
    private let execution: Execution
    private let node: Graph.Node
    private let isForced: Bool
    private var lastJournaled = -1.0
    private(set) var lastStep: Int?

    private var store: Store { execution.store }
    private var graph: Graph { execution.graph }

    init(_ execution: Execution, _ node: Graph.Node, isForced: Bool) {
        self.execution = execution
        self.node = node
        self.isForced = isForced
    }

    /// Makes the artifact, or finds that the inputs came out as before and it is there already.
    func run() throws -> (record: ArtifactRecord, wasThere: Bool) {
        let inputs = try node.inputs.map { edge throws(Diagnostic) -> ArtifactRecord.InputRecord in
            guard let record = execution.records[edge.producer] else {
                preconditionFailure("a stage began before what it reads was made: this is a Retort bug")
            }
            return try graph.inputRecord(edge, producer: record)
        }
        var components = KeyComponents(
            of: node, in: graph, externalContent: try graph.externalContent(of: node, digests: store.digests))
        components.add(inputs, of: node)
        let key = components.key
        if let record = try present(key) { return (record, true) }

        let lock = try WorkLock(
            store.path("work/\(key).lock"), node: node.name, patience: execution.runner.options.patience,
            whileWaiting: pause)
        defer { withExtendedLifetime(lock) {} }
        if let owner = lock.reclaimedFrom {
            execution.emit(
                .note("\(node.name): went on from process \(owner.pid) on \(owner.host), which died"))
        }
        // Another process may have finished while this one waited.
        if let record = try present(key) { return (record, true) }
        if isForced {
            try store.quarantineWork(key)
        } else if let record = try store.publishLeftover(key) {
            execution.emit(.note("\(node.name): published what a crash had left complete"))
            try execution.remember(
                node, key: key, components: components.values, seconds: record.timings.seconds)
            return (record, false)
        }
        return (try make(key, components, inputs, lock), false)
    }

    /// The artifact, if it is in the store and may be used; a damaged one is taken out of use.
    private func present(_ key: String) throws -> ArtifactRecord? {
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
        if execution.runner.options.stop.isRequested { throw StageInterrupted() }
    }

    private func make(
        _ key: String, _ components: KeyComponents, _ inputs: [ArtifactRecord.InputRecord], _ lock: WorkLock
    ) throws -> ArtifactRecord {
        let before = store.hasWork(key) ? store.progress(of: key) : nil
        try store.prepareWork(key)
        try execution.remember(node, key: key, components: components.values, seconds: nil)
        execution.emit(.stageStarted(node: node.name, resumedFrom: before?.fraction))

        let locations = zip(node.inputs, inputs).map { edge, input in
            StageInput(
                edge.input,
                at: ArtifactLocation(
                    directory: store.folder(of: input.key), selector: edge.selector, node: input.node,
                    store: store.artifacts))
        }
        var setup = setup(key, locations)
        let sharing = type(of: node.stage).sharing
        let share = try sharing == .alone ? nil : execution.tasks?.open(&setup, of: graph.spec)
        defer { share?.end() }
        let context = StageContext(setup, stop: execution.runner.options.stop) { [self] event in
            try report(event, lock)
        }
        for (name, edges) in Dictionary(grouping: zip(node.inputs, locations), by: { $0.0.input }) {
            do {
                try node.stage.input(name).fill(edges.map(\.1.location))
            } catch var diagnostic as Diagnostic {
                diagnostic.location = diagnostic.location ?? edges.first?.0.location
                throw diagnostic
            }
        }
        do {
            try Self.run(node.stage, in: context)
        } catch {
            throw share?.cause(of: error) ?? error
        }
        try context.finish()

        let type = type(of: node.stage).outputType
        let files = try store.settle(key, records: type.records)
        let timings = context.timings
        let record = ArtifactRecord(
            kind: node.schema.output, node: node.name, stage: node.schema.name,
            revision: Swift.type(of: node.stage).revision, key: key, components: components.values,
            inputs: inputs,
            counts: context.counts, facts: context.facts, timings: timings, files: files,
            digest: ArtifactRecord.digest(of: files.filter { $0.role == .content }),
            retort: ProductVersion.current)
        try store.publish(record)
        try execution.remember(node, key: key, components: components.values, seconds: timings.seconds)
        return record
    }

    private static func run(_ stage: some Stage, in context: StageContext) throws {
        _ = try stage.run(in: context)
    }

    private func setup(_ key: String, _ inputs: [StageInput]) -> StageContext.Setup {
        var setup = StageContext.Setup(
            node: node.name, output: URL(filePath: store.outputPath(key), directoryHint: .isDirectory),
            state: URL(filePath: "\(store.workPath(key))/state", directoryHint: .isDirectory),
            store: store.artifacts,
            directory: graph.spec.directory, execution: execution.runner.options.execution)
        setup.matrix = node.matrix
        setup.inputs = inputs
        setup.locations = node.locations
        return setup
    }

    /// Passes on what the stage says; progress goes to the journal at most once a second.
    private func report(_ event: StageEvent, _ lock: WorkLock) throws {
        if case .progress(let step, let total, _) = event {
            lastStep = step
            try lock.beat()
            let now = monotonicSeconds()
            guard now - lastJournaled >= 1 || step == total else {
                execution.runner.sink.receive(.stage(node: node.name, event))
                return
            }
            lastJournaled = now
        }
        try execution.emitThrowing(.stage(node: node.name, event))
    }
}
