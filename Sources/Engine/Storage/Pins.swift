internal import Foundation

/// What the user told the store to keep: a run with all its artifacts, or one artifact.
///
/// What a pinned artifact was made from is kept with it.
public struct Pin: Codable, Hashable, Sendable {
    /// The pinned run, when it is one.
    public var run: String?
    /// The pinned artifact's key, when it is one.
    public var key: String?
    /// What it is, for people: `student[seed=0] of 20261121T152703-1380`.
    public var name: String
    /// When it was pinned, ISO 8601 in UTC.
    public var since: String

    /// Pins a run.
    public init(run: String) { (self.run, name, since) = (run, "the run \(run)", timestamp()) }

    /// Pins an artifact.
    public init(key: String, name: String) { (self.key, self.name, since) = (key, name, timestamp()) }

    fileprivate var fileName: String { run.map { "run-\($0).json" } ?? "artifact-\(key ?? "").json" }
}

/// The pins of a store, each a file in `pins/`, so that two processes cannot undo each other's.
public struct Pins: Sendable {
    private let store: Store
    private var folder: String { store.path("pins") }

    /// Creates a reader and writer of a store's pins.
    public init(_ store: Store) { self.store = store }

    /// All pins that can be read, oldest first.
    public func all() throws -> [Pin] {
        try files().compactMap(read).sorted { ($0.since, $0.name) < ($1.since, $1.name) }
    }

    /// The files in `pins/` that cannot be read as pins, by their names: while there is one, nobody knows what it keeps.
    public func unreadable() throws -> [String] { try files().filter { read($0) == nil } }

    private func files() throws -> [String] {
        guard store.disk.exists(folder) else { return [] }
        return try store.disk.files(below: folder).filter { $0.hasSuffix(".json") && !Disk.isTemporary($0) }
    }

    private func read(_ file: String) -> Pin? {
        FileManager.default.contents(atPath: "\(folder)/\(file)")
            .flatMap { try? JSONDecoder().decode(Pin.self, from: $0) }
    }

    /// Adds a pin; one that is there already keeps its date.
    public func add(_ pin: Pin) throws {
        guard !store.disk.exists("\(folder)/\(pin.fileName)") else { return }
        try store.disk.replace("\(folder)/\(pin.fileName)", with: try CanonicalJSON.document(pin))
    }

    /// Takes a pin away; says whether there was one.
    public func remove(_ pin: Pin) throws -> Bool {
        let path = "\(folder)/\(pin.fileName)"
        try store.disk.probe(.remove, path)
        if unlink(path) == 0 { return true }
        guard errno == ENOENT else { throw StoreError(errno, .remove, path) }
        return false
    }
}
