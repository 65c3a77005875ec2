internal import Foundation

/// The folder in which a run tells what it does: `runs/<id>/`.
final class RunFolder {
    static let result = "result.json"
    static let pipeline = "pipeline.json"
    static let journal = "events.jsonl"
    static let owner = "owner.json"
    static let plan = "plan.json"
    static let keys = "keys.jsonl"
    static let request = "request.json"

    let id: String
    private let path: String
    private let store: Store
    private let sign: LifeSign
    private let journal: AppendOnlyFile
    private let keys: AppendOnlyFile

    /// Makes the folder of a new run, with what is known before it begins.
    init(_ store: Store, spec: PipelineSpec, plan: Plan, request: RunRequest? = nil) throws {
        self.store = store
        (id, path) = try Self.newFolder(store)
        // Whose it is comes first: a run that ends before the rest is written must not be taken for one at work.
        sign = try LifeSign(path)
        var owner = ProcessOwner.current()
        owner.holdsLock = sign.isLocked
        let folder = path
        func write(_ value: some Encodable, _ name: String) throws {
            try store.disk.replace(
                "\(folder)/\(name)", with: try CanonicalJSON.document(value), isDurable: false)
        }
        try write(owner, Self.owner)
        try store.disk.createFolder("\(path)/links")
        journal = try AppendOnlyFile("\(path)/\(Self.journal)")
        keys = try AppendOnlyFile("\(path)/\(Self.keys)")
        try write(spec, Self.pipeline)
        if let request { try write(request, Self.request) }
        try write(["stages": plan.stages], Self.plan)
    }

    /// The time in UTC, so that names sort by age: after the second its thousandths, in hexadecimal, and something
    /// random for runs that begin together.
    static func newIdentifier(_ date: Date = Date()) -> String {
        let time = timestamp(date)
        let second = time.prefix(19).replacing(":", with: "").replacing("-", with: "")
        let thousandths = Int(time.dropFirst(20).prefix(3)) ?? 0
        return second + "-" + String(format: "%03x%01x", thousandths, Int.random(in: 0...15))
    }

    /// Makes a folder that no other run has, with a name that sorts after all others, whatever the clock says.
    static func newFolder(_ store: Store, now: Date = Date()) throws -> (id: String, path: String) {
        try store.disk.createFolder(store.path("runs"))
        while true {
            var id = newIdentifier(now)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: store.path("runs"))) ?? []
            if let newest = names.max(), newest >= id { id = successor(of: newest) }
            let path = store.path("runs/\(id)")
            if try store.disk.claimFolder(path) { return (id, path) }
        }
    }

    /// The next name in order: the clock was set back, and runs are shown in the order in which they began.
    static func successor(of id: String) -> String {
        let parts = id.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let count = Int(parts[1], radix: 16), count < 0xFFFF else { return id + "0" }
        return "\(parts[0])-" + String(format: "%04x", count + 1)
    }

    func append(_ entry: JournalEntry) throws {
        try store.disk.probe(.write, "\(path)/\(Self.journal)")
        try journal.append(line: try CanonicalJSON.data(entry))
    }

    /// Notes which key a node has in this run.
    func append(_ key: NodeKey) throws { try keys.append(line: try CanonicalJSON.data(key)) }

    /// Lets `links/<node>` point to an artifact of the store.
    func link(_ node: Graph.Node, to key: String) throws {
        let link = "\(path)/links/\(node.fileName)"
        let target = "../../../store/\(key)"
        if symlink(target, link) == 0 { return }
        guard errno == EEXIST else { throw StoreError(errno, .create, link) }
        let present = try? FileManager.default.destinationOfSymbolicLink(atPath: link)
        guard present == target else {
            throw StoreError("another artifact has this name already", path: link)
        }
    }

    func finish(_ result: RunResult) throws {
        try store.disk.replace("\(path)/\(Self.result)", with: try CanonicalJSON.document(result))
    }
}
