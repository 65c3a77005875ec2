import Diagnostics
import Engine
import Foundation
import Synchronization

/// Tells an MLflow server the settings and numbers of a run.
///
/// Requests are made on a queue of their own and never hold up a stage. While the server does not answer, what is to be
/// told waits, and is tried again after pauses that grow; when the run is over, for a few seconds more. What comes to
/// nothing is a warning, and never the end of a run.
final class MLflowSink: EventSink {
    private struct State {
        var measurements = RunMeasurements()
        /// The run's name, once it has begun.
        var name: String?
        /// MLflow's name of it.
        var run: String?
        var parameters: [[MLflowClient.Parameter]] = []
        var waiting: [Measurement] = []
        /// How many are being told.
        var sent = 0
        /// How many were lost without a word.
        var lost = 0
        var isFlushPending = false
        /// Whether the run is over, and what waits is told for the last time.
        var isEnding = false
        /// Whether nothing is told any more.
        var isOver = false
        var pause: Double
        /// What was told to the user already.
        var told: Set<Warning> = []

        var isAnythingLeft: Bool {
            name != nil && !isOver && (run == nil || !parameters.isEmpty || !waiting.isEmpty)
        }
    }

    private enum Warning { case silence, refusal, loss }

    private static let batch = 1_000
    private static let longestPause = 60.0
    /// The seconds for which what is left is told at the end of a run, and for which a silent server is asked.
    private static let end = (telling: 10.0, asking: 3.0)

    private let client: MLflowClient
    private let spec: PipelineSpec
    private let display: any ProgressDisplay
    private let interval: Double
    private let capacity: Int
    private let queue = DispatchQueue(label: "mlflow")
    private let state: Mutex<State>

    /// Creates the sink.
    ///
    /// - Parameters:
    ///   - interval: the seconds for which numbers are gathered, and of the first pause.
    ///   - capacity: how many may wait.
    init(
        _ client: MLflowClient, of spec: PipelineSpec, display: any ProgressDisplay, interval: Double = 3,
        capacity: Int = 100_000
    ) {
        self.client = client
        self.spec = spec
        self.display = display
        self.interval = interval
        self.capacity = capacity
        state = Mutex(State(pause: interval))
    }

    func receive(_ event: RunEvent) {
        let (isDue, isFirstLoss) = state.withLock { state in
            guard !state.isOver else { return (false, false) }
            state.waiting += state.measurements.measurements(in: event)
            let isFirstLoss = dropOldest(&state) && state.told.insert(.loss).inserted
            guard !state.waiting.isEmpty, !state.isFlushPending else { return (false, isFirstLoss) }
            state.isFlushPending = true
            return (true, isFirstLoss)
        }
        if isFirstLoss { warn("more than \(capacity) numbers wait for MLflow: the oldest are dropped") }
        if isDue { flush(after: interval) }
        switch event {
        case .runStarted(let id, _): begin(id)
        case .runEnded(let result):
            let isStopped = [ExitCode.interrupted, .stopped].contains(result.exitCode)
            end(result.ok ? "FINISHED" : isStopped ? "KILLED" : "FAILED")
        default: break
        }
    }

    /// Tells that a run has begun, and its settings.
    func begin(_ id: String) {
        let parameters = spec.nodes.flatMap { node in
            [MLflowClient.Parameter(node: node.name, name: "uses", value: node.uses)]
                + node.entries.compactMap { entry in
                    entry.value.scalar.map { .init(node: node.name, name: entry.key, value: $0) }
                }
        }
        state.withLock { state in
            state.name = id
            state.parameters = stride(from: 0, to: parameters.count, by: 100).map {
                Array(parameters[$0...].prefix(100))
            }
            state.isFlushPending = true
        }
        flush(after: 0)
    }

    /// Keeps what waits within its bounds; says whether anything was dropped.
    private func dropOldest(_ state: inout State) -> Bool {
        guard state.waiting.count > capacity else { return false }
        // Some at once: each time, the others move.
        let count = state.waiting.count - capacity + capacity / 100
        state.waiting.removeFirst(count)
        state.lost += count
        return true
    }

    // MARK: On the queue

    private func flush(after seconds: Double) {
        queue.asyncAfter(deadline: .now() + seconds) { self.flush() }
    }

    /// Tells what is waiting, and asks for the next time where that is not all.
    private func flush() {
        do throws(MLflowProblem) {
            while state.withLock({ $0.isAnythingLeft && !$0.isEnding }) {
                let count = try advance(client)
                if count < Self.batch { break }
            }
            let isDue = state.withLock { state in
                state.pause = interval
                state.isFlushPending = !state.waiting.isEmpty && !state.isEnding
                return state.isFlushPending
            }
            if isDue { flush(after: interval) }
        } catch {
            // Of the end of the run something else tells.
            guard !state.withLock({ $0.isOver }) else { return }
            tell(error)
            let pause = state.withLock { state in
                defer { state.pause = min(2 * state.pause, Self.longestPause) }
                return state.pause
            }
            flush(after: pause)
        }
    }

