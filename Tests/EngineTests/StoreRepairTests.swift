import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct StoreRepairTests {
    private func kinds(_ bench: Bench) throws -> [String] {
        try StoreRepair(bench.store).findings.map { "\($0.kind.rawValue) \($0.path)" }
    }

    @Test func `a store that is as it should be stays as it is`() throws {
        let bench = try Bench()
        #expect(try kinds(bench) == [])
        try bench.run(everyday)
        let before = try bench.folder.files()
        #expect(try kinds(bench) == [])
        try StoreRepair(bench.store).repair()
        #expect(try bench.folder.files() == before)
    }

    @Test func `what can be rebuilt from the folders is, and a plan knows again what changed`() throws {
        let bench = try Bench()
        let graph = try bench.graph(everyday)
        try bench.run(graph)
        let entries = try ["world", "teacher"].map {
            try bench.folder.read("Artifacts/nodes/test/\($0).json")
        }
        try FileManager.default.removeItem(atPath: bench.store.path("nodes/test/teacher.json"))
        try bench.folder.write("torn", to: "Artifacts/nodes/test/world.json")
        try bench.folder.write("{\"half", to: "Artifacts/digests.json")
        #expect(
            try kinds(bench) == [
                "digest-cache digests.json", "node-history nodes/test/teacher.json",
                "node-history nodes/test/world.json",
            ])
        try StoreRepair(bench.store).repair()
        #expect(
            try ["world", "teacher"].map { try bench.folder.read("Artifacts/nodes/test/\($0).json") }
                == entries)
        #expect(try kinds(bench) == [])
        let changed = try bench.graph(everyday.replacing("steps=10", with: "steps=11"))
        #expect(try bench.plan(changed).lines[1] == "teacher: RUN steps 10 → 11")
    }

    @Test func `scratch of the dead goes, half artifacts are put aside, the living are left alone`() throws {
        let bench = try Bench()
        let result = try bench.run(everyday)
        var dead = ProcessOwner.current()
        dead.birth = "1"
        try bench.store.disk.createFolder(bench.store.path("work"))
        try CanonicalJSON.document(dead).write(to: URL(filePath: bench.store.path("work/dead.lock")))
        let held = try WorkLock(bench.store.path("work/held.lock"), node: "x", patience: 0) { _ in }
        try bench.store.disk.createFolder(bench.store.path("work/held/state"))
        try bench.store.disk.createFolder(bench.store.path("work/gone.removed/output"))
        try bench.store.disk.createFolder(bench.store.path("work/begun/output"))
        try bench.folder.write("half", to: "Artifacts/store/abc/content.txt")
        try bench.folder.write("{}", to: "Artifacts/trash/store-x/artifact.json")
        try bench.folder.write("{}", to: "Artifacts/.digests.json.123.tmp")
        let half = bench.store.path("runs/20200101T000000-0000")
        try bench.store.disk.createFolder("\(half)/links")
        var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
        #expect(utimes(half, &times) == 0)
        #expect(
            try kinds(bench) == [
                "stale-lock work/dead.lock", "leftover work/gone.removed", "half-artifact store/abc",
                "half-run runs/20200101T000000-0000", "leftover trash", "leftover .digests.json.123.tmp",
            ])
        try withExtendedLifetime(held) { try StoreRepair(bench.store).repair() }
        #expect(try kinds(bench) == [])
        #expect(bench.store.disk.exists(bench.store.path("work/held/state")))
        #expect(bench.store.disk.exists(bench.store.path("work/begun/output")))
        #expect(bench.store.disk.exists(bench.store.path("quarantine/abc/content.txt")))
        #expect(RunHistory(bench.store).identifiers() == [result.run])
    }

    @Test func `scratch of a replay goes when its process has died, and not before`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=x")
        let scratch = ScratchExecution(
            store: bench.store, graph: graph, node: graph.nodes[0], inputs: [], options: ExecutionOptions())
        let files = try scratch.run("key") { output in
            try bench.store.disk.createFolder(bench.store.path("replay/just-begun/output"))
            var dead = ProcessOwner.current()
            (dead.birth, dead.holdsLock) = ("1", true)
            try bench.store.disk.createFolder(bench.store.path("replay/dead/output"))
            try bench.folder.write("", to: "Artifacts/replay/dead/owner.lock")
            try bench.folder.write(
                String(decoding: try CanonicalJSON.document(dead), as: UTF8.self),
                to: "Artifacts/replay/dead/owner.json")
            try bench.store.disk.createFolder(bench.store.path("replay/old/output"))
            var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
            #expect(utimes(bench.store.path("replay/old"), &times) == 0)
            #expect(try kinds(bench) == ["leftover replay/dead", "leftover replay/old"])
            try StoreRepair(bench.store).repair()
            return try FileManager.default.contentsOfDirectory(atPath: output)
        }
        #expect(files == [FakeText.file])
        #expect(try kinds(bench) == [])
        #expect(bench.store.disk.exists(bench.store.path("replay/just-begun")))
    }
}

@Suite struct RemainsTests {
    @Test func `what a kill left of published work goes with the next run, unless somebody is at it`() throws
    {
        let bench = try Bench()
        try bench.run(everyday)
        let folders = [
            "gone.removed/output", "held.removed/output", "tidied/state", "held/state", "begun/output",
        ]
        for folder in folders { try bench.store.disk.createFolder(bench.store.path("work/\(folder)")) }
        let held = try WorkLock(bench.store.path("work/held.lock"), node: "x", patience: 0) { _ in }
        try withExtendedLifetime(held) { _ = try bench.run(everyday) }
        let left = folders.filter { bench.store.disk.exists(bench.store.path("work/\($0)")) }
        #expect(left == ["held.removed/output", "held/state", "begun/output"])
    }
}

