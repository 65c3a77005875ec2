internal import Diagnostics
internal import Foundation

/// What may be deleted beyond what nothing refers to.
public struct GarbageRules: Hashable, Sendable {
    /// Forget all runs but so many of the newest.
    public var keptRuns: Int?
    /// Forget runs, and delete artifacts and work, that were not used for so many seconds.
    public var age: Double?
    /// Delete what was used longest ago until the store has at most so many bytes.
    public var size: Int?

    /// Creates rules: by default only what nothing refers to is deleted.
    public init(keptRuns: Int? = nil, age: Double? = nil, size: Int? = nil) {
        (self.keptRuns, self.age, self.size) = (keptRuns, age, size)
    }
}

/// The folders of a store that some rules let go, and what their loss means; nothing else deletes artifacts.
public struct GarbagePlan: Sendable {
    /// One folder.
    public struct Item: Codable, Hashable, Sendable {
        /// The path below the store's root.
        public var path: String
        /// What it is: `teacher (fine-tune)`.
        public var name: String
        /// What deleting it frees.
        public var bytes: Int
        /// Why it may go.
        public var reason: String
        /// What can no longer be done, or must be done again.
        public var consequences: [String]
    }

    /// The folders, runs first.
    public private(set) var items: [Item] = []
    /// The bytes of the store before.
    public let bytes: Int
    /// What was kept because of a pin.
    public let pins: [Pin]
    private let store: Store
    private let rules: GarbageRules
    private let now: Double

    /// The bytes that deleting everything frees.
    public var freed: Int { items.reduce(0) { $0 + $1.bytes } }

    /// Finds the folders; refuses while a run is at work, because its artifacts are not referred to yet.
    public init(_ store: Store, _ rules: GarbageRules = GarbageRules()) throws {
        try self.init(store, rules, now: systemSeconds())
    }

    init(_ store: Store, _ rules: GarbageRules, now: Double) throws {
        (self.store, self.rules, self.now) = (store, rules, now)
        let references = try StoreReferences(store)
        try Self.check(references, store)
        pins = try Pins(store).all()
        bytes = FolderSizes.bytes(below: store.root.path)
        let uses = references.lastUses()
        let cutoff = rules.age.map { now - $0 }
        func isOld(_ moment: Double) -> Bool { cutoff.map { moment < $0 } ?? false }
        func age(_ moment: Double) -> String { "last used \(Self.days(now - moment)) ago" }

        let pinnedRuns = Set(pins.compactMap(\.run))
        let newest = Set(references.runs.prefix(max(0, rules.keptRuns ?? .max)).map(\.id))
        let forgotten = references.runs.filter {
            !pinnedRuns.contains($0.id) && (!newest.contains($0.id) || isOld($0.started))
        }
        let gone = Set(forgotten.map(\.id))
        let kept = references.runs.filter { !gone.contains($0.id) }
        for run in forgotten {
            let reason =
                newest.contains(run.id) ? "began \(Self.days(now - run.started)) ago" : "not among the newest"
            items.append(
                item(
                    "runs/\(run.id)", "run of \(run.pipeline)", reason,
                    ["it can no longer be resumed, shown or compared"])
            )
        }

        let pinned = references.closure(
            of: pins.compactMap(\.key) + kept.filter { pinnedRuns.contains($0.id) }.flatMap(\.keys.values))
        let remembered = references.remembered.filter { !isOld(uses[$0] ?? workTime($0)) }
        var used = references.closure(of: remembered.union(kept.flatMap(\.keys.values))).union(pinned)
        for key in store.keys() where !used.contains(key) {
            let reason = references.remembered.contains(key) ? age(uses[key] ?? 0) : "no run refers to it"
            items.append(artifact(key, reason, references, kept))
        }
        let work = store.unfinishedWork().filter { store.isFreeOfParts($0) }
        for key in work where !remembered.contains(key) {
            items.append(
                self.work(
                    key, references.remembered.contains(key) ? age(workTime(key)) : "no stage wants it",
                    references))
        }
        guard let limit = rules.size else { return }
        // What is left goes by age; of what one run used, first what was made quickest for its size.
        var left = bytes - freed
        let candidates = used.subtracting(pinned).compactMap { references.records[$0] }.map { record in
            let size = FolderSizes.bytes(below: store.artifactPath(record.key))
            return (
                key: record.key, size: size, use: uses[record.key] ?? 0,
                cost: record.timings.seconds / Double(max(1, size))
            )
        }.sorted { ($0.use, $0.cost, $0.key) < ($1.use, $1.cost, $1.key) }
        for candidate in candidates where left > limit {
            used.remove(candidate.key)
            items.append(artifact(candidate.key, age(candidate.use), references, kept))
            left -= candidate.size
        }
        for key in work.filter(remembered.contains).sorted(by: { workTime($0) < workTime($1) })
        where left > limit {
            items.append(self.work(key, age(workTime(key)), references))
            left -= items.last?.bytes ?? 0
        }
    }

