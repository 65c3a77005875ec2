import Diagnostics
import Engine
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import retort

/// What an MLflow server is told, also one that is not well.
@Suite struct MLflowTests {
    /// A server of MLflow's that fails some requests: it decides by the number of requests before, and by the request.
    private func server(
        _ status: @escaping @Sendable (_ earlier: Int, StubServer.Request) -> Int
    ) throws -> StubServer {
        let count = Mutex(0)
        return try StubServer { request in
            let earlier = count.withLock { count in
                defer { count += 1 }
                return count
            }
            let status = status(earlier, request)
            guard status == 200 else { return (status, #"{"message": "not now"}"#) }
            return switch request.path.split(separator: "/").last {
            case "search": (200, #"{"experiments": [{"experiment_id": "1"}]}"#)
            case "create": (200, #"{"run": {"info": {"run_id": "abc"}}}"#)
            default: (200, "{}")
            }
        }
    }

    private func metrics(_ request: StubServer.Request) -> [[String: Any]] {
        request.json()["metrics"] as? [[String: Any]] ?? []
    }

    /// Collects what a sink has to say.
    private final class Warnings: ProgressDisplay {
        let all = Mutex<[String]>([])
        func receive(_ event: RunEvent) {}
        func show(_ problem: Diagnostic) { all.withLock { $0.append(problem.description) } }
        var texts: [String] { all.withLock { $0 } }
    }

    private func sink(_ server: StubServer, _ warnings: Warnings, capacity: Int = 1_000) throws -> MLflowSink
    {
        let spec = PipelineSpec(name: "p", file: "p.yaml", directory: URL(filePath: "/"), nodes: [])
        return MLflowSink(
            try MLflowClient("http://127.0.0.1:\(server.port)"), of: spec, display: warnings, interval: 0.01,
            capacity: capacity)
    }

    private func loss(_ step: Int) -> RunEvent {
        .stage(node: "net", .metric(step: step, Metric(name: "loss", value: Double(step))))
    }

    private func wait(until isTrue: () -> Bool) {
        let end = Date() + 30
        while !isTrue(), Date() < end { usleep(2_000) }
    }

    @Test func `a server that fails twice is told everything all the same`() throws {
        let server = try server { earlier, _ in earlier < 2 ? 503 : 200 }
        defer { server.end() }
        let retort = try Retort()
        try retort.folder.write(
            """
            retort: 1
            name: tracked
            data:
              world: {kind: world, seed: 3, splits: {train: 64, test: 32}}
            stages:
              model: {uses: pretrain, images: world.train, architecture: dwcnn_xs, steps: 6, batch_size: 16}
            """, to: "p.yaml")
        let address = "http://127.0.0.1:\(server.port)"
        let run = try retort.run("run", "p.yaml", "--mlflow", address)
        #expect(run.code == 0)
        #expect(run.errors.split(separator: "\n").count { $0.contains("MLflow") } == 1, "\(run.errors)")
        #expect(
            run.errors.contains(
                """
                warning: MLflow at \(address) did not take 'experiments/search': 503 {"message": "not now"}
                  hint: what is to be told waits, and is tried again as long as the run lasts

                """), "\(run.errors)")
        let requests = server.requests
        let told = requests.flatMap(metrics).filter { $0["key"] as? String == "model/loss" }
        let text = String(decoding: try retort.artifact("model", "metrics.jsonl"), as: UTF8.self)
        let recorded = text.split(separator: "\n").count { $0.contains("\"loss\"") }
        #expect(told.count == recorded && recorded > 0)
        #expect(requests.contains { $0.body.contains("model.steps") })
        #expect(requests.last?.path.hasSuffix("runs/update") == true)
        #expect(requests.last?.json()["status"] as? String == "FINISHED")
    }

    @Test func `numbers wait in order until the server takes them`() throws {
        let failures = Mutex(3)
        let server = try server { _, request in
            guard request.body.contains("loss") else { return 200 }
            return failures.withLock { count in
                count -= 1
                return count >= 0 ? 500 : 200
            }
        }
        defer { server.end() }
        let warnings = Warnings()
        let sink = try sink(server, warnings)
        sink.begin("r")
        for step in 1...50 {
            sink.receive(loss(step))
            if step == 20 { wait { failures.withLock { $0 } < 2 } }
        }
        sink.receive(try .ended(exit: 0))
        let steps = server.requests.flatMap { metrics($0) }.compactMap { $0["step"] as? Int }
        // Those that came in vain, and the rest.
        #expect(Array(steps.suffix(50)) == Array(1...50), "\(steps)")
        #expect(warnings.texts.count == 1, "\(warnings.texts)")
    }

    @Test func `what the server refuses is given up alone`() throws {
        let server = try server { _, request in request.body.contains("\"step\":1,") ? 400 : 200 }
        defer { server.end() }
        let warnings = Warnings()
        let sink = try sink(server, warnings)
        sink.begin("r")
        sink.receive(loss(1))
        wait { server.requests.contains { $0.body.contains("loss") } }
        for step in 2...9 { sink.receive(loss(step)) }
        sink.receive(try .ended(exit: 1))
        let steps = server.requests.flatMap { metrics($0) }.compactMap { $0["step"] as? Int }
        #expect(steps == Array(1...9), "each is told once")
        #expect(server.requests.last?.json()["status"] as? String == "FAILED")
        #expect(
            warnings.texts == [
                "warning: 1 number not told: MLflow at http://127.0.0.1:\(server.port) did not take "
                    + "'runs/log-batch': 400 {\"message\": \"not now\"}"
            ])
    }

    @Test func `too many numbers wait for nobody`() throws {
        let isWell = Mutex(true)
        let server = try server { _, _ in isWell.withLock { $0 } ? 200 : 429 }
        defer { server.end() }
        let warnings = Warnings()
        let sink = try sink(server, warnings, capacity: 20)
        sink.begin("r")
        wait { server.requests.count >= 2 }
        isWell.withLock { $0 = false }
        for step in 1...70 { sink.receive(loss(step)) }
        wait { warnings.texts.contains { $0.contains(": 429 ") } }
        isWell.withLock { $0 = true }
        sink.receive(try .ended(exit: 130))
        let told = server.requests.last { $0.body.contains("loss") }.map(metrics) ?? []
        #expect(told.compactMap { $0["step"] as? Int } == Array(51...70))
        #expect(server.requests.last?.json()["status"] as? String == "KILLED")
        let texts = Set(warnings.texts)
        #expect(warnings.texts.count == 3 && texts.count == 3, "\(texts)")
        #expect(texts.contains("warning: more than 20 numbers wait for MLflow: the oldest are dropped"))
        #expect(texts.contains("warning: MLflow was not told: 50 numbers"), "\(texts)")
    }

    @Test func `a server that wants no run is asked no more`() throws {
        let server = try server { _, request in request.path.hasSuffix("create") ? 403 : 200 }
        defer { server.end() }
        let warnings = Warnings()
        let sink = try sink(server, warnings)
        sink.begin("r")
        wait { !warnings.texts.isEmpty }
        sink.receive(loss(1))
        sink.receive(try .ended(exit: 0))
        #expect(server.requests.count == 2)
        #expect(
            warnings.texts == [
                "warning: nothing is told to MLflow: MLflow at http://127.0.0.1:\(server.port) did not take "
                    + "'runs/create': 403 {\"message\": \"not now\"}"
            ])
    }

    @Test func `a server that stays silent costs seconds, and the end of the run is tried once more`() throws
    {
        let server = try server { _, request in request.body.contains("loss") ? 503 : 200 }
        defer { server.end() }
        let warnings = Warnings()
        let sink = try sink(server, warnings)
        sink.begin("r")
        for step in 1...3 { sink.receive(loss(step)) }
        let start = ContinuousClock.now
        sink.receive(try .ended(exit: 0))
        #expect(ContinuousClock.now - start < .seconds(15))
        #expect(server.requests.last?.json()["status"] as? String == "FINISHED")
        #expect(warnings.texts.last == "warning: MLflow was not told: 3 numbers", "\(warnings.texts)")
        #expect(warnings.texts.count == 2, "\(warnings.texts)")
    }

    @Test func `names become what MLflow takes, and stay different`() {
        #expect(MLflowClient.key("student[seed=0,size=8]", "/", "loss") == "student.seed-0.size-8/loss")
        #expect(MLflowClient.key("m[lr=1e-3,w=0.5]", ".", "steps") == "m.lr-1e-3.w-0.5.steps")
        #expect(MLflowClient.key("net", "/", "val/top1 mean.x") == "net/val/top1 mean.x")
        let long = String(repeating: "x", count: 300)
        let names = [
            ("a", "b:\u{e9}"), ("a", "b__"), ("a", "b:\u{e8}"), ("m[a=1,b=2]", "x"), ("m[a=1.b-2]", "x"),
            ("m[a=x/y]", "z"), ("m[a=x_y]", "z"), ("m[a=x]", "y/z"), ("a", "../b"), ("a", "b//c"),
            ("a", "/b"),
            ("a", ""), (long, "a"), (long, "b"), ("a", long + "/.."), ("a", long + "\u{e9}"),
        ]
        let keys = names.map { MLflowClient.key($0.0, "/", $0.1) }
        #expect(Set(keys).count == names.count, "\(keys)")
        for key in keys {
            #expect(key.wholeMatch(of: /[A-Za-z0-9_\-. \/]{1,250}/) != nil, "\(key)")
            // As MLflow has it: a path that is written in one way only.
            let words = key.split(separator: "/", omittingEmptySubsequences: false)
            #expect(words.allSatisfy { !["", ".", ".."].contains($0) }, "\(key)")
        }
    }
}
