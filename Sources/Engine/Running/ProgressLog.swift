internal import Foundation

/// The files in which a running stage's progress is kept: `progress.json` beside its folders, so that a plan can
/// tell how far interrupted work got, and `metrics.jsonl` in its output.
final class ProgressLog {
    private struct MetricRow: Codable {
        var stage: String
        var step: Int
        var time: String
        var name: String
        var value: Double
    }

    private let node: String
    private let metricsFile: String
    private let progressFile: String
    private let disk = Disk()
    private let startTime = monotonicSeconds()
    private let earlier: StageProgress
    private var lastWrite: Double?
    private var metrics: AppendOnlyFile?

    init(_ setup: StageContext.Setup) {
        node = setup.node
        metricsFile = setup.output.appending(path: "metrics.jsonl").path
        progressFile = setup.state.deletingLastPathComponent().appending(path: StageProgress.fileName).path
        earlier =
            (try? JSONDecoder().decode(
                StageProgress.self, from: Data(contentsOf: URL(filePath: progressFile))))
            ?? StageProgress(step: 0, total: 0, started: timestamp(), seconds: 0)
    }

    /// When the work began, and how long it took over all its interruptions.
    var timings: ArtifactRecord.Timings {
        .init(started: earlier.started, finished: timestamp(), seconds: rounded(seconds))
    }

    private var seconds: Double { earlier.seconds + monotonicSeconds() - startTime }

    /// Remembers how far the stage is, on disk at most once a second.
    func advance(to step: Int, of total: Int) throws {
        let now = monotonicSeconds()
        if let lastWrite, now - lastWrite < 1, step != total { return }
        lastWrite = now
        try save(step, of: total)
    }

    func save(_ step: Int, of total: Int) throws {
        let progress = StageProgress(
            step: step, total: total, started: earlier.started, seconds: rounded(seconds))
        try disk.replace(progressFile, with: try CanonicalJSON.document(progress), isDurable: false)
    }

    func append(step: Int, name: String, value: Double) throws {
        let row = MetricRow(stage: node, step: step, time: timestamp(), name: name, value: value)
        if metrics == nil { metrics = try AppendOnlyFile(metricsFile) }
        try metrics?.append(line: try CanonicalJSON.data(row))
    }

    func rewind(to step: Int) throws {
        metrics = nil
        guard let rows = try? readLines(of: metricsFile, as: MetricRow.self) else { return }
        let kept = try rows.filter { $0.step <= step }.map { try CanonicalJSON.data($0) + Data("\n".utf8) }
        try disk.replace(metricsFile, with: Data(kept.joined()), isDurable: false)
    }
}

/// The contents of `progress.json`.
struct StageProgress: Codable, Hashable {
    static let fileName = "progress.json"
    var step: Int
    var total: Int
    /// When the work began.
    var started: String
    /// How many seconds were spent on it so far.
    var seconds: Double

    var fraction: Double { total > 0 ? min(1, Double(step) / Double(total)) : 0 }
}
