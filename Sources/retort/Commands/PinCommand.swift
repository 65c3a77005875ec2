import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// Keeps a run or an artifact from `gc`.
struct PinCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin",
        abstract: "Keep a run, a stage's artifact, or an artifact by its key, whatever gc is asked.",
        discussion: "What a pinned artifact was made from is kept, too. Without a name, the pins are listed.")

    @OptionGroup var subject: PinSubject
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = try store.existing()
        // What is looked up must be there still when it is pinned.
        let use = try store.use()
        defer { withExtendedLifetime(use) {} }
        let pins = Pins(store)
        if let pin = try subject.pin(in: store) {
            try pins.add(pin)
            if global.json { return try console.print(json: pin) }
            return console.print("pinned \(pin.name)")
        }
        let all = try pins.all()
        if global.json { return try console.print(json: all) }
        for pin in all { console.print("\(pin.name), since \(pin.since.prefix(10))") }
        for name in try pins.unreadable() { Self.tell(name, console) }
        if all.isEmpty { console.note("nothing is pinned in '\(store.root.path)'") }
    }

    /// Says that a pin cannot be read.
    static func tell(_ name: String, _ console: Console) {
        console.show(
            Diagnostic(
                "pins/\(name) cannot be read: nobody knows what it keeps",
                hint: "pin that again, and 'retort doctor --repair' puts this one aside", severity: .warning))
    }
}

/// Lets `gc` have a run or an artifact again.
struct UnpinCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin", abstract: "Take a pin away.")

    @OptionGroup var subject: PinSubject
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = try store.existing()
        let pins = try Pins(store).all()
        guard let name = subject.name else {
            throw Diagnostic(
                "name what is pinned",
                hint: pins.isEmpty ? "nothing is" : pins.map(\.name).joined(separator: "; "),
                exitCode: .usage)
        }
        // What is pinned may be gone from the store; its pin still goes by its name.
        let written = pins.first { $0.run == name || $0.key == name || $0.name == name }
        // A stage that was made again since has another artifact.
        let ofStage = pins.filter {
            $0.name.hasPrefix(name + " of ") && (subject.run.map($0.name.hasSuffix) ?? true)
        }
        let found = written ?? (ofStage.count == 1 ? ofStage[0] : try? subject.pin(in: store))
        guard let pin = found, try Pins(store).remove(pin) else {
            throw Diagnostic(
                "'\(name)' is not pinned",
                hint: pins.isEmpty ? nil : "pinned: \(pins.map(\.name).joined(separator: "; "))",
                exitCode: .usage)
        }
        if global.json { return try console.print(json: pin) }
        console.print("unpinned \(pin.name)")
    }
}

/// What is pinned: a run, a stage of a run, or an artifact.
struct PinSubject: ParsableArguments {
    @Argument(help: "A run, a stage (student[seed=0]), or an artifact's key; eight digits of a key will do.")
    var name: String?
    @Option(help: "The run that a stage is from; by default the newest that has its artifact.") var run:
        String?

    /// The pin for what is named; nil when nothing is.
    func pin(in store: Store) throws -> Pin? {
        guard let name else { return nil }
        let lookup = Result { try ArtifactLookup(store).artifact(of: name, run: run) }
        if case .success(let (id, folder)) = lookup {
            return Pin(key: folder.lastPathComponent, name: "\(name) of \(id)")
        }
        if run == nil, let id = try? RunHistory(store).identifier(matching: name) { return Pin(run: id) }
        if name.count >= 8, name.allSatisfy(\.isHexDigit) {
            let keys = store.keys().filter { $0.hasPrefix(name) }
            if let key = keys.first, keys.count == 1 {
                let node = (try? ArtifactRecord.read(at: store.folder(of: key)))?.node ?? "artifact"
                return Pin(key: key, name: "\(node), \(key.prefix(12))")
            }
        }
        _ = try lookup.get()
        return nil
    }
}
