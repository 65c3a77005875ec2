internal import Diagnostics

/// Finds out what a run would do, without doing or writing anything.
public struct Planner {
    /// What is known about a node's artifact while the nodes after it are planned.
    private enum Outcome {
        case known(ArtifactRecord)
        case pending
        case unavailable
    }

    private let graph: Graph
    private let store: Store
    private let history: NodeHistory
    private var outcomes: [Int: Outcome] = [:]
    private var problems = Problems()

    /// Creates a planner of one pipeline in one store.
    public init(_ graph: Graph, _ store: Store) {
        self.graph = graph
        self.store = store
        self.history = NodeHistory(store, pipeline: graph.spec.name)
    }

    /// Plans the part of the pipeline that the options mean, or throws every problem there is.
    public func plan(_ options: PlanOptions = PlanOptions()) throws -> Plan {
        var planner = self
        return try planner.planned(options)
    }

    private mutating func planned(_ options: PlanOptions) throws -> Plan {
        try store.checkRoot()
        let selection = try options.selection(in: graph)
        let forced = try options.forced(in: graph, among: selection)
        let durations = history.durations()
        var stages: [PlannedStage] = []
        for index in graph.upstream(of: selection).sorted() {
            var stage = try plan(
                index, isSelected: selection.contains(index),
                isForced: forced.contains(index))
            switch stage.state {
            case .run: stage.estimate = durations.estimate(graph.nodes[index], remaining: 1)
            case .resume(let done):
                stage.estimate = durations.estimate(graph.nodes[index], remaining: 1 - done)
            case .cached, .blocked: break
            }
            stages.append(stage)
        }
        try problems.check()
        remake(&stages, selection, durations)
        return Plan(stages: stages)
    }

    /// Lets those dropped artifacts be made again that a stage needs which is to be executed, or a gate.
    private func remake(
        _ stages: inout [PlannedStage], _ selection: Set<Int>, _ durations: NodeHistory.Durations
    ) {
        let dropped = Set(stages.filter(\.isDropped).map(\.index))
        for position in stages.indices.reversed() where stages[position].isDropped {
            let index = stages[position].index
            let readers = stages.indices.filter { reader in
                stages[reader].state.isPending
                    && graph.nodes[stages[reader].index].inputs.contains { $0.producer == index }
            }
            let gate = graph.gates.first { $0.misses(index, stages[position].record) }
            if readers.isEmpty, gate == nil || !selection.contains(index) { continue }
            let reader = readers.first.map { "'\(stages[$0].node)'" }
            let what = reader ?? gate.map { "the gate '\($0.text)'" } ?? "something"
            stages[position].isDropped = false
            stages[position].record = nil
            if selection.contains(index) {
                stages[position].state = .run
                stages[position].reasons = [.note("dropped, and \(what) needs it")]
                stages[position].estimate = durations.estimate(graph.nodes[index], remaining: 1)
            } else {
                stages[position].state = .blocked
                stages[position].reasons = [.note("dropped, and not selected")]
                let origins = origins(of: index, dropped).map { graph.nodes[$0].name }
                for reader in readers {
                    stages[reader].state = .blocked
                    stages[reader].reasons = [
                        .note("'\(stages[position].node)' was dropped, and is not selected"),
                        .note("'--from \(origins.joined(separator: " --from "))' makes it again"),
                    ]
                }
            }
        }
    }

    /// The nodes from which a dropped artifact is made again: its own, unless what it reads was dropped, too.
    private func origins(of index: Int, _ dropped: Set<Int>) -> [Int] {
        let behind = Set(graph.nodes[index].inputs.map(\.producer)).intersection(dropped)
        return behind.isEmpty ? [index] : Set(behind.flatMap { origins(of: $0, dropped) }).sorted()
    }

    private mutating func plan(_ index: Int, isSelected: Bool, isForced: Bool) throws -> PlannedStage {
        let node = graph.nodes[index]
        var stage = PlannedStage(
            index: index, node: node.name, kind: node.schema.name, state: .blocked, reasons: [],
            isForced: isForced)
        outcomes[index] = .unavailable
        var components: KeyComponents
        do throws(Problems) {
            components = KeyComponents(
                of: node, in: graph,
                externalContent: try graph.externalContent(of: node, digests: store.digests))
        } catch {
            problems.report(error)
            return stage
        }

        let inputs = inputs(of: node)
        for name in inputs.missing { stage.reasons.append(.note("'\(name)' is not in the store")) }
        guard inputs.missing.isEmpty, !inputs.hasProblem else { return stage }
        let last = history.last(node)
        if !inputs.pending.isEmpty {
            guard isSelected else {
                stage.reasons = [.note("not selected, and what it reads is about to change")]
                return stage
            }
            outcomes[index] = .pending
            stage.state = .run
            stage.reasons =
                last.map { differences($0, components, node, inputs) } ?? [.note("it has not run yet")]
            return stage
        }
        components.add(inputs.records, of: node)
        stage.key = components.key
        settle(&stage, components, last: last, isSelected: isSelected)
        return stage
    }

