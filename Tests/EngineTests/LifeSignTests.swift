import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct LifeSignTests {
    private let folder: TemporaryFolder
    private var path: String { folder.url.path }

    init() throws { folder = try TemporaryFolder() }

    private func note(_ change: (inout ProcessOwner) -> Void) throws {
        var owner = ProcessOwner.current()
        owner.holdsLock = true
        change(&owner)
        try CanonicalJSON.document(owner).write(to: folder.appending(RunFolder.owner))
    }

    /// Sets the time stamp of a file in the folder, or of the folder, back.
    private func age(_ name: String, by seconds: Double) {
        let time = Int(systemSeconds() - seconds)
        var times = [timeval(tv_sec: time, tv_usec: 0), timeval(tv_sec: time, tv_usec: 0)]
        #expect(utimes("\(path)/\(name)", &times) == 0)
    }

    @Test func `a process whose lock is held lives, though it is not seen here`() throws {
        var sign: LifeSign? = try LifeSign(path)
        #expect(sign?.isLocked == true)
        try note { $0.birth = "1" }
        #expect(LifeSign.isAlive(path) == true)
        try note {
            $0.host = "elsewhere"
            $0.boot = "another"
        }
        age(LifeSign.fileName, by: 3600)
        #expect(LifeSign.isAlive(path) == true)
        sign = nil
        #expect(LifeSign.isAlive(path) == false)
        // A process of this machine that has dropped its lock is at the end of its run.
        try note { _ in }
        #expect(LifeSign.isAlive(path) == false)
    }

    @Test func `the time stamp is renewed`() throws {
        let sign = try LifeSign(path)
        age(LifeSign.fileName, by: 3600)
        sign.renew()
        #expect(systemSeconds() - modified("\(path)/\(LifeSign.fileName)") < 600)
    }

    @Test func `the lock goes with the process`() async throws {
        try note { _ in }
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let sign = try LifeSign(path)
            withExtendedLifetime(sign) { _ = kill(getpid(), SIGKILL) }
        }
        #expect(try folder.files().contains(LifeSign.fileName))
        #expect(LifeSign.isAlive(path) == false)
    }

    @Test func `where there are no locks, the process tells, and elsewhere its time stamp`() throws {
        try folder.write("", to: LifeSign.fileName)
        try note { $0.holdsLock = false }
        #expect(LifeSign.isAlive(path) == true)
        try note {
            $0.holdsLock = false
            $0.birth = "1"
        }
        #expect(LifeSign.isAlive(path) == false)
        let began = timestamp(Date(timeIntervalSinceNow: -7200))
        let changes: [(inout ProcessOwner) -> Void] = [
            { $0.host = "elsewhere" }, { $0.namespace = "pid:[1]" },
        ]
        for change in changes {
            try note {
                ($0.holdsLock, $0.heartbeat) = (false, began)
                change(&$0)
            }
            age(LifeSign.fileName, by: 500)
            #expect(LifeSign.isAlive(path) == nil)
            age(LifeSign.fileName, by: 700)
            #expect(LifeSign.isAlive(path) == false)
        }
    }

    @Test func `a run of an earlier version is judged by its process alone`() throws {
        try note { $0.holdsLock = nil }
        #expect(LifeSign.isAlive(path) == true)
        try note {
            ($0.holdsLock, $0.host) = (nil, "elsewhere")
            $0.heartbeat = timestamp(Date(timeIntervalSinceNow: -72000))
        }
        #expect(LifeSign.isAlive(path) == nil)
    }

    @Test func `a run that never said whose it is is dead after some minutes`() throws {
        #expect(LifeSign.isAlive(path) == nil)
        age("", by: 400)
        #expect(LifeSign.isAlive(path) == false)
    }

    @Test func `a run says first whose it is`() throws {
        let store = folder.appending("Artifacts").path
        let bench = try Bench(
            folder,
            disk: Disk { operation, path in
                guard operation == .write, path.hasPrefix("\(store)/runs/"), path.contains("pipeline.json")
                else { return }
                let run = (path as NSString).deletingLastPathComponent
                #expect(FileManager.default.fileExists(atPath: "\(run)/\(RunFolder.owner)"))
                #expect(LifeSign.isAlive(run) == true)
                throw StoreError(ENOSPC, .write, path)
            })
        #expect(throws: StoreError(ENOSPC, .write, "")) {
            do { try bench.run("data a: write text=a") } catch let error as StoreError {
                throw StoreError(error.code, error.operation, "")
            }
        }
        let runs = try FileManager.default.contentsOfDirectory(atPath: "\(store)/runs")
        #expect(runs.count == 1 && bench.store.isAlive(run: runs[0]) == false)
        #expect(try GarbagePlan(Store(root: bench.store.root)).items == [])
    }
}

@Suite struct GarbageRefusalTests {
    /// A run that has begun and not ended, of a process that nobody here can see.
    private func foreign(_ bench: Bench, _ change: (inout ProcessOwner) -> Void) throws -> String {
        let id = try bench.run("data a: write text=a").run
        let folder = bench.store.path("runs/\(id)")
        #expect(unlink("\(folder)/\(RunFolder.result)") == 0)
        var owner = ProcessOwner.current()
        (owner.host, owner.boot, owner.holdsLock) = ("node7", "another", false)
        change(&owner)
        try CanonicalJSON.document(owner).write(to: URL(filePath: "\(folder)/\(RunFolder.owner)"))
        return id
    }

    @Test func `gc names the run on another machine, and waits for it no longer than it lives`() throws {
        let bench = try Bench()
        let id = try foreign(bench) { _ in }
        let problem = try #require(throws: Diagnostic.self) { try GarbagePlan(bench.store) }
        #expect(
            "\(problem)" == """
                error: the run \(id) may be at work on node7
                  hint: collect when it is over; if it died, ten minutes after that
                """)
        #expect(problem.exitCode == .stopped)
        #expect(try RunHistory(bench.store).summary(of: id).state == .running)
        let old = try foreign(bench) { $0.heartbeat = timestamp(Date(timeIntervalSinceNow: -700)) }
        var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
        for run in [id, old] {
            #expect(utimes(bench.store.path("runs/\(run)/\(LifeSign.fileName)"), &times) == 0)
        }
        #expect(try RunHistory(bench.store).summary(of: old).state == .died)
        #expect(throws: Diagnostic.self) { try GarbagePlan(bench.store) }
        _ = try foreign(bench) { $0.holdsLock = nil }
        try FileManager.default.removeItem(atPath: bench.store.path("runs/\(id)"))
        let early = try #require(throws: Diagnostic.self) { try GarbagePlan(bench.store) }
        let last = try RunHistory(bench.store).identifier()
        #expect(early.hint == "collect when it is over; if it died, delete runs/\(last)/owner.json")
    }
}
