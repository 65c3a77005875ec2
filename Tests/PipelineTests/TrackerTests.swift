import Engine
import Foundation
import TestSupport
import Testing

@testable import retort

/// Trackers of experiments, told by the built program.
@Suite struct TrackerTests {
    private static let pipeline = """
        retort: 1
        name: tracked
        data:
          world: {kind: world, seed: 3, splits: {train: 64, test: 32}}
        stages:
          model: {uses: pretrain, images: world.train, architecture: dwcnn_xs, steps: 6, batch_size: 16}
        """

    @Test func `checksums are those of the standard's examples`() {
        // RFC 3720, section B.4.
        #expect(TFRecord.crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(TFRecord.crc32c([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(TFRecord.crc32c(Array(0..<32)) == 0x46dd_794e)
    }

    @Test func `what is recorded is told once, and what only progress has about once a second`() {
        var measurements = RunMeasurements()
        func told(_ event: StageEvent) -> [String] {
            measurements.measurements(in: .stage(node: "n", event)).map {
                "\($0.name) \($0.value) at \($0.step)"
            }
        }
        func progress(_ step: Int, _ loss: Double?, _ speed: Double) -> StageEvent {
            let loss = loss.map { [Metric(name: "loss", value: $0)] } ?? []
            return .progress(step: step, total: 9, metrics: loss + [Metric(name: "speed", value: speed)])
        }
        #expect(told(progress(1, nil, 5)) == ["speed 5.0 at 1"])
        #expect(told(progress(2, nil, 6)) == [])
        #expect(told(.metric(step: 3, Metric(name: "loss", value: 0.5))) == ["loss 0.5 at 3"])
        #expect(told(progress(9, 0.5, 7)) == ["speed 7.0 at 9"])
        #expect(told(.metric(step: 9, Metric(name: "loss", value: .nan))) == [])
    }

    @Test func `TensorBoard's files hold every metric, record by record`() throws {
        let retort = try Retort()
        let file = try retort.folder.write(Self.pipeline, to: "p.yaml").path
        let run = try retort.run("run", file, "--tensorboard", "board")
        #expect(run.code == 0, "\(run.errors)")
        let board = retort.folder.appending("board")
        let walk = try #require(FileManager.default.enumerator(atPath: board.path))
        let files = walk.compactMap { $0 as? String }.filter { $0.contains("/model/events.out.tfevents.") }
        let data = try Data(contentsOf: board.appending(path: try #require(files.first)))
        var (tags, rest) = ([String](), data[...])
        while rest.count > 16 {
            let length = rest.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            let body = [UInt8](rest.dropFirst(12).prefix(length))
            #expect(rest.prefix(16 + length) == TFRecord.framed(body))
            tags.append(String(decoding: body, as: UTF8.self))
            rest = rest.dropFirst(16 + length)
        }
        #expect(rest.isEmpty)
        #expect(tags.first?.contains("brain.Event:2") == true)
        #expect(tags.contains { $0.contains("loss") } && tags.contains { $0.contains("seconds") })
    }

    /// The files below a folder that this process has open.
    private func openFiles(below folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
            .filter { $0.hasPrefix(folder.path) }
    }

    private func told(_ node: String, _ name: String) -> RunEvent {
        .stage(node: node, .metric(step: 1, Metric(name: name, value: 1)))
    }

    @Test func `a stage's TensorBoard file is closed when it ends, and goes on when it is heard of again`()
        throws
    {
        let folder = try TemporaryFolder()
        let display = MessageSink(console: Console(isQuiet: true, isVerbose: false))
        let sink = TensorBoardSink(folder.url, display: display)
        for node in 0..<40 {
            sink.receive(told("n\(node)", "loss"))
            #expect(try openFiles(below: folder.url).count == 1)
            sink.receive(.stageEnded(node: "n\(node)", StageResult(.ran)))
        }
        #expect(try openFiles(below: folder.url).isEmpty)
        sink.receive(told("n7", "again"))
        let files = try folder.files()
        #expect(files.count == 40)
        let file = try #require(files.first { $0.hasPrefix("n7/") })
        let text = String(decoding: try Data(contentsOf: folder.appending(file)), as: UTF8.self)
        #expect(text.contains("brain.Event:2") && text.contains("loss") && text.contains("again"))
    }

    @Test func `a server that is not there is a warning`() throws {
        let retort = try Retort()
        let file = try retort.folder.write(Self.pipeline, to: "p.yaml").path
        // Port 9 discards, where anything listens there at all.
        let run = try retort.run("run", file, "--mlflow", "http://127.0.0.1:9")
        #expect(run.code == 0)
        #expect(
            run.errors.contains(
                "warning: MLflow at http://127.0.0.1:9 did not take 'experiments/search': curl: "),
            "\(run.errors)")
        #expect(run.errors.contains("warning: MLflow was told nothing of this run\n"), "\(run.errors)")
        let wrong = try retort.run("run", file, "--mlflow", "localhost")
        #expect(
            wrong.code == 64 && wrong.errors.contains("is no address of an MLflow server"), "\(wrong.errors)")
    }
}
