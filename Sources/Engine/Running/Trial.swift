internal import Foundation

/// Executes stages for a while, to see how long all of them would take: an estimate where there is no history.
///
/// A stage works in a scratch folder that goes away, on what it would read, and is stopped at the first step after its
/// time. The rate of its steps after the first one, in which memory is still being taken and files are cold, is
/// taken to be that of all of them; the least and the most are those of the fastest and the slowest quarter.
public struct Trial {
    /// Why a stage has no estimate.
    public struct Failure: Sendable {
        /// The node.
        public var node: String
        /// What it ended with.
        public var error: any Error
    }

    private let graph: Graph
    private let store: Store
    private let options: ExecutionOptions
    private let seconds: Double

    /// Creates a trial of so many seconds a stage.
    public init(_ graph: Graph, _ store: Store, options: ExecutionOptions, seconds: Double) {
        (self.graph, self.store, self.options, self.seconds) = (graph, store, options, seconds)
    }

    /// A plan with estimates for the stages that have none.
    ///
    /// Left out are stages that read what is not made yet, and those of some kinds: a command does more than make its
    /// artifact. Of stages that differ in their seed one is tried for all.
    ///
    /// - Parameter begin: is told of each stage before it is executed.
    public func estimates(
        for plan: Plan, excluding kinds: Set<String>, begin: (_ node: String) -> Void = { _ in }
    ) -> (plan: Plan, failures: [Failure]) {
        let made = Dictionary(
            plan.stages.compactMap { stage in stage.record.map { (stage.index, $0) } },
            uniquingKeysWith: { first, _ in first })
        var failures: [Failure] = []
        var tried: [String: Estimate?] = [:]
        let stages = plan.stages.map { stage in
            guard stage.state == .run, stage.estimate == nil, !kinds.contains(stage.kind), let key = stage.key
            else { return stage }
            var stage = stage
            let family = Graph.Node.family(of: stage.node)
            if let known = tried[family] {
                stage.estimate = known
                return stage
            }
            begin(stage.node)
            do {
                stage.estimate = try estimate(graph.nodes[stage.index], key, made)
            } catch {
                failures.append(Failure(node: stage.node, error: error))
            }
            tried[family] = .some(stage.estimate)
            return stage
        }
        return (Plan(stages: stages), failures)
    }

    private func estimate(
        _ node: Graph.Node, _ key: String, _ made: [Int: ArtifactRecord]
    ) throws -> Estimate? {
        let inputs = try node.inputs.compactMap { edge in
            try made[edge.producer].map { try graph.inputRecord(edge, producer: $0) }
        }
        guard inputs.count == node.inputs.count else { return nil }
        let stop = StopRequest()
        let watch = Watch()
        let scratch = ScratchExecution(
            store: store, graph: graph, node: node, inputs: inputs,
            options: options.adapted(to: node.resources))
        do {
            return try scratch.run(key, stop: stop) { event in
                guard case .progress(let step, let total, _) = event else { return }
                watch.note(step, of: total)
                if watch.elapsed >= seconds { stop.request(signal: SIGTERM) }
            } _: { output in
                let seconds = watch.elapsed
                let bytes = try store.disk.files(below: output).reduce(0) {
                    $0 + (store.disk.size("\(output)/\($1)") ?? 0)
                }
                return Estimate(seconds: seconds, least: seconds, most: seconds, samples: 0, bytes: bytes)
            }
        } catch is StageInterrupted {
            return watch.estimate()
        }
    }

    /// When a stage was at which step.
    private final class Watch {
        private let start = monotonicSeconds()
        private var marks: [(time: Double, step: Int)] = []
        private var total = 0

        var elapsed: Double { monotonicSeconds() - start }

        func note(_ step: Int, of total: Int) {
            self.total = total
            if step > marks.last?.step ?? 0 { marks.append((elapsed, step)) }
        }

        func estimate() -> Estimate? {
            guard let first = marks.first, let last = marks.last else { return nil }
            func all(_ a: (time: Double, step: Int), _ b: (time: Double, step: Int)) -> Double {
                first.time + Double(total - first.step) * (b.time - a.time) / Double(b.step - a.step)
            }
            guard last.step > first.step else {
                let seconds = first.time * Double(total) / Double(first.step)
                return Estimate(seconds: seconds, least: seconds, most: seconds, samples: 0)
            }
            let quarters = (0...4).map { marks[$0 * (marks.count - 1) / 4] }
            let ranges = zip(quarters, quarters.dropFirst()).filter { $1.step > $0.step }.map(all)
            let seconds = all(first, last)
            return Estimate(
                seconds: seconds, least: ranges.min() ?? seconds, most: ranges.max() ?? seconds, samples: 0)
        }
    }
}
