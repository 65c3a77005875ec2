internal import Foundation
internal import Synchronization

/// A wish, from a signal or a test, that the running stage come to rest at its next opportunity.
public final class StopRequest: Sendable {
    private let number = Atomic<Int32>(0)
    /// What was wished so far: 1 for an end, 2 for a rest because the time of a cluster's job is up.
    private let intents = Atomic<UInt8>(0)

    /// Creates a request that nobody has made yet.
    public init() {}

    /// Whether the request was made.
    public var isRequested: Bool { number.load(ordering: .relaxed) != 0 }

    /// The signal that made the request, or zero.
    public var signal: Int32 { number.load(ordering: .relaxed) }

    /// Whether the request was made because time is up, and nobody wished for an end.
    var isTimeUp: Bool { intents.load(ordering: .relaxed) == 2 }

    /// Makes the request; tells whether nobody has wished for the same before.
    ///
    /// Who stops a job whose time is up, or whose time is up after that, has not grown impatient.
    @discardableResult
    public func request(signal: Int32) -> Bool {
        _ = number.compareExchange(expected: 0, desired: signal, ordering: .relaxed)
        let intent: UInt8 = signal == SIGUSR1 ? 2 : 1
        return intents.bitwiseOr(intent, ordering: .relaxed).oldValue & intent == 0
    }
}
