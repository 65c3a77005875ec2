internal import Foundation
internal import Synchronization

/// How a run behaves; nothing here changes a result.
public struct RunOptions: Sendable {
    /// Device, threads and workers.
    public var execution = ExecutionOptions()
    /// Whether a failed stage stops only what reads it.
    public var keepsGoing = false
    /// How many seconds to wait for another process that makes the same artifact.
    public var patience = 0.0
    /// Who executes stages in other processes, side by side; nil when this process does, one after the other.
    public var executor: (any Executor)?
    /// What stages side by side share.
    public var slots = Slots()
    /// What was asked of the run, for `resume`; nil where nobody can ask for the same again.
    public var request: RunRequest?
    /// The processes that share the work; nil where this one is alone.
    public var crew: (any Crew)?
    /// What asks the run to stop.
    public var stop = StopRequest.fromSignals
    /// Whether SIGINT, SIGTERM, SIGUSR1 and SIGHUP make that request while the run lasts.
    public var handlesSignals = true

    /// Creates the usual options.
    public init() {}
}

/// Executes a plan: one stage after the other on one thread, or several side by side in processes of their own.
public struct Runner: Sendable {
    let graph: Graph
    let store: Store
    let options: RunOptions
    let sink: any EventSink

    /// Creates a runner of one pipeline in one store.
    public init(
        _ graph: Graph, _ store: Store, options: RunOptions = RunOptions(), sink: any EventSink = SilentSink()
    ) {
        self.graph = graph
        self.store = store
        self.options = options
        self.sink = sink
    }

    /// Executes the plan and returns when everything is over.
    ///
    /// What goes wrong in a stage is told by the result; an error means that the run itself could not be recorded.
    public func run(_ plan: Plan) throws -> RunResult {
        let handlers = options.handlesSignals ? SignalHandlers() : nil
        defer { handlers?.restore() }
        // Memory that the main thread frees is used again; that of another thread may go back to the system
        // (`RuntimeEnvironment`): embedding took 7 and 11 % longer there in two pairs of runs, training no longer.
        if Thread.isMainThread { return try Execution(self, plan).run() }
        let outcome = Mutex<Result<RunResult, any Error>?>(nil)
        let isOver = DispatchSemaphore(value: 0)
        // Tensor libraries keep state per thread, and deep networks need a deep stack.
        let thread = Thread {
            let result = Result { try Execution(self, plan).run() }
            outcome.withLock { $0 = result }
            isOver.signal()
        }
        thread.stackSize = 64 << 20
        thread.name = "stages"
        thread.start()
        isOver.wait()
        guard let result = outcome.withLock({ $0 }) else {
            preconditionFailure("the stages' thread ended without a result: this is a Retort bug")
        }
        return try result.get()
    }
}
