internal import Foundation
internal import Synchronization

/// One of several jobs that make the parts of a stage's result before a last one puts them together.
public struct JobPart: Codable, Hashable, Sendable {
    /// The job's number, from zero.
    public var index: Int
    /// How many there are.
    public var count: Int

    /// Creates a part; nil unless its number is one of so many.
    public init?(_ index: Int, of count: Int) {
        guard (0..<count).contains(index) else { return nil }
        (self.index, self.count) = (index, count)
    }

    /// Reads `2/8`.
    public init?(_ text: String) {
        let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1] else { return nil }
        self.init(index, of: count)
    }

    /// Where the jobs leave what they counted.
    private static func folder(in state: URL) -> URL {
        state.appending(path: "parts", directoryHint: .isDirectory)
    }

    /// Leaves what this job counted to the last one.
    func leave(_ sums: Data, in state: URL) throws {
        let folder = Self.folder(in: state)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try sums.write(to: folder.appending(path: "\(index)-of-\(count).json"), options: .atomic)
    }

    /// What so many jobs have counted, as far as they came to their ends.
    static func sums(of count: Int, in state: URL) -> [[Double]] {
        (0..<count).compactMap { index in
            let file = folder(in: state).appending(path: "\(index)-of-\(count).json")
            return (try? Data(contentsOf: file)).flatMap {
                try? CanonicalJSON.value([Double].self, from: $0)
            }
        }
    }
}

/// The others, as a job sees them that makes some parts and meets nobody: it leaves its counts in a file.
final class PartCrew: Crew {
    private let part: JobPart
    private let state: URL
    private let stop: StopRequest
    private let isLeft = Mutex(false)

    init(_ part: JobPart, state: URL, stop: StopRequest) {
        self.part = part
        self.state = state
        self.stop = stop
    }

    /// Nobody leads: the last job does that.
    var rank: Int { part.index + 1 }
    var size: Int { part.count + 1 }
    var hint: String { "" }
    var lost: Int? { nil }

    /// Whether the parts are made.
    var isDone: Bool { isLeft.withLock { $0 } }

    /// A request to stop ends the share, as the leader would.
    var isCalled: Bool { stop.isRequested }

    func leave(_ message: Data, at key: String) throws {
        try part.leave(message, in: state)
        isLeft.withLock { $0 = true }
    }

    func message(at key: String) throws -> Data? { nil }
    func watch(_ key: String?) {}
    func isPeerFailure(_ error: any Error) -> Bool { false }
}
