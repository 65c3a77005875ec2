public import Engine
internal import Synchronization

/// A sink that remembers, and that can act at an event, for instance ask the run to stop.
public final class RecordingSink: EventSink {
    private let events = Mutex<[RunEvent]>([])
    private let action: @Sendable (RunEvent) -> Void

    /// Creates a sink; `action` is called with every event on the stage's thread.
    public init(_ action: @escaping @Sendable (RunEvent) -> Void = { _ in }) { self.action = action }

    /// Remembers the event and acts.
    public func receive(_ event: RunEvent) {
        events.withLock { $0.append(event) }
        action(event)
    }

    /// The notes and warnings, in order.
    public var messages: [String] {
        events.withLock { events in
            events.compactMap { event in
                switch event {
                case .note(let text): text
                case .stage(_, .warning(let message, _)): message
                default: nil
                }
            }
        }
    }

    /// The names of the stages that were executed, in order.
    public var started: [String] {
        events.withLock { events in
            events.compactMap { if case .stageStarted(let node, _) = $0 { node } else { nil } }
        }
    }
}

/// An action at one step of a running stage.
public func atStep(_ step: Int, _ action: @escaping @Sendable () -> Void) -> @Sendable (RunEvent) -> Void {
    { event in
        if case .stage(_, .progress(step, _, _)) = event { action() }
    }
}
