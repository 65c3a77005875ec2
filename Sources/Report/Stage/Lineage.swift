public import Engine
public import Foundation
import Stages

/// Artifacts and everything they were made from, as their records in the store tell it.
struct Lineage {
    /// A record, under the name by which its readers know it.
    struct Entry {
        var node: String
        var folder: URL
        var record: ArtifactRecord
        /// The names of what it reads.
        var inputs: [String] = []
    }

    /// What was found, makers before readers.
    private(set) var records: [Entry] = []
    /// What was not found.
    private(set) var problems: [String] = []
    private var names: [String: String] = [:]
    private let store: URL

    /// Follows the inputs of artifacts to their ends.
    init(of locations: [ArtifactLocation], store: URL) {
        self.store = store
        for location in locations { visit(location.directory, as: location.node) }
    }

    /// The keys of the image sets, by the node that scanned them.
    var scans: [String: String] {
        Dictionary(
            records.filter { $0.record.kind == ImageSet.kind }.map { ($0.record.node, $0.record.key) },
            uniquingKeysWith: { $1 })
    }

    /// Adds an artifact after everything it reads; returns the name it goes by.
    @discardableResult
    private mutating func visit(_ folder: URL, as node: String) -> String {
        let key = folder.lastPathComponent
        if let known = names[key] { return known }
        // Two artifacts of one name: an older pipeline made one of them.
        let name = names.values.contains(node) ? "\(node) (\(key.prefix(8)))" : node
        names[key] = name
        do {
            let record = try ArtifactRecord.read(at: folder)
            let inputs = record.inputs.map { visit(store.appending(path: $0.key), as: $0.node) }
            records.append(Entry(node: name, folder: folder, record: record, inputs: inputs))
        } catch {
            problems.append("The artifact of '\(name)' is no longer in the store; the report leaves it out.")
        }
        return name
    }

    /// The same, as a run whose stages all succeeded.
    func run(id: String, title: String) -> ReportedRun {
        let nodes = records.map { entry in
            ReportedRun.Node(
                name: entry.node, stage: entry.record.stage, state: .ran, started: entry.started,
                seconds: entry.record.timings.seconds, artifact: entry.folder, inputs: entry.inputs,
                settings: entry.record.settingFacts)
        }
        let started = nodes.compactMap(\.started).min() ?? Date(timeIntervalSince1970: 0)
        return ReportedRun(
            id: id, pipeline: title, outcome: .succeeded, started: started,
            seconds: nodes.reduce(0) { $0 + ($1.seconds ?? 0) }, nodes: nodes,
            environment: [.init("retort", ProductVersion.current)], problems: problems)
    }
}

extension Lineage.Entry {
    fileprivate var started: Date? { record.timings.started.journalDate }
}

extension String {
    /// A moment as journals and records write it.
    public var journalDate: Date? {
        (try? Date(self, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            ?? (try? Date(self, strategy: .iso8601))
    }
}

extension ArtifactRecord {
    /// The settings among the components of the key, by name.
    public var settingFacts: [ReportedRun.Fact] {
        components.filter { $0.key.hasPrefix("setting.") }
            .map { ReportedRun.Fact(String($0.key.dropFirst("setting.".count)), $0.value) }
            .sorted { $0.name < $1.name }
    }
}
