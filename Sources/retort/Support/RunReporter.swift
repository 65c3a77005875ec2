import Engine
import Foundation
import Report
import Stages

/// Gathers what is known about a run into a report: from the journal, the plan, and the artifacts.
struct RunReporter {
    let history: RunHistory
    let store: Store

    init(_ store: Store) {
        history = RunHistory(store)
        self.store = store
    }

    /// Writes `report.html` and `report.md` into the run's folder; returns the page.
    @discardableResult
    func write(_ id: String) throws -> URL {
        let (run, images) = try gather(id)
        let folder = history.folder(of: id)
        let page = folder.appending(path: "report.html")
        try Data(RunReport.html(run, thumbnails: images).utf8).write(to: page, options: .atomic)
        try Data(RunReport.markdown(run).utf8)
            .write(to: folder.appending(path: "report.md"), options: .atomic)
        return page
    }

    /// The run as plain values, and its images.
    func gather(_ id: String) throws -> (run: ReportedRun, images: StoreThumbnails) {
        let summary = try history.summary(of: id)
        let result = try history.result(of: id)
        let events = try history.events(of: id)
        let pipeline = try history.pipeline(of: id)
        let keys = try history.keyComponents(of: id)
        var scans: [String: String] = [:]
        let nodes = summary.stages.map { stage in
            let artifact = history.artifact(of: stage.name, run: id)
            let record = artifact.flatMap { try? ArtifactRecord.read(at: $0) }
            if let record, record.kind == ImageSet.kind { scans[record.node] = record.key }
            var node = node(stage, artifact: artifact, record: record, events: events)
            node.components = keys[stage.name]?.components ?? record?.components ?? [:]
            node.producers = keys[stage.name]?.producers ?? [:]
            if node.stage.isEmpty { node.stage = node.components["stage"] ?? "" }
            return node
        }
        let run = ReportedRun(
            id: id, pipeline: pipeline.name, outcome: ReportedRun.Outcome(summary.state),
            started: summary.started.journalDate ?? Date(timeIntervalSince1970: 0),
            seconds: summary.seconds ?? 0, nodes: nodes,
            commands: try history.request(of: id)?.commandLines ?? ["retort run \(pipeline.file)"],
            // What the run froze, not what the file says by now.
            configuration: try String(
                contentsOf: history.folder(of: id).appending(path: "pipeline.json"), encoding: .utf8),
            environment: Self.environment(),
            gates: (result?.gates ?? []).map {
                .init($0.text, passed: $0.holds, found: $0.value.map(Wording.number))
            },
            problems: events.filter { $0.event == "warning" }.compactMap { event in
                event.message.map { message in message + (event.hint.map { " — \($0)" } ?? "") }
            })
        return (
            run, StoreThumbnails(StoredImages(scans: scans, store: store.root.appending(path: "store")))
        )
    }

    private func node(
        _ stage: RunSummary.Stage, artifact: URL?, record: ArtifactRecord?, events: [JournalEntry]
    ) -> ReportedRun.Node {
        let own = events.filter { $0.stage == stage.name }
        let others: [String: ReportedRun.Node.State] = ["died": .failed, "busy": .blocked]
        let state = ReportedRun.Node.State(rawValue: stage.state) ?? others[stage.state] ?? .pending
        return ReportedRun.Node(
            name: stage.name, stage: record?.stage ?? "", state: state, reason: stage.planned,
            started: state == .cached ? nil : own.first?.time.journalDate,
            seconds: state == .cached ? nil : stage.seconds, artifact: artifact,
            inputs: record?.inputs.map(\.node) ?? [], settings: record?.settingFacts ?? [],
            error: stage.message)
    }

    private static func environment() -> [ReportedRun.Fact] {
        [
            .init("retort", ProductVersion.current),
            .init("system", ProcessInfo.processInfo.operatingSystemVersionString),
            .init("processors", "\(ProcessInfo.processInfo.activeProcessorCount)"),
        ]
    }
}

extension ReportedRun.Outcome {
    init(_ state: RunSummary.State) {
        switch state {
        case .running: self = .running
        case .succeeded: self = .succeeded
        case .interrupted: self = .interrupted
        case .died: self = .died
        case .unreadable: self = .failed
        case .failed: self = .failed
        }
    }
}