@Suite struct ClockTests {
    @Test func `runs sort by their beginning though the clock was set back`() throws {
        let bench = try Bench()
        let times = [1_000_000.0, 999_000, 999_000, 5, 2_000_000]
        let names = try times.map {
            try RunFolder.newFolder(bench.store, now: Date(timeIntervalSince1970: $0)).id
        }
        #expect(names == names.sorted() && Set(names).count == 5)
        #expect(RunFolder.successor(of: "20261121T152703-13ff") == "20261121T152703-1400")
        #expect(RunFolder.successor(of: "20261121T152703-ffff") > "20261121T152703-ffff")
    }

    @Test func `runs that begin in the same instant have folders of their own`() throws {
        let bench = try Bench()
        let now = Date()
        let names = try (0..<50).map { _ in try RunFolder.newFolder(bench.store, now: now).id }
        #expect(Set(names).count == 50)
    }

    @Test func `a digest remembered under a clock that was set back is still of the content`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("one", to: "file")
        // A clock an hour behind the file's own time stamp: the file counts as just written.
        let cache = DigestCache(clock: { systemSeconds() - 3600 })
        let first = try cache.digest(of: file)
        try Data("two".utf8).write(to: file)
        #expect(try cache.digest(of: file) != first)
        #expect(try cache.digest(of: file) == SHA256.digest(of: "two"))
    }
}

@Suite struct FileSystemTests {
    private let mounts = """
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
        30 22 0:25 / /dev/shm rw,nosuid - tmpfs tmpfs rw
        40 22 0:31 / /home/user\\040one rw - nfs4 server:/home rw
        41 22 0:32 / /data rw master:3 - fuse.sshfs me@there:/ rw
        42 41 0:33 / /data/local rw - xfs /dev/vdb rw
        """

    @Test(arguments: [
        ("/home/user one/store", "nfs4", true), ("/home/user", "ext4", false),
        ("/data/x", "fuse.sshfs", true),
        ("/data/local/Artifacts", "xfs", false), ("/data/locals", "fuse.sshfs", true), ("/", "ext4", false),
        ("/dev/shm/a", "tmpfs", false),
    ])
    func `the mount that is nearest decides`(_ path: String, _ name: String, _ isShared: Bool) throws {
        let found = try #require(FileSystem.of(path, mounts: mounts))
        #expect(found.name == name)
        #expect(found.isShared == isShared)
        #expect((found.note != nil) == isShared)
    }

    @Test func `a folder that is not there yet is on the disk it will be on`() throws {
        let folder = try TemporaryFolder()
        let here = try #require(FileSystem.of(folder.url.path))
        #expect(FileSystem.of(folder.appending("a/b/c").path) == here)
        #expect(FileSystem.of(folder.url.path, mounts: "nonsense\n") == nil)
    }
}

@Suite struct JournalFollowerTests {
    @Test func `each call gives the whole lines that came since the last one`() throws {
        let bench = try Bench()
        let result = try bench.run("data a: write text=a")
        var follower = JournalFollower(bench.store, run: result.run)
        let all = try RunHistory(bench.store).events(of: result.run)
        #expect(try follower.next() == all)
        #expect(try follower.next() == [])
        let file = try AppendOnlyFile(bench.store.path("runs/\(result.run)/events.jsonl"))
        let line = try CanonicalJSON.data(all[0])
        try file.append(line: line)
        let path = bench.store.path("runs/\(result.run)/events.jsonl")
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: line.prefix(9))
        #expect(try follower.next() == [all[0]])
        #expect(try follower.next() == [])
        try handle.write(contentsOf: line.dropFirst(9) + Data("\nnonsense\n".utf8))
        #expect(try follower.next() == [all[0]])
    }
}

@Suite struct ScaleTests {
    @Test func `a graph of 2,000 stages is planned and executed`() throws {
        let bench = try Bench()
        // A chain of twenty layers of a hundred, each stage reading two of the layer before.
        var lines = (0..<100).map { "data n0-\($0): write text=\($0)" }
        for layer in 1..<20 {
            lines += (0..<100).map {
                "n\(layer)-\($0): join parts=[n\(layer - 1)-\($0),n\(layer - 1)-\(($0 + 1) % 100)] seed=\($0)"
            }
        }
        let start = monotonicSeconds()
        let graph = try bench.graph(lines.joined(separator: "\n"))
        let bound = monotonicSeconds()
        let plan = try bench.plan(graph)
        let planned = monotonicSeconds()
        #expect(plan.stages.count == 2000)
        #expect(try bench.run(graph).stages.values.allSatisfy { $0.state == .ran })
        let executed = monotonicSeconds()
        #expect(try bench.plan(graph).stages.allSatisfy { $0.state == .cached })
        print(
            "2,000 stages: bound in \(rounded(bound - start)) s, planned in \(rounded(planned - bound)) s, executed in "
                + "\(rounded(executed - planned)) s, planned again in \(rounded(monotonicSeconds() - executed)) s"
        )
        // Generous: a debug build on a busy machine; quadratic work would take minutes.
        #expect(planned - start < 60)
    }
}
