import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct UnreadableTests {
    @Test(arguments: [RunFolder.plan, RunFolder.pipeline, RunFolder.result])
    func `a run that cannot be read is shown as such, kept, and put aside on request`(_ file: String) throws {
        let bench = try Bench()
        let broken = try bench.run("data a: write text=a").run
        let whole = try bench.run("data b: write text=b").run
        try bench.folder.write("{\"half", to: "Artifacts/runs/\(broken)/\(file)")
        let history = RunHistory(bench.store)
        let shown = try history.identifiers().map { try history.overview(of: $0) }
        #expect(shown.map(\.id) == [whole, broken])
        #expect(shown.map(\.state) == [.succeeded, .unreadable])
        #expect(shown.map(\.unreadable) == [nil, file])

        let path = bench.store.path("runs/\(broken)")
        let problem = try #require(throws: Diagnostic.self) { try history.summary(of: broken) }
        #expect(
            "\(problem)" == """
                error: cannot read '\(path)/\(file)': it was not written by this version of Retort
                  hint: 'retort doctor --repair' puts the run aside
                """)
        let refusal = try #require(throws: Diagnostic.self) { try GarbagePlan(bench.store) }
        #expect(
            "\(refusal)" == """
                error: '\(path)/\(file)' cannot be read: nobody knows what the run wants
                  hint: 'retort doctor --repair' puts the run aside; then its artifacts may go
                """)

        // No pipeline is made up from it, though what its node had last is gone.
        try FileManager.default.removeItem(atPath: bench.store.path("nodes"))
        let repair = try StoreRepair(bench.store)
        #expect(
            repair.findings.map { "\($0.kind.rawValue) \($0.path): \($0.remedy)" } == [
                "unreadable-run runs/\(broken): moved to quarantine/: \(file) cannot be read",
                "node-history nodes/test/b.json: read from the newest run that has it",
            ])
        try repair.repair()
        #expect(history.identifiers() == [whole])
        #expect(try bench.folder.read("Artifacts/quarantine/\(broken)/\(file)") == "{\"half")
        #expect(try GarbagePlan(bench.store).items.map(\.name) == ["a (write)"])
    }

    @Test func `a pin that cannot be read keeps everything until it is put aside`() throws {
        let bench = try Bench()
        let run = try bench.run("data a: write text=a").run
        let pins = Pins(bench.store)
        try pins.add(Pin(run: run))
        try bench.folder.write("{", to: "Artifacts/pins/artifact-x.json")
        #expect(try pins.all().map(\.run) == [run])
        #expect(try pins.unreadable() == ["artifact-x.json"])
        #expect(try StoreUsage(bench.store).pins.map(\.run) == [run])
        let refusal = try #require(throws: Diagnostic.self) { try GarbagePlan(bench.store) }
        #expect(
            "\(refusal)" == """
                error: '\(bench.store.path("pins/artifact-x.json"))' cannot be read: nobody knows what it keeps
                  hint: pin that again, and 'retort doctor --repair' puts this one aside
                """)
        #expect(try pins.remove(Pin(run: run)))
        let repair = try StoreRepair(bench.store)
        #expect(repair.findings.map(\.path) == ["pins/artifact-x.json"])
        try repair.repair()
        #expect(try bench.folder.read("Artifacts/quarantine/artifact-x.json") == "{")
        #expect(try GarbagePlan(bench.store).pins == [])
    }
}
