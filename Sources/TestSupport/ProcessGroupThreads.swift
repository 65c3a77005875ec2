internal import Foundation
internal import Synchronization
public import Tensors

/// Runs `body` in every member of a process group whose members are threads of this process: quicker than processes
/// where a test is about numbers.
///
/// Returns what they return, in order.
public func inProcessGroup<Result: Sendable>(
    of size: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> Result
) throws -> [Result] {
    let serving = try Meeting(Meeting.Place(rank: 0, size: size))
    let port = serving.port
    let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
    let threads = DispatchGroup()
    for rank in 0..<size {
        threads.enter()
        let thread = Thread {
            let result = Swift.Result {
                let meeting =
                    try rank == 0 ? serving : Meeting(Meeting.Place(rank: rank, size: size, port: port))
                try meeting.join()
                return try body(try ProcessGroup(meeting, name: "threads"))
            }
            results.withLock { $0[rank] = result }
            threads.leave()
        }
        thread.stackSize = 64 << 20
        thread.start()
    }
    threads.wait()
    return try (0..<size).map { rank in
        guard let result = results.withLock({ $0[rank] }) else {
            preconditionFailure("a thread ended without a result")
        }
        return try result.get()
    }
}
