public import Engine
public import Foundation
internal import Synchronization
public import Tensors
internal import Training

/// A crew whose processes met over libtorch's c10d.
public final class MeetingCrew: Crew {
    /// What a run that lost a process is gone on with.
    public let hint: String
    let meeting: Meeting
    private let ended = Atomic<Int>(-1)
    private let dismissed = Atomic<Bool>(false)

    /// Creates the crew of a meeting that everybody has joined.
    public init(_ meeting: Meeting, hint: String) {
        self.meeting = meeting
        self.hint = hint
    }

    /// This process's number, from zero.
    public var rank: Int { meeting.rank }
    /// The number of processes.
    public var size: Int { meeting.size }

    /// Leaves a message at a key.
    public func leave(_ message: Data, at key: String) throws { try meeting.leave(message, at: key) }

    /// The message at a key; nil where there is none yet.
    public func message(at key: String) throws -> Data? {
        let message = try meeting.message(at: key).map { Data($0) }
        if key == Self.overKey, message != nil {
            dismissed.store(true, ordering: .relaxed)
            meeting.rest()
        }
        return message
    }

    /// Whether process 0 has said that there is nothing more to do.
    public var isDismissed: Bool { dismissed.load(ordering: .relaxed) }

    /// Has a key looked at once a second.
    public func watch(_ key: String?) { meeting.watch(key) }

    /// Whether there is a message at the watched key.
    public var isCalled: Bool { meeting.isCalled }

    /// A process that has ended, or that has given no sign of life for too long.
    public var lost: Int? {
        let known = ended.load(ordering: .relaxed)
        return known >= 0 ? known : meeting.lost
    }

    /// Notes that a process has ended, where that is known before its signs of life fail to come.
    public func noteEnd(of rank: Int) { ended.store(rank, ordering: .relaxed) }

    /// Whether an error says only that another process could not be reached.
    public func isPeerFailure(_ error: any Error) -> Bool { (error as? TorchError)?.code == .peer }
}

extension StageContext {
    /// What connects the processes that share this stage; nil where it is one.
    func dataParallel() throws -> DataParallel? {
        guard let share, share.size > 1, let crew = share.crew as? MeetingCrew else { return nil }
        return DataParallel(try ProcessGroup(crew.meeting, name: "task-\(share.number)"))
    }
}
