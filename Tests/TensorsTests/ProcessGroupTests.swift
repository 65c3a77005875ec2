import Foundation
import Synchronization
import Tensors
import TestSupport
import Testing

/// How long to wait for a process, in seconds: it starts when the test's runner gets to it, which beside all other tests
/// on a busy machine may be half an hour later.
private let arrival = 3600.0

/// Several real processes, and what each sees when another one dies.
///
/// The test's own process is number 0, which serves; the others are processes that it starts.
@Suite(.serialized) struct ProcessGroupTests {
    /// Connects as one of several processes that a test started.
    private static func join(_ rank: Int, of size: Int, port: Int, patience: Double = 20) throws -> Meeting {
        let meeting = try Meeting(
            Meeting.Place(rank: rank, size: size, port: port), patience: patience)
        try meeting.join(within: arrival)
        return meeting
    }

    /// Runs what blocks on a thread of its own: tasks that start processes need those of the pool.
    private func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread { continuation.resume(with: Result { try body() }) }.start()
        }
    }

    @Test func `sums and broadcasts are the same in every process`() async throws {
        let meeting = try Meeting(Meeting.Place(rank: 0, size: 3), patience: 20)
        let port = meeting.port
        async let one = #expect(processExitsWith: .success) { [port = port as Int] in
            try Self.collect(try ProcessGroup(try Self.join(1, of: 3, port: port), name: "a"))
        }
        async let two = #expect(processExitsWith: .success) { [port = port as Int] in
            try Self.collect(try ProcessGroup(try Self.join(2, of: 3, port: port), name: "a"))
        }
        try await onThread {
            try meeting.join(within: arrival)
            try Self.collect(try ProcessGroup(meeting, name: "a"))
        }
        _ = await (one, two)
    }

    /// What every process does, and what it must see.
    private static func collect(_ group: ProcessGroup) throws {
        struct Wrong: Error { var what: String }
        func require(_ values: [Float], _ expected: [Float], _ what: String) throws {
            guard values == expected else { throw Wrong(what: "\(what): \(values)") }
        }
        let rank = Float(group.rank)
        // Three tensors of two types in one call, one of them larger than a message.
        let small = try Tensor([rank, 10 * rank])
        let large = try Tensor.full([9_000_000], Double(group.rank + 1))
        let exact = try Tensor(doubles: [Double(group.rank)])
        try group.sum([small, large, exact])
        try require(small.floats(), [3, 30], "small")
        try require(large.slice(dim: 0, from: 8_999_998, to: 9_000_000).floats(), [6, 6], "large")
        try require(exact.doubles().map(Float.init), [3], "fp64")
        let parameter = try Tensor([1, 2] as [Float]).requiresGrad(true)
        let without = try Tensor([1] as [Float]).requiresGrad(true)
        try (parameter * Double(group.rank)).sum().backward()
        let value = try Tensor([rank]).reshape([])
        try group.sumGradients(of: [parameter, without], and: value)
        try require(parameter.grad?.floats() ?? [], [3, 3], "gradients")
        try require([Float(value.item())], [3], "value")
        let told = try Tensor([rank])
        try group.broadcast([told], from: 2)
        try require(told.floats(), [2], "broadcast")
        try group.barrier()
    }

    @Test func `a killed process fails the others' calls, and is named`() async throws {
        let meeting = try Meeting(Meeting.Place(rank: 0, size: 2), patience: 10)
        let port = meeting.port
        async let child = #expect(processExitsWith: .signal(SIGKILL)) { [port = port as Int] in
            let group = try ProcessGroup(try Self.join(1, of: 2, port: port), name: "a")
            try group.barrier()
            kill(getpid(), SIGKILL)
        }
        try await onThread {
            try meeting.join(within: arrival)
            let group = try ProcessGroup(meeting, name: "a")
            try group.barrier()
            #expect(meeting.lost == nil)
            let clock = ContinuousClock()
            let start = clock.now
            let error = #expect(throws: TorchError.self) { try group.barrier() }
            #expect(error?.code == .peer, "\(String(describing: error))")
            while meeting.lost == nil, clock.now - start < .seconds(60) { usleep(50_000) }
            #expect(meeting.lost == 1)
            #expect(clock.now - start < .seconds(60))
        }
        _ = await child
    }

    /// A meeting that can be let go of.
    private final class Serving: Sendable {
        let meeting: Mutex<Meeting?>

        init(_ meeting: Meeting) { self.meeting = Mutex(meeting) }
    }

    @Test func `when process 0 goes, the others see it`() async throws {
        let serving = Serving(try Meeting(Meeting.Place(rank: 0, size: 2), patience: 20))
        let port = try #require(serving.meeting.withLock { $0?.port })
        async let child = #expect(processExitsWith: .exitCode(7)) { [port = port as Int] in
            let meeting = try Self.join(1, of: 2, port: port)
            let group = try ProcessGroup(meeting, name: "a")
            do { try group.barrier() } catch {
                for _ in 0..<1200 where meeting.lost == nil { usleep(50_000) }
                if meeting.lost == 0 { exit(7) }
            }
        }
        try await onThread {
            // Nobody else holds it, so that it goes with this block.
            let meeting = serving.meeting.withLock { $0.take() }
            try meeting?.join(within: arrival)
            _ = try meeting.map { try ProcessGroup($0, name: "a") }
        }
        _ = await child
    }

    @Test func `messages stay where they are, and who waits for tensors can be called away`() async throws {
        let meeting = try Meeting(Meeting.Place(rank: 0, size: 2), patience: 20)
        let port = meeting.port
        async let child = #expect(processExitsWith: .exitCode(7)) { [port = port as Int] in
            let meeting = try Self.join(1, of: 2, port: port)
            meeting.watch("stop")
            let group = try ProcessGroup(meeting, name: "a")
            try meeting.leave("here".utf8, at: "note")
            do { try group.barrier() } catch { exit(meeting.isCalled ? 7 : 8) }
        }
        let finished = DispatchSemaphore(value: 0)
        async let first: Void = onThread {
            try meeting.join(within: arrival)
            #expect(try meeting.message(at: "nothing") == nil)
            let group = try ProcessGroup(meeting, name: "a")
            while try meeting.message(at: "note") == nil { usleep(20_000) }
            #expect(try meeting.message(at: "note") == Array("here".utf8))
            try meeting.leave("now".utf8, at: "stop")
            // The group stays until the other process has gone.
            finished.wait()
            withExtendedLifetime(group) {}
        }
        _ = await child
        finished.signal()
        try await first
    }

    @Test func `those who do not come are named`() throws {
        let meeting = try Meeting(Meeting.Place(rank: 0, size: 3))
        let error = #expect(throws: TorchError.self) { try meeting.join(within: 0.1) }
        #expect(error?.message == "missing 1, 2")
        #expect(error?.code == .peer)
    }

    /// Output, running statistics and gradients of a batch normalisation, for some images of eight.
    private static func normalise(_ images: Range<Int>, in group: ProcessGroup?) throws -> [[Float]] {
        let values: [Float] = (0..<96).map { Float($0 * 37 % 23) / 7 - 1 }
        let all = try Tensor(values, shape: [8, 3, 2, 2])
        let x = try all.slice(dim: 0, from: images.lowerBound, to: images.upperBound).clone().requiresGrad(
            true)
        let (weight, bias) = try (
            Tensor([0.5, 1, 2] as [Float]).requiresGrad(true),
            Tensor([0, 1, -1] as [Float]).requiresGrad(true)
        )
        let (mean, variance) = try (Tensor.zeros([3]), Tensor.ones([3]))
        func forward() throws -> Tensor {
            try x.batchNorm(
                weight: weight, bias: bias, runningMean: mean, runningVariance: variance, training: true,
                then: .relu)
        }
        let y = try group?.sharingStatistics(forward) ?? forward()
        try (y * y).sum().backward()
        try group?.sumGradients(of: [weight, bias], and: .zeros([]))
        return try [y, x.grad, weight.grad, bias.grad, mean, variance].map { try $0?.floats() ?? [] }
    }

    @Test func `batch normalisation over two processes is that of the whole batch`() throws {
        let whole = try Self.normalise(0..<8, in: nil)
        let parts = try inProcessGroup(of: 2) { group in
            try Self.normalise(group.rank == 0 ? 0..<3 : 3..<8, in: group)
        }
        for place in whole.indices {
            // Outputs and inputs' gradients lie below each other; the rest is the same in both.
            let together = place < 2 ? parts[0][place] + parts[1][place] : parts[0][place]
            #expect(TestSupport.Tolerance.float32.mismatch(together, whole[place]) == nil, "\(place)")
            if place >= 2 { #expect(parts[0][place] == parts[1][place]) }
        }
    }
}
