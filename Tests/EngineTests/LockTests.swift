import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct LockTests {
    private func lock(
        _ path: String, patience: Double = 0, whileWaiting: (LockBusy) throws -> Void = { _ in }
    ) throws -> WorkLock {
        try WorkLock(path, node: "student", patience: patience, whileWaiting: whileWaiting)
    }

    @Test func `a lock is held once, and free again afterwards`() throws {
        let folder = try TemporaryFolder()
        let path = folder.appending("work/key.lock").path
        var first: WorkLock? = try lock(path)
        #expect(first?.reclaimedFrom == nil)
        let busy = try #require(throws: LockBusy.self) { try lock(path) }
        #expect(busy.owner?.pid == getpid())
        #expect(busy.owner?.isAlive == true)
        #expect(busy.exitCode == .stopped)
        #expect(busy.description.hasPrefix("another process (pid \(getpid()) on "))
        #expect(busy.description.hasSuffix(") is making 'student'"))
        first = nil
        #expect(try lock(path).reclaimedFrom == nil)
        #expect(try folder.files() == [])
    }

    @Test func `a lock whose holder died is taken over, and tells whose it was`() throws {
        let folder = try TemporaryFolder()
        let path = folder.appending("key.lock").path
        var dead = ProcessOwner.current()
        dead.birth = "1"
        #expect(dead.isAlive == false)
        try CanonicalJSON.document(dead).write(to: URL(filePath: path))
        #expect(try lock(path).reclaimedFrom == dead)
    }

    @Test func `a patient run gets the lock when it is free`() throws {
        let folder = try TemporaryFolder()
        let path = folder.appending("key.lock").path
        var first: WorkLock? = try lock(path)
        var waits = 0
        let second = try lock(path, patience: 60) { _ in
            waits += 1
            first = nil
        }
        #expect(second.reclaimedFrom == nil)
        #expect(first == nil)
        #expect(waits == 1)
    }

    @Test func `jobs share a lock that keeps others out until the last of them is gone`() async throws {
        let bench = try Bench()
        try bench.store.disk.createFolder(bench.store.path("work"))
        let path = bench.store.partLockPath("key")
        #expect(bench.store.isFreeOfParts("key"))
        var locks = try (0..<3).map { _ in try PartLock(path) }
        while !locks.isEmpty {
            #expect(!bench.store.isFreeOfParts("key", removing: true))
            #expect(try StoreRepair(bench.store).findings == [])
            locks.removeLast()
        }
        #expect(bench.store.isFreeOfParts("key"))
        #expect(try StoreRepair(bench.store).findings.map(\.path) == ["work/key.parts.lock"])
        #expect(bench.store.isFreeOfParts("key", removing: true))
        #expect(!bench.store.disk.exists(path))
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let lock = try PartLock(path)
            withExtendedLifetime(lock) { _ = kill(getpid(), SIGKILL) }
        }
        #expect(bench.store.disk.exists(path) && bench.store.isFreeOfParts("key"))
    }

    @Test func `a run that finds its stage locked stops with the code for it`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=a")
        let key = try #require(try bench.plan(graph).stages[0].key)
        let lock = try lock(bench.store.path("work/\(key).lock"))
        let result = try withExtendedLifetime(lock) { try bench.run(graph) }
        #expect(result.exitCode == .stopped)
        #expect(bench.states(result) == ["a": "busy"])
        #expect(result.stages["a"]?.message?.contains("--wait 10min") == true)
    }
}
