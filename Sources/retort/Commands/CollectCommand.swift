import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// Deletes what no run refers to; nothing else in Retort deletes artifacts.
struct CollectCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Show, or delete, the artifacts and unfinished work that nothing refers to.")

    @Flag(help: "Delete what would be shown.") var delete = false
    @Option(
        help: ArgumentHelp("Forget all but the newest runs, and what only they refer to.", valueName: "n"))
    var keepRuns: Int?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = store.open()
        let garbage = try Garbage(store, keepingRuns: keepRuns)
        if delete { try garbage.delete() }
        if global.json { return try console.print(json: garbage.folders) }
        for folder in garbage.folders {
            console.print("\(delete ? "deleted" : "unused") \(folder.path)  \(Wording.bytes(folder.bytes))")
        }
        let total = Wording.bytes(garbage.folders.reduce(0) { $0 + $1.bytes })
        console.print("\(Wording.count(garbage.folders.count, "folder")), \(total)")
        if !delete && !garbage.folders.isEmpty {
            console.note("nothing was deleted; to do so: retort gc --delete")
        }
    }
}

/// The folders of a store that nothing refers to.
struct Garbage {
    /// One folder.
    struct Folder: Codable {
        /// The path below the store's root.
        var path: String
        var bytes: Int
    }

    private let root: URL
    private(set) var folders: [Folder] = []

    /// Finds the folders; refuses while a run is at work, because its artifacts are not referred to yet.
    init(_ store: Store, keepingRuns count: Int?) throws {
        root = store.root
        let history = RunHistory(store)
        let runs = history.identifiers()
        for id in runs where try history.summary(of: id).state == .running {
            throw Diagnostic(
                "the run \(id) is at work", hint: "collect when it is over, or stop it", exitCode: .stopped)
        }
        let kept = runs.prefix(count.map { max(0, $0) } ?? runs.count)
        let remembered = Self.rememberedKeys(root)
        var used = remembered.union(kept.flatMap { Self.linkedKeys(history.folder(of: $0)) })
        // What a used artifact was made from is read by those who trace an image back.
        var open = Array(used)
        while let key = open.popLast() {
            guard let record = try? ArtifactRecord.read(at: store.folder(of: key)) else { continue }
            open += record.inputs.map(\.key).filter { used.insert($0).inserted }
        }
        let artifacts = store.keys().filter { !used.contains($0) }.map { "store/\($0)" }
        let work = store.unfinishedWork().filter { !remembered.contains($0) }.map { "work/\($0)" }
        let forgotten = runs.dropFirst(kept.count).map { "runs/\($0)" }
        folders = (artifacts + work + forgotten).map { path in
            Folder(path: path, bytes: Self.bytes(below: root.appending(path: path)))
        }
    }

    /// Deletes the folders, each by a rename first, so that a crash leaves no half artifact.
    func delete() throws {
        let files = FileManager.default
        let trash = root.appending(path: "trash", directoryHint: .isDirectory)
        try? files.removeItem(at: trash)
        for folder in folders {
            let destination = trash.appending(path: folder.path)
            try files.createDirectory(
                at: destination.deletingLastPathComponent(), withIntermediateDirectories: true)
            try files.moveItem(at: root.appending(path: folder.path), to: destination)
        }
        if !folders.isEmpty { try files.removeItem(at: trash) }
    }

    private static func linkedKeys(_ run: URL) -> [String] {
        let links = run.appending(path: "links")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: links.path)) ?? []
        return names.compactMap { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(
                atPath: links.appending(path: name).path)
            return target.map { ($0 as NSString).lastPathComponent }
        }
    }

    /// The keys that each node of each pipeline had last, finished or not.
    private static func rememberedKeys(_ root: URL) -> Set<String> {
        let nodes = root.appending(path: "nodes")
        guard let files = FileManager.default.enumerator(atPath: nodes.path) else { return [] }
        var keys = Set<String>()
        for case let file as String in files where file.hasSuffix(".json") {
            guard let data = try? Data(contentsOf: nodes.appending(path: file)),
                let key = (try? JSONDecoder().decode(JSON.self, from: data))?["key"]?.text
            else { continue }
            keys.insert(key)
        }
        return keys
    }

    private static func bytes(below folder: URL) -> Int {
        guard let files = FileManager.default.enumerator(atPath: folder.path) else { return 0 }
        var total = 0
        for case let file as String in files {
            let attributes = try? FileManager.default.attributesOfItem(
                atPath: folder.appending(path: file).path)
            total += (attributes?[.size] as? Int) ?? 0
        }
        return total
    }
}
