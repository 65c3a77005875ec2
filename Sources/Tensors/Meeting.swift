internal import CTorch
internal import Foundation

/// Where processes that compute together find each other, leave messages, and notice who is gone.
///
/// Process 0 (or the program that started all of them) serves; the others connect. Once everybody has joined, every
/// process gives a sign of life once a second on a thread of its own: process 0 listens to all, all listen to
/// process 0. A sign of life says that a process exists, not that its work gets on.
public final class Meeting: @unchecked Sendable {
    // Sendable: the C side locks what its two threads share; store calls wait for each other.

    /// Who a process is, and where the others are.
    public struct Place: Hashable, Sendable {
        /// This process's number, from zero.
        public var rank: Int
        /// The number of processes.
        public var size: Int
        /// The host on which the store is served.
        public var host: String
        /// Its port; with 0, the one who serves takes a free one.
        public var port: Int
        /// Whether this process serves it; else another one, or a launcher, does.
        public var serves: Bool
        /// What precedes every key, where a launcher's store has other users.
        public var prefix: String

        /// Creates a place; process 0 serves unless told otherwise.
        public init(
            rank: Int, size: Int, host: String = "127.0.0.1", port: Int = 0, serves: Bool? = nil,
            prefix: String = ""
        ) {
            self.rank = rank
            self.size = size
            self.host = host
            self.port = port
            self.serves = serves ?? (rank == 0)
            self.prefix = prefix
        }
    }

    /// This process's number, from zero.
    public let rank: Int
    /// The number of processes.
    public let size: Int
    private let handle: CTMeeting

    /// Serves the store, or connects to it.
    ///
    /// - Parameters:
    ///   - patience: the seconds without a sign of life after which a process counts as lost, and for which a
    ///     connection is tried.
    /// - Throws: a `TorchError` of the code `peer` where nobody is to be found there.
    public init(_ place: Place, patience: Double = 30) throws(TorchError) {
        var out: CTMeeting?
        let status = ct_meeting_open(
            place.host, Int32(place.port), Int32(place.rank), Int32(place.size), place.serves, place.prefix,
            patience, &out)
        guard status == CT_OK, let out else { throw TorchError(status: status, operation: "Meeting") }
        handle = out
        rank = place.rank
        size = place.size
    }

    deinit { ct_meeting_free(handle) }

    /// The port that is served.
    public var port: Int { Int(ct_meeting_port(handle)) }

    /// Waits until everybody is here.
    ///
    /// - Throws: a `TorchError` whose message names the processes that have not come in time.
    public func join(within seconds: Double = 60) throws(TorchError) {
        try check(ct_meeting_join(handle, seconds), operation: "join")
    }

    /// The process that has given no sign of life for too long; nil while all do.
    public var lost: Int? {
        let rank = ct_meeting_lost(handle)
        return rank < 0 ? nil : Int(rank)
    }

    /// Gives no more signs of life, and listens to none: what comes to an end as planned is not lost.
    public func rest() { ct_meeting_rest(handle) }

    // MARK: Messages

    /// Leaves a message that everybody can read.
    public func leave(_ message: some Sequence<UInt8>, at key: String) throws(TorchError) {
        let bytes = Array(message)
        let status = bytes.withUnsafeBytes { ct_meeting_set(handle, key, $0.baseAddress, $0.count) }
        try check(status, operation: "leave")
    }

    /// The message at a key; nil where there is none yet.
    public func message(at key: String) throws(TorchError) -> [UInt8]? {
        var out: CTTensor?
        try check(ct_meeting_get(handle, key, &out), operation: "message")
        return try out.map(Tensor.init(owning:))?.bytes()
    }

    /// Has this key looked at once a second from now on: ``isCalled`` tells whether a message is there.
    ///
    /// Collective operations that wait for other processes fail when it is.
    public func watch(_ key: String?) { ct_meeting_watch(handle, key) }

    /// Whether there is a message at the watched key, as far as is known.
    public var isCalled: Bool { ct_meeting_called(handle) }

    @inline(__always)
    func withHandle<Result>(_ body: (CTMeeting) -> Result) -> Result {
        withExtendedLifetime(self) { body(handle) }
    }
}