    /// Decides about a stage whose key is known.
    private mutating func settle(
        _ stage: inout PlannedStage, _ components: KeyComponents, last: NodeHistory.Entry?, isSelected: Bool
    ) {
        let key = components.key
        let status = store.status(of: key)
        if case .present(let record) = status, !stage.isForced {
            outcomes[stage.index] = .known(record)
            stage.state = .cached
            stage.record = record
            return
        }
        if case .absent = status, !stage.isForced, graph.nodes[stage.index].isEphemeral,
            let record = store.dropped(key)
        {
            outcomes[stage.index] = .known(record)
            stage.state = .cached
            stage.isDropped = true
            stage.reasons = [.note("dropped; it is made again when something needs it")]
            stage.record = record
            return
        }
        guard isSelected else {
            stage.reasons = [.note("not selected, and not in the store")]
            return
        }
        outcomes[stage.index] = .pending
        stage.state = .run
        stage.reasons = last.map { Self.differences(from: $0.components, to: components.values) } ?? []
        if stage.isForced {
            stage.reasons = [.note("forced")]
            return
        }
        if case .damaged(let how) = status {
            stage.reasons = [.note("its artifact is damaged: \(how)")]
        } else if store.hasWork(key) {
            stage.state = .resume(store.progress(of: key)?.fraction ?? 0)
            stage.reasons = [.note(store.failure(of: key).map { "it failed: \($0)" } ?? "it was interrupted")]
        } else if stage.reasons.isEmpty {
            stage.reasons = [
                .note(
                    last == nil
                        ? "it has not run yet"
                        : last?.seconds == nil ? "it did not finish" : "its artifact is gone")
            ]
        }
        if let text = store.workers(at: key) { stage.reasons = [.note(text)] }
    }

    private struct Inputs {
        var records: [ArtifactRecord.InputRecord] = []
        var pending: [Int] = []
        var missing: [String] = []
        var hasProblem = false
    }

    private mutating func inputs(of node: Graph.Node) -> Inputs {
        var inputs = Inputs()
        for (position, edge) in node.inputs.enumerated() {
            switch outcomes[edge.producer] {
            case .known(let record):
                do {
                    inputs.records.append(try graph.inputRecord(edge, producer: record))
                } catch {
                    problems.report(error)
                    inputs.hasProblem = true
                }
            case .pending: inputs.pending.append(position)
            case .unavailable, nil: inputs.missing.append(graph.nodes[edge.producer].name)
            }
        }
        return inputs
    }

    /// What is known to differ from the last time, while some inputs are still to be made.
    private func differences(
        _ last: NodeHistory.Entry, _ components: KeyComponents, _ node: Graph.Node, _ inputs: Inputs
    ) -> [KeyDifference] {
        let names = KeyComponents.names(of: node.inputs, node)
        let pending = inputs.pending.map { position in
            KeyDifference.pending(
                names[position], old: last.components[names[position]],
                producer: graph.nodes[node.inputs[position].producer].name)
        }
        var known = components
        let isPending = Set(inputs.pending)
        let settled = names.indices.filter { !isPending.contains($0) }
        for (position, record) in zip(settled, inputs.records) {
            known.values[names[position]] = record.digest
        }
        let before = last.components.filter { entry in !pending.contains { $0.component == entry.key } }
        return Self.differences(from: before, to: known.values) + pending
    }

    /// The components that differ, in the order in which a reader wants to hear of them.
    static func differences(from old: [String: String], to new: [String: String]) -> [KeyDifference] {
        let groups = ["setting", "external", "input", "revision"]
        func rank(_ component: String) -> Int {
            groups.firstIndex { component.hasPrefix($0) } ?? groups.count
        }
        return Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
            .sorted { (rank($0), $0) < (rank($1), $1) }
            .map { KeyDifference($0, old: old[$0], new: new[$0]) }
    }
}
