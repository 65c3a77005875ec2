import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct StoreUseTests {
    private let text = "data a: write text=aaa\nb: length of=a"

    private func garbage(_ bench: Bench, _ rules: GarbageRules) throws -> GarbagePlan {
        try GarbagePlan(bench.store, rules, now: systemSeconds())
    }

    @Test func `nothing is deleted while somebody uses the store, and everything else afterwards`() throws {
        let bench = try Bench()
        try bench.run(text)
        let plan = try garbage(bench, GarbageRules(size: 0))
        var uses: [StoreUse?] = [try bench.store.use(), try bench.store.use()]
        while !uses.isEmpty {
            #expect(uses.allSatisfy { $0 != nil })
            let problem = try #require(throws: Diagnostic.self) { try plan.delete() }
            #expect(
                "\(problem)" == """
                    error: a run, or a job of one, is at work in '\(bench.store.root.path)'
                      hint: collect when it is over, or stop it
                    """)
            #expect(problem.exitCode == .stopped)
            #expect(bench.store.keys().count == 2)
            uses.removeLast()
        }
        #expect(try plan.delete() == plan.items)
        #expect(bench.store.keys() == [])
    }

    @Test func `a job of a run uses the store, whatever became of the run`() throws {
        let bench = try Bench()
        let result = try bench.run(text)
        let plan = try garbage(bench, GarbageRules(size: 0))
        var options = RunOptions()
        options.handlesSignals = false
        let job = try StageJob(
            run: result.run, node: "b", bench.store, catalog: fakeStages, options: options)
        #expect(throws: Diagnostic.self) { try withExtendedLifetime(job) { try plan.delete() } }
    }

    @Test func `a child of a process that used the store does not use it`() throws {
        let bench = try Bench()
        try bench.run(text)
        var use = try bench.store.use()
        let streams: [Int32] = [0, 1, 2]
        let child = try spawn(["sleep", "600"], environment: ["PATH": "/usr/bin:/bin"], streams: streams)
        defer {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
        #expect(use != nil && isRefused(try bench.store.own()))
        use = nil
        // What other tests start holds what it inherited until it is a program of its own.
        for _ in 0..<2000 where isRefused(try bench.store.own()) { usleep(2000) }
        #expect(try bench.store.own() != nil)
        #expect(try ended(child) == nil)
    }

    private func isRefused(_ body: @autoclosure () throws -> StoreUse?) -> Bool { (try? body()) == nil }

    @Test func `a run waits until nothing is being deleted`() throws {
        let bench = try Bench()
        try bench.run(text)
        var ownership = try bench.store.own()
        var waits = 0
        let use = try bench.store.use {
            waits += 1
            ownership = nil
        }
        #expect(use != nil && ownership == nil && waits == 1)

        ownership = use == nil ? nil : try? bench.store.own()
        #expect(ownership == nil)
    }

    @Test func `a run that is stopped while it waits leaves nothing behind`() throws {
        let bench = try Bench()
        let graph = try bench.graph(text)
        try bench.run(graph)
        let runs = RunHistory(bench.store).identifiers()
        let ownership = try bench.store.own()
        let stop = StopRequest()
        stop.request(signal: SIGTERM)
        let problem = try #require(throws: Diagnostic.self) {
            try withExtendedLifetime(ownership) { _ = try bench.run(graph, stop: stop) }
        }
        #expect(problem.message == "the run was stopped before it began: 'gc' is deleting in its store")
        #expect(RunHistory(bench.store).identifiers() == runs)
    }

    @Test func `what a run took since it was shown is not deleted`() throws {
        let bench = try Bench()
        try bench.run(text)
        try bench.run(text.replacing("aaa", with: "bbb"))
        let plan = try garbage(bench, GarbageRules(keptRuns: 1))
        #expect(plan.items.map { $0.path.prefix(5) } == ["runs/", "store", "store"])
        #expect(try bench.run(text).stages.values.allSatisfy { $0.state == .cached })
        #expect(try plan.delete().map(\.path) == [plan.items[0].path])
        #expect(try bench.run(text).stages.values.allSatisfy { $0.state == .cached })
    }

    @Test(arguments: [false, true])
    func `what went between the plan and the run is made again`(isSideBySide: Bool) throws {
        let bench = try Bench()
        let graph = try bench.graph(text)
        try bench.run(graph)
        let plan = try bench.plan(graph)
        _ = try garbage(bench, GarbageRules(keptRuns: 0, size: 0)).delete()
        #expect(bench.store.keys() == [])
        var options = RunOptions()
        options.handlesSignals = false
        options.stop = StopRequest()
        if isSideBySide { ThreadExecutor().options(2)(&options) }
        let result = try Runner(graph, bench.store, options: options).run(plan)
        #expect(bench.states(result) == ["a": "ran", "b": "ran"])
        #expect(try bench.text(result, "b") == "3")
    }

    @Test func `a store that is not there is not made by looking`() throws {
        let bench = try Bench()
        #expect(try bench.store.use() == nil)
        #expect(!bench.store.isThere && !bench.store.disk.exists(bench.store.root.path))
        try bench.run(text)
        #expect(bench.store.isThere)
        #expect(!Store(root: bench.folder.url).isThere)
    }

    @Test func `what is no artifact is a stray, and no damage`() throws {
        let bench = try Bench()
        try bench.run(text)
        let keys = bench.store.keys()
        try bench.folder.write("what this is", to: "Artifacts/store/README")
        try bench.folder.write("", to: "Artifacts/store/lost+found/x")
        try bench.folder.write("", to: "Artifacts/store/abc")
        #expect(bench.store.keys() == keys)
        #expect(bench.store.strays() == ["README", "abc", "lost+found"])
        #expect(try StoreRepair(bench.store).findings == [])
        #expect(try garbage(bench, GarbageRules()).items == [])
    }
}
