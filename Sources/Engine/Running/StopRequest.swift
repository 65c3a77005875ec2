internal import Synchronization

/// A wish, from a signal or a test, that the running stage come to rest at its next opportunity.
public final class StopRequest: Sendable {
    private let number = Atomic<Int32>(0)

    /// Creates a request that nobody has made yet.
    public init() {}

    /// Whether the request was made.
    public var isRequested: Bool { number.load(ordering: .relaxed) != 0 }

    /// The signal that made the request, or zero.
    public var signal: Int32 { number.load(ordering: .relaxed) }

    /// Makes the request; tells whether it is the first one.
    @discardableResult
    public func request(signal: Int32) -> Bool {
        number.compareExchange(expected: 0, desired: signal, ordering: .relaxed).exchanged
    }
}
