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
        /// The machine it took them on.
        var host: String?
        /// The images it counted.
        var images: Int?
        /// The bytes of what it made.
        var bytes: Int?
        /// How fast it looked at images.
        var speed: Speed?
    }

    private let store: Store
    private let pipeline: String

    init(_ store: Store, pipeline: String) {
        self.store = store
        self.pipeline = Self.folderName(of: pipeline)
    }

    /// The folder of a pipeline below `nodes/`: no name leads out of it, and no two pipelines have the same one.
    ///
    /// Earlier versions wrote `_` for `/`, so that one pipeline could find what another had: such folders are left alone.
    static func folderName(of pipeline: String) -> String { Graph.Node.fileName(of: pipeline) }

    private func file(_ node: Graph.Node) -> String {
        store.path("nodes/\(pipeline)/\(node.fileName).json")
    }

    /// What the last execution of a node was; nil when there was none.
    func last(_ node: Graph.Node) -> Entry? {
        if let entry = Self.read(file(node)) { return entry }
        let earlier = Graph.Node.earlierFileName(of: node.name)
        guard earlier != node.fileName else { return nil }
        let entry = Self.read(store.path("nodes/\(pipeline)/\(earlier).json"))
        return entry?.node == node.name ? entry : nil
    }

    func remember(_ entry: Entry, of node: Graph.Node) throws {
        let last = last(node)
        var entry = entry
        // What is found in the store, or has just begun, says nothing about speed.
        if entry.speed == nil, last?.stage == entry.stage { entry.speed = last?.speed }
        guard last != entry else { return }
        try store.disk.replace(file(node), with: try CanonicalJSON.document(entry), isDurable: false)
    }

    /// What is known about the time stages take, over all pipelines of the store.
    func durations() -> Durations { Durations(entries: entries()) }

    /// How fast executions of a kind of stage were, over all pipelines of the store.
    func speeds(of stage: String) -> [Speed] { entries().filter { $0.stage == stage }.compactMap(\.speed) }

    private func entries() -> [Entry] {
        let root = store.path("nodes")
        let files = (try? store.disk.files(below: root)) ?? []
        return files.filter { $0.hasSuffix(".json") }.compactMap { Self.read("\(root)/\($0)") }
    }

    private static func read(_ path: String) -> Entry? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(Entry.self, from: data)
    }

    /// What finished executions took.
    struct Durations {
        private var byNode: [String: Entry] = [:]
        private var byStage: [String: [Entry]] = [:]

        init(entries: [Entry]) {
            let own = entries.filter { $0.seconds != nil && [nil, ProcessOwner.hostName].contains($0.host) }
            for entry in own {
                byNode["\(entry.stage) \(entry.node)"] = entry
                byStage[entry.stage, default: []].append(entry)
            }
        }

        /// The estimate for a node: its own last time, else the middle of its kind's.
        func estimate(_ node: Graph.Node, remaining: Double) -> Estimate? {
            let entries = (byStage[node.schema.name] ?? []).filter { $0.tells(of: node) }
                .sorted { $0.time < $1.time }
            guard let least = entries.first, let most = entries.last else { return nil }
            let own = byNode["\(node.schema.name) \(node.name)"].flatMap { $0.tells(of: node) ? $0 : nil }
            let like = own ?? entries[entries.count / 2]
            return Estimate(
                seconds: like.time * remaining, least: least.time * remaining, most: most.time * remaining,
                samples: entries.count, images: like.images, bytes: like.bytes)
        }
    }
}

extension NodeHistory.Entry {
    /// What is remembered of a node; nothing was made yet without a record.
    init(
        _ node: Graph.Node, key: String, components: [String: String], _ record: ArtifactRecord?,
        speed: Speed? = nil
    ) {
        self.init(node: node.name, stage: node.schema.name, key: key, components: components, speed: speed)
        if let record { add(record, madeOn: ProcessOwner.hostName) }
    }

    /// What is remembered of a node whose artifact is there, made on a machine that may be unknown.
    init(_ node: String, of record: ArtifactRecord, madeOn host: String?) {
        self.init(node: node, stage: record.stage, key: record.key, components: record.components)
        add(record, madeOn: host)
    }

    private mutating func add(_ record: ArtifactRecord, madeOn host: String?) {
        seconds = record.timings.seconds
        self.host = host
        images = record.counts["images"]
        bytes = record.files.reduce(0) { $0 + $1.bytes }
    }

    fileprivate var time: Double { seconds ?? 0 }

    /// Whether its time says something about a node.
    fileprivate func tells(of node: Graph.Node) -> Bool {
        let decisive = type(of: node.stage).timedBy
        guard !decisive.isEmpty else { return true }
        let settings = node.stage.hashedSettings
        return self.node == node.name
            && decisive.allSatisfy { name in
                // What is not set is no component.
                components["setting.\(name)"] == settings[name].flatMap { $0 == "null" ? nil : $0 }
            }
    }
}
