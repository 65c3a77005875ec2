import ArgumentParser
import Engine
import Foundation

/// Says what takes up the space of a store.
struct UsageCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "du", abstract: "Show what takes up space, by stage kind, pipeline and run.",
        discussion: """
            An artifact that several runs or pipelines share counts in each of them, and once in every sum; \
            "alone" is what no other one of the same list refers to.
            """)

    @Option(name: .shortAndLong, help: "Only so many runs.") var number = 10
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = try store.existing()
        let usage = try StoreUsage(store)
        if global.json { return try console.print(json: usage) }
        console.print("\(console.style.bold(Wording.bytes(usage.bytes)))  \(store.root.path)")
        var parts = TextTable()
        for (name, bytes) in [
            ("artifacts", usage.artifacts), ("unfinished work", usage.work), ("quarantine", usage.quarantine),
            ("journals and reports of runs", usage.journals),
        ] where bytes > 0 { parts.add("\(name)", "\(Wording.bytes(bytes))") }
        for line in parts.lines(indentation: 2) { console.print(line) }
        show(usage.kinds, "stage kinds", hasOwn: false, console)
        show(usage.pipelines, "pipelines", hasOwn: true, console)
        show(Array(usage.runs.prefix(max(0, number))), "runs", hasOwn: true, console)
        if !usage.pins.isEmpty { console.print(console.style.bold("pinned")) }
        for pin in usage.pins { console.print("  \(pin.name), since \(pin.since.prefix(10))") }
        for name in try Pins(store).unreadable() { PinCommand.tell(name, console) }
    }

    private func show(_ shares: [StoreUsage.Share], _ title: String, hasOwn: Bool, _ console: Console) {
        if shares.isEmpty { return }
        console.print(console.style.bold(title))
        var table = TextTable()
        for share in shares {
            table.add(
                "\(share.name)", "\(Wording.bytes(share.bytes))",
                "\(Wording.count(share.artifacts, "artifact"))",
                TextTable.Cell(hasOwn ? "\(Wording.bytes(share.alone)) alone" : "", console.style.dim))
        }
        for line in table.lines(indentation: 2) { console.print(line) }
    }
}
