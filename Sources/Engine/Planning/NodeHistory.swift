internal import Foundation

/// What the last execution of each node was, kept so that a plan can say what changed and how long it will take.
struct NodeHistory {
    /// The contents of `nodes/<pipeline>/<node>.json`.
    struct Entry: Codable, Hashable {
        var node: String
        var stage: String
        var key: String
        var components: [String: String]
        /// The seconds the execution took; nil while it is not finished.
        var seconds: Double?
    }

    private let store: Store
    private let pipeline: String

    init(_ store: Store, pipeline: String) {
        self.store = store
        self.pipeline = Self.folderName(of: pipeline)
    }

    /// The folder of a pipeline below `nodes/`: no name leads out of it.
    static func folderName(of pipeline: String) -> String {
        let name = pipeline.replacing("/", with: "_")
        return name.hasPrefix(".") ? "_" + name.dropFirst() : name
    }

    private func file(_ node: Graph.Node) -> String {
        store.path("nodes/\(pipeline)/\(node.fileName).json")
    }

    func last(_ node: Graph.Node) -> Entry? { Self.read(file(node)) }

    func remember(_ entry: Entry, of node: Graph.Node) throws {
        guard last(node) != entry else { return }
        try store.disk.replace(file(node), with: try CanonicalJSON.document(entry), isDurable: false)
    }

    /// What is known about the time stages take, over all pipelines of the store.
    func durations() -> Durations {
        let root = store.path("nodes")
        let files = (try? store.disk.files(below: root)) ?? []
        return Durations(
            entries: files.filter { $0.hasSuffix(".json") }.compactMap { Self.read("\(root)/\($0)") })
    }

    private static func read(_ path: String) -> Entry? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(Entry.self, from: data)
    }

    /// The seconds that finished executions took.
    struct Durations {
        private var byNode: [String: Double] = [:]
        private var byStage: [String: [Double]] = [:]

        init(entries: [Entry]) {
            for entry in entries {
                guard let seconds = entry.seconds else { continue }
                byNode["\(entry.stage) \(entry.node)"] = seconds
                byStage[entry.stage, default: []].append(seconds)
            }
        }

        /// The estimate for a node: its own last time, else the middle of its kind's.
        func estimate(_ node: Graph.Node, remaining: Double) -> Estimate? {
            let times = (byStage[node.schema.name] ?? []).sorted()
            guard let least = times.first, let most = times.last else { return nil }
            let seconds = byNode["\(node.schema.name) \(node.name)"] ?? times[times.count / 2]
            return Estimate(
                seconds: seconds * remaining, least: least * remaining, most: most * remaining,
                samples: times.count)
        }
    }
}
