import Diagnostics
import Engine
import Foundation
import Synchronization

/// Tells an MLflow server the settings and numbers of a run.
///
/// Requests are made on a queue of their own and never hold up a stage. A server that does not answer is a warning,
/// said once, and never the end of a run.
final class MLflowSink: EventSink {
    private struct State {
        var measurements = RunMeasurements()
        var waiting: [Measurement] = []
        var run: String?
        var hasFailed = false
        var isFlushPending = false
    }

    private static let interval = 3.0
    private static let batch = 1_000

    private let client: MLflowClient
    private let spec: PipelineSpec
    private let display: any ProgressDisplay
    private let queue = DispatchQueue(label: "mlflow")
    private let state = Mutex(State())

    init(_ client: MLflowClient, of spec: PipelineSpec, display: any ProgressDisplay) {
        self.client = client
        self.spec = spec
        self.display = display
    }

    func receive(_ event: RunEvent) {
        let isDue = state.withLock { state in
            state.waiting += state.measurements.measurements(in: event)
            guard !state.waiting.isEmpty, !state.isFlushPending else { return false }
            state.isFlushPending = true
            return true
        }
        if isDue { queue.asyncAfter(deadline: .now() + Self.interval) { self.flush() } }
        switch event {
        case .runStarted(let id, _): queue.async { self.begin(id) }
        case .runEnded(let result):
            queue.sync {
                flush()
                attempt {
                    guard let run = state.withLock({ $0.run }) else { return }
                    let isStopped = [ExitCode.interrupted, .stopped].contains(result.exitCode)
                    try client.finish(run, result.ok ? "FINISHED" : isStopped ? "KILLED" : "FAILED")
                }
            }
        default: break
        }
    }

    private func begin(_ id: String) {
        attempt {
            let experiment = try client.experiment(named: spec.name)
            let run = try client.createRun(
                id, in: experiment,
                tags: ["mlflow.source.name": spec.file, "retort.version": ProductVersion.current])
            state.withLock { $0.run = run }
            let parameters = spec.nodes.flatMap { node in
                [("\(node.name).uses", node.uses)]
                    + node.entries.compactMap { entry in
                        entry.value.scalar.map { ("\(node.name).\(entry.key)", $0) }
                    }
            }
            for start in stride(from: 0, to: parameters.count, by: 100) {
                try client.log(run, [], parameters: Array(parameters[start...].prefix(100)))
            }
        }
    }

    /// Sends what is waiting; on the queue.
    private func flush() {
        let (run, waiting) = state.withLock { state in
            defer { (state.waiting, state.isFlushPending) = ([], false) }
            return (state.run, state.waiting)
        }
        guard let run else { return }
        attempt {
            for start in stride(from: 0, to: waiting.count, by: Self.batch) {
                try client.log(run, Array(waiting[start...].prefix(Self.batch)))
            }
        }
    }

    private func attempt(_ request: () throws -> Void) {
        guard !state.withLock({ $0.hasFailed }) else { return }
        do { try request() } catch {
            state.withLock { $0.hasFailed = true }
            display.show(
                Diagnostic("nothing more is told to MLflow: \(error)", severity: .warning))
        }
    }
}
