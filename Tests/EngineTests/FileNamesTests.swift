import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct FileNamesTests {
    private func name(_ node: String) -> String { Graph.Node.fileName(of: node) }

    @Test(arguments: ["student", "student[seed=0]", "a[text=m_v,lr=1e-3]", "a[x=ü ß.2]", "a-b.c"])
    func `a name that can name a file stays as it is`(_ node: String) { #expect(name(node) == node) }

    @Test func `no two nodes have the same file`() {
        #expect(name("a[x=m/v]") == "a[x=m%2Fv]")
        #expect(name("a[x=m%2Fv]") == "a[x=m%252Fv]")
        #expect(name("..") == "%2E." && name("a\n\u{7F}") == "a%0A%7F")
        let long = String(repeating: "ü", count: 150)
        let nodes = [
            "m/v", "m_v", "m%v", "m%2Fv", "m%252Fv", ".", "..", "%2E", long, long + "x", long + "/",
            String(repeating: "/", count: 100),
        ]
        let names = nodes.map(name) + [name(name(long))]
        #expect(Set(names).count == names.count)
        for name in names {
            #expect(name.utf8.count <= Graph.Node.longestFileName && !name.contains("/"))
        }
    }

    @Test func `points that differ in a slash alone have artifacts, histories and jobs of their own`() throws
    {
        let ways: [(inout RunOptions) -> Void] = [{ _ in }, ThreadExecutor().options(2)]
        for options in ways {
            let bench = try Bench()
            let graph = try bench.graph(
                "data a: write text=x\nb: length of=a",
                matrix: [axis("text", "m/v", "m_v", "m%2Fvv", to: ["a"])])
            let result = try bench.run(graph, options: options)
            #expect(result.ok, "\(result)")
            let history = RunHistory(bench.store)
            for text in ["m/v", "m_v", "m%2Fvv"] {
                let node = "a[text=\(text)]"
                let folder = try #require(history.artifact(of: node, run: result.run))
                #expect(try ArtifactRecord.read(at: folder).node == node)
                #expect(
                    try String(contentsOf: folder.appending(path: FakeText.file), encoding: .utf8) == text)
                let entry = NodeHistory(bench.store, pipeline: "test")
                    .last(try #require(graph.nodes.first { $0.name == node }))
                #expect(entry?.node == node)
            }
            #expect(try bench.plan(graph).stages.allSatisfy { $0.state == .cached })
        }
    }

    @Test(arguments: ["a/b", "a_b", "..", "50%", String(repeating: "n", count: 300)])
    func `a pipeline of any name has histories of its own`(_ name: String) throws {
        let bench = try Bench()
        func graph(_ name: String, _ text: String) throws -> Graph {
            try Graph(
                pipeline("data a: write text=\(text)", name: name, in: bench.folder.url), catalog: fakeStages)
        }
        for other in ["a/b", "a_b"] where other != name { try bench.run(try graph(other, "other")) }
        #expect(try bench.plan(try graph(name, "x")).lines == ["a: RUN it has not run yet"])
        #expect(try bench.run(try graph(name, "x")).ok)
        #expect(try bench.plan(try graph(name, "y")).lines == ["a: RUN text x → y"])
        let usage = try StoreUsage(bench.store)
        #expect(usage.pipelines.contains { $0.name == name && $0.artifacts == 1 })
        #expect(try StoreRepair(bench.store).findings == [])
    }

    @Test func `Slurm takes the name of a log as it is`() {
        let job = Job(
            run: "r", node: "a[x=m/v]", key: "k", store: URL(filePath: "/100%/s"),
            directory: URL(filePath: "/"),
            execution: ExecutionOptions(), resources: StageResources(), isForced: false, patience: 0)
        #expect(job.log.path == "/100%/s/runs/r/jobs/a[x=m%2Fv].log")
        // %j and the like stand for something; two signs stand for one.
        #expect(SlurmExecutor.options(job).contains("--output=/100%%/s/runs/r/jobs/a[x=m%%2Fv].log"))
    }

    @Test func `what earlier versions wrote is found, and not taken for another node's`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=x", matrix: [axis("text", "m/v", to: ["a"])])
        let result = try bench.run(graph)
        let node = "a[text=m/v]"
        for (folder, suffix) in [("runs/\(result.run)/links", ""), ("nodes/test", ".json")] {
            try FileManager.default.moveItem(
                atPath: bench.store.path("\(folder)/a[text=m%2Fv]\(suffix)"),
                toPath: bench.store.path("\(folder)/a[text=m_v]\(suffix)"))
        }
        let history = RunHistory(bench.store)
        #expect(history.artifact(of: node, run: result.run) != nil)
        #expect(NodeHistory(bench.store, pipeline: "test").last(graph.nodes[0])?.node == node)
        #expect(try StoreRepair(bench.store).findings == [])
        let other = try bench.graph("data a: write text=x", matrix: [axis("text", "m_v", to: ["a"])])
        let second = try bench.run(other)
        #expect(history.artifact(of: node, run: second.run) == nil)
    }

    @Test func `a link that leads to another artifact is an error`() throws {
        let bench = try Bench()
        let graph = try bench.graph("data a: write text=x")
        let folder = try RunFolder(bench.store, spec: graph.spec, plan: try bench.plan(graph))
        try folder.link(graph.nodes[0], to: "one")
        try folder.link(graph.nodes[0], to: "one")
        let link = bench.store.path("runs/\(folder.id)/links/a")
        #expect(throws: StoreError("another artifact has this name already", path: link)) {
            try folder.link(graph.nodes[0], to: "two")
        }
    }
}