    /// Makes the next request; says how many numbers it told, or a whole batch where others come first.
    private func advance(_ client: MLflowClient) throws(MLflowProblem) -> Int {
        guard let run = state.withLock({ $0.run }) else {
            try create(client)
            return Self.batch
        }
        if let parameters = state.withLock({ $0.parameters.first }) {
            try tell(
                parameters.count, "setting",
                { () throws(MLflowProblem) in
                    try client.log(run, [], parameters: parameters)
                })
            state.withLock { _ = $0.parameters.removeFirst() }
            return Self.batch
        }
        let numbers = state.withLock { state in
            let numbers = Array(state.waiting.prefix(Self.batch))
            state.waiting.removeFirst(numbers.count)
            state.sent = numbers.count
            return numbers
        }
        do throws(MLflowProblem) {
            try tell(numbers.count, "number", { () throws(MLflowProblem) in try client.log(run, numbers) })
        } catch {
            state.withLock { state in
                (state.waiting, state.sent) = (numbers + state.waiting, 0)
                _ = dropOldest(&state)
            }
            throw error
        }
        state.withLock { $0.sent = 0 }
        return numbers.count
    }

    /// Makes the run; where the server does not want it, nothing more is told.
    private func create(_ client: MLflowClient) throws(MLflowProblem) {
        guard let name = state.withLock({ $0.name }) else { return }
        do throws(MLflowProblem) {
            let run = try client.createRun(
                name, in: try client.experiment(named: spec.name),
                tags: ["mlflow.source.name": spec.file, "retort.version": ProductVersion.current])
            state.withLock { $0.run = run }
        } catch {
            guard case .refused(let reason) = error else { throw error }
            state.withLock { ($0.isOver, $0.waiting) = (true, []) }
            warn("nothing is told to MLflow: \(reason)")
        }
    }

    /// Makes a request; what the server refuses is given up.
    private func tell(
        _ count: Int, _ noun: String, _ request: () throws(MLflowProblem) -> Void
    ) throws(MLflowProblem) {
        do { try request() } catch {
            guard case .refused(let reason) = error else { throw error }
            let isFirst = state.withLock { state in
                let isFirst = state.told.insert(.refusal).inserted
                if !isFirst { state.lost += count }
                return isFirst
            }
            if isFirst { warn("\(Wording.count(count, noun)) not told: \(reason)") }
        }
    }

    private func tell(_ problem: MLflowProblem) {
        guard case .unreachable(let reason) = problem,
            state.withLock({ $0.told.insert(.silence).inserted })
        else { return }
        warn(reason, hint: "what is to be told waits, and is tried again as long as the run lasts")
    }

    private func warn(_ text: String, hint: String? = nil) {
        display.show(Diagnostic(text, hint: hint, severity: .warning))
    }

    // MARK: The end

    /// Tells what is left and how the run has ended, within some seconds.
    private func end(_ status: String) {
        let deadline = ContinuousClock.now + .seconds(Self.end.telling)
        state.withLock { $0.isEnding = true }
        let isDrained = DispatchSemaphore(value: 0)
        queue.async {
            while self.state.withLock({ $0.isAnythingLeft }), ContinuousClock.now < deadline,
                self.insist(
                    until: deadline, { (client) throws(MLflowProblem) in _ = try self.advance(client) })
            {}
            isDrained.signal()
        }
        let isInTime = isDrained.wait(timeout: .now() + Self.end.telling) == .success
        let last = state.withLock { state in
            defer { state.isOver = true }
            return state
        }
        guard last.name != nil, !last.isOver else { return }
        guard let run = last.run else { return warn("MLflow was told nothing of this run") }
        // However much is left: a server that has answered until now is asked for a while, another one once.
        let patience = isInTime && !last.isAnythingLeft ? Self.end.asking : 0
        let isFinished = insist(
            until: ContinuousClock.now + .seconds(patience),
            { (client) throws(MLflowProblem) in try client.finish(run, status) })
        let numbers = last.lost + last.waiting.count + last.sent
        let settings = last.parameters.reduce(0) { $0 + $1.count }
        let left = [
            numbers > 0 ? Wording.count(numbers, "number") : nil,
            settings > 0 ? Wording.count(settings, "setting") : nil, isFinished ? nil : "how the run ended",
        ].compactMap { $0 }
        if !left.isEmpty { warn("MLflow was not told: \(left.joined(separator: ", "))") }
    }

    /// Makes a request until the server answers, for a few seconds; whether it did.
    private func insist(
        until deadline: ContinuousClock.Instant, _ request: (MLflowClient) throws(MLflowProblem) -> Void
    ) -> Bool {
        let end = min(deadline, ContinuousClock.now + .seconds(Self.end.asking))
        var pause = 0.25
        while true {
            do throws(MLflowProblem) {
                let left = (deadline - ContinuousClock.now).seconds
                try request(client.limited(to: max(Self.end.asking, left)))
                return true
            } catch {
                tell(error)
                if case .refused(let reason) = error {
                    warn(reason)
                    return false
                }
                guard ContinuousClock.now + .seconds(pause) < end else { return false }
                usleep(UInt32(pause * 1_000_000))
                pause *= 2
            }
        }
    }
}