    /// Deletes the folders, each by a rename first, so that a crash leaves no half artifact.
    ///
    /// What a run took up in the meantime stays, and none begins while something is deleted; returns what was deleted.
    public func delete() throws -> [Item] {
        let ownership: StoreUse?
        do { ownership = try store.own() } catch {
            // Where the run is known, it is named.
            try Self.check(try StoreReferences(store), store)
            throw error
        }
        defer { withExtendedLifetime(ownership) {} }
        let wanted = Set(try GarbagePlan(store, rules, now: now).items.map(\.path))
        let trash = store.path("trash")
        try store.disk.removeFolder(trash)
        var deleted: [Item] = []
        for item in items where wanted.contains(item.path) {
            let key = item.path.hasPrefix("runs/") ? nil : (item.path as NSString).lastPathComponent
            // Whoever makes an artifact holds its lock.
            let lock: WorkLock?
            do {
                lock = try key.map {
                    try WorkLock(store.path("work/\($0).lock"), node: item.name, patience: 0) { _ in }
                }
            } catch is LockBusy {
                continue
            }
            defer { withExtendedLifetime(lock) {} }
            // Jobs whose run has died go on.
            if let key, !store.isFreeOfParts(key, removing: true) { continue }
            let destination = "\(trash)/\(item.path.replacing("/", with: "-"))"
            try store.disk.createFolder(trash)
            guard store.disk.exists(store.path(item.path)) else { continue }
            try store.disk.move(store.path(item.path), to: destination)
            try store.disk.removeFolder(destination)
            deleted.append(item)
        }
        try store.disk.removeFolder(trash)
        return deleted
    }

    /// Nothing may be deleted while it is not known what is wanted.
    private static func check(_ references: StoreReferences, _ store: Store) throws {
        if let run = references.runs.first(where: { $0.unreadable != nil }), let file = run.unreadable {
            throw Diagnostic(
                "'\(store.path("runs/\(run.id)/\(file)"))' cannot be read: nobody knows what the run wants",
                hint: "'retort doctor --repair' puts the run aside; then its artifacts may go", exitCode: .io)
        }
        if let file = try Pins(store).unreadable().first {
            throw Diagnostic(
                "'\(store.path("pins/\(file)"))' cannot be read: nobody knows what it keeps",
                hint: "pin that again, and 'retort doctor --repair' puts this one aside", exitCode: .io)
        }
        guard let running = references.runs.first(where: { $0.isRunning != false }) else { return }
        if running.isRunning == true {
            throw Diagnostic(
                "the run \(running.id) is at work", hint: "collect when it is over, or stop it",
                exitCode: .stopped)
        }
        let owner = WorkLock.owner(in: store.path("runs/\(running.id)/\(RunFolder.owner)"))
        let isWatched = owner?.holdsLock != nil
        throw Diagnostic(
            "the run \(running.id) may be at work" + (owner.map { " on \($0.host)" } ?? ""),
            hint: "collect when it is over; if it died, "
                + (owner == nil
                    ? "in five minutes"
                    : isWatched
                        ? "ten minutes after that" : "delete runs/\(running.id)/\(RunFolder.owner)"),
            exitCode: .stopped)
    }

    // MARK: What is lost

    private func item(_ path: String, _ name: String, _ reason: String, _ consequences: [String]) -> Item {
        Item(
            path: path, name: name, bytes: FolderSizes.bytes(below: store.path(path)), reason: reason,
            consequences: consequences)
    }

    private func artifact(
        _ key: String, _ reason: String, _ references: StoreReferences, _ kept: [StoreReferences.Run]
    ) -> Item {
        guard let record = references.records[key] else {
            return item("store/\(key)", "unreadable artifact", reason, [])
        }
        let owners = references.owners(of: key)
        var consequences: [String] = []
        if !owners.isEmpty {
            consequences.append(
                "\(owners.joined(separator: ", ")) must be made again, which took \(Self.time(record.timings.seconds))"
            )
        }
        let shown = kept.filter { $0.keys.values.contains(key) }.map(\.id)
        if !shown.isEmpty {
            consequences.append("\(shown.joined(separator: ", ")) can no longer show it")
        }
        return item("store/\(key)", "\(record.node) (\(record.stage))", reason, consequences)
    }

    private func work(_ key: String, _ reason: String, _ references: StoreReferences) -> Item {
        let owners = references.owners(of: key)
        let done = Int((store.progress(of: key)?.fraction ?? 0) * 100)
        let lost = owners.map { "\($0) can no longer be resumed at \(done) %: it starts from the beginning" }
        return item("work/\(key)", "unfinished work", reason, lost)
    }

    private func workTime(_ key: String) -> Double {
        max(modified(store.workPath(key)), modified("\(store.workPath(key))/\(StageProgress.fileName)"))
    }

    private static func days(_ seconds: Double) -> String {
        let days = Int(max(0, seconds) / 86400)
        if days >= 2 { return "\(days) days" }
        let hours = Int(max(0, seconds) / 3600)
        return hours >= 1 ? "\(hours) h" : "less than an hour"
    }

    private static func time(_ seconds: Double) -> String {
        seconds < 100
            ? "\(rounded(seconds)) s"
            : seconds < 6000 ? "\(Int(seconds / 60)) min" : "\(Int(seconds / 3600)) h"
    }
}
