internal import Foundation

/// Who refers to the artifacts of a store: runs by their links, pipelines by what each node had last, and other
/// artifacts by what they were made from.
struct StoreReferences {
    /// One run and the artifacts that its nodes had.
    struct Run {
        var id: String
        var pipeline: String
        /// Whether it has not ended and its process lives; nil when nobody here can know.
        var isRunning: Bool?
        /// The file of it that cannot be read.
        var unreadable: String?
        /// Seconds since 1970.
        var started: Double
        /// Keys by the name of the node's link.
        var keys: [String: String]
    }

    /// Newest first.
    let runs: [Run]
    /// What each node had last, by pipeline.
    let nodes: [String: [NodeHistory.Entry]]
    /// The artifacts in the store, whose record can be read.
    let records: [String: ArtifactRecord]

    init(_ store: Store) throws {
        let history = RunHistory(store)
        runs = history.identifiers().map { id in
            Run(
                id: id, pipeline: (try? history.pipeline(of: id).name) ?? "unknown",
                isRunning: Self.isRunning(id, store), unreadable: history.unreadableFile(of: id),
                started: Self.started(id, store),
                keys: Self.links(history.folder(of: id)))
        }
        let names = Dictionary(
            runs.map { (NodeHistory.folderName(of: $0.pipeline), $0.pipeline) },
            uniquingKeysWith: { first, _ in first })
        var nodes: [String: [NodeHistory.Entry]] = [:]
        let root = store.path("nodes")
        for file in store.disk.exists(root) ? try store.disk.files(below: root) : [] {
            guard file.hasSuffix(".json"), let pipeline = file.split(separator: "/").first,
                let data = FileManager.default.contents(atPath: "\(root)/\(file)"),
                let entry = try? JSONDecoder().decode(NodeHistory.Entry.self, from: data)
            else { continue }
            nodes[names[String(pipeline)] ?? String(pipeline), default: []].append(entry)
        }
        self.nodes = nodes
        records = store.keys().reduce(into: [:]) { records, key in
            records[key] = try? ArtifactRecord.read(at: store.folder(of: key))
        }
    }

    /// The keys that the nodes of all pipelines had last, finished or not.
    var remembered: Set<String> { Set(nodes.values.joined().map(\.key)) }

    /// Keys with all that their artifacts were made from.
    func closure(of keys: some Sequence<String>) -> Set<String> {
        var found = Set<String>()
        var open = Array(keys)
        while let key = open.popLast() {
            guard found.insert(key).inserted else { continue }
            open += records[key]?.inputs.map(\.key) ?? []
        }
        return found
    }

    /// When an artifact was last made or taken from the store by a run, in seconds since 1970.
    func lastUses() -> [String: Double] {
        var uses = records.compactMapValues { seconds(of: $0.timings.finished) }
        for run in runs {
            for key in run.keys.values { uses[key] = max(uses[key] ?? 0, run.started) }
        }
        return uses
    }

    /// The nodes that have a key, as `node (pipeline)`, with what they were made in.
    func owners(of key: String) -> [String] {
        nodes.sorted { $0.key < $1.key }.flatMap { pipeline, entries in
            entries.filter { $0.key == key }.map { "\($0.node) (\(pipeline))" }
        }
    }

    private static func links(_ run: URL) -> [String: String] {
        let folder = run.appending(path: "links").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.reduce(into: [:]) { keys, name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
            keys[name] = target.map { ($0 as NSString).lastPathComponent }
        }
    }

    /// Whether a run has no result and its process has not died; journals, which can be long, are not read.
    private static func isRunning(_ id: String, _ store: Store) -> Bool? {
        let folder = store.path("runs/\(id)")
        if store.disk.exists("\(folder)/\(RunFolder.result)") { return false }
        return store.isAlive(run: id)
    }

    /// When a run began: as its journal begins, else as its folder was made.
    private static func started(_ id: String, _ store: Store) -> Double {
        let folder = store.path("runs/\(id)")
        let journal = FileHandle(forReadingAtPath: "\(folder)/\(RunFolder.journal)")
        let beginning = (try? journal?.read(upToCount: 4096)) ?? Data()
        let line = beginning.prefix { $0 != UInt8(ascii: "\n") }
        let time = try? JSONDecoder().decode(JournalTime.self, from: line).time
        return time.flatMap(seconds(of:)) ?? modified(folder)
    }

    private struct JournalTime: Decodable { var time: String }
}

/// Seconds since 1970 of a time that Retort wrote.
func seconds(of timestamp: String) -> Double? {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    return (try? style.parse(timestamp))?.timeIntervalSince1970
}

/// When a file or folder was last changed, in seconds since 1970; zero when it is not there.
func modified(_ path: String) -> Double {
    var status = stat()
    guard stat(path, &status) == 0 else { return 0 }
    return Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
}
