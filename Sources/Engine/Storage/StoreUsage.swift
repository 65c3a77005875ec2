internal import Foundation

/// What takes up the space of a store, by stage kind, pipeline and run; shared bytes are counted once in each sum.
public struct StoreUsage: Codable, Hashable, Sendable {
    /// What one stage kind, pipeline or run has.
    public struct Share: Codable, Hashable, Sendable {
        /// The stage kind, the pipeline, or the run's identifier.
        public var name: String
        /// How many artifacts it refers to.
        public var artifacts: Int
        /// Their bytes, each artifact once.
        public var bytes: Int
        /// The bytes of those that nothing else of its kind refers to.
        public var alone: Int
    }

    /// All bytes of the store.
    public var bytes: Int
    /// The bytes of finished artifacts.
    public var artifacts: Int
    /// The bytes of unfinished work.
    public var work: Int
    /// The bytes of damaged and replaced artifacts.
    public var quarantine: Int
    /// The bytes of the runs' journals and reports.
    public var journals: Int
    /// By the kind of stage that made the artifacts, largest first.
    public var kinds: [Share]
    /// By pipeline, largest first.
    public var pipelines: [Share]
    /// By run, newest first.
    public var runs: [Share]
    /// What is pinned.
    public var pins: [Pin]

    /// Measures a store.
    public init(_ store: Store) throws {
        let references = try StoreReferences(store)
        var all = FolderSizes()
        var sizes: [String: Int] = [:]
        for key in store.keys() { sizes[key] = all.add(store.artifactPath(key)) }
        artifacts = sizes.values.reduce(0, +)
        work = all.add(store.path("work"))
        quarantine = all.add(store.path("quarantine"))
        journals = all.add(store.path("runs"))
        let known: Set = ["store", "work", "quarantine", "runs"]
        let rest = ((try? FileManager.default.contentsOfDirectory(atPath: store.root.path)) ?? [])
            .filter { !known.contains($0) }
        bytes = artifacts + work + quarantine + journals + rest.reduce(0) { $0 + all.add(store.path($1)) }

        let byKind = Dictionary(grouping: sizes.keys) { references.records[$0]?.stage ?? "unreadable" }
        kinds = Self.shares(byKind.map { ($0, Set($1)) }, sizes).sorted {
            ($1.bytes, $0.name) < ($0.bytes, $1.name)
        }
        var byPipeline = references.nodes.mapValues { Set($0.map(\.key)) }
        for run in references.runs {
            byPipeline[run.pipeline, default: []].formUnion(run.keys.values)
        }
        pipelines = Self.shares(byPipeline.map { ($0, $1) }, sizes)
            .sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
        runs = Self.shares(references.runs.map { ($0.id, Set($0.keys.values)) }, sizes)
        pins = try Pins(store).all()
    }

    private static func shares(_ groups: [(name: String, keys: Set<String>)], _ sizes: [String: Int])
        -> [Share]
    {
        var owners: [String: Int] = [:]
        for key in groups.flatMap(\.keys) { owners[key, default: 0] += 1 }
        return groups.map { name, keys in
            let present = keys.filter { sizes[$0] != nil }
            let alone = present.filter { owners[$0] == 1 }
            return Share(
                name: name, artifacts: present.count, bytes: present.reduce(0) { $0 + (sizes[$1] ?? 0) },
                alone: alone.reduce(0) { $0 + (sizes[$1] ?? 0) })
        }
    }
}
