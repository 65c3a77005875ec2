import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// Deletes what no run refers to, and what the user lets go; nothing else in Retort deletes artifacts.
struct CollectCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Show, or delete, the artifacts and unfinished work that nothing refers to.",
        discussion: """
            Nothing is deleted without --delete. The options let go of more than what nothing refers to, and what \
            that costs is said of each folder: which runs can no longer be resumed, which stages must be made \
            again. What is pinned stays, and so does what a kept artifact was made from, unless --max-size asks \
            for its place. 'retort du' says what takes up the space.
            """)

    /// The result for programs.
    private struct Answer: Encodable {
        var deleted: Bool
        var bytes: Int
        var freed: Int
        var folders: [GarbagePlan.Item]
        var pins: [Pin]
    }

    @Flag(help: "Delete what would be shown.") var delete = false
    @Option(
        help: ArgumentHelp("Forget all but the newest runs, and what only they refer to.", valueName: "n"))
    var keepRuns: Int?
    @Option(
        help: ArgumentHelp(
            "Let go of runs, artifacts and work that were not used for so long: 30d, 12h.", valueName: "time"),
        transform: duration)
    var olderThan: Double?
    @Option(
        help: ArgumentHelp(
            "Let go of what was used longest ago until the store is as small: 50GB.", valueName: "size"),
        transform: size)
    var maxSize: Int?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let keepRuns, keepRuns < 0 { throw ValidationError("--keep-runs must be at least 0") }
    }

    func execute(_ console: Console) throws {
        let plan = try GarbagePlan(
            store.existing(always: true), GarbageRules(keptRuns: keepRuns, age: olderThan, size: maxSize))
        let items = delete ? try plan.delete() : plan.items
        let freed = items.reduce(0) { $0 + $1.bytes }
        if global.json {
            return try console.print(
                json: Answer(
                    deleted: delete, bytes: plan.bytes, freed: freed, folders: items, pins: plan.pins))
        }
        for item in items {
            console.print(
                "\(delete ? "deleted" : "would delete") \(item.path)  \(Wording.bytes(item.bytes))  \(item.name): "
                    + item.reason)
            for consequence in item.consequences { console.print("    \(console.style.yellow(consequence))") }
        }
        for pin in plan.pins { console.print("pinned \(pin.name)") }
        console.print(
            "\(Wording.count(items.count, "folder")), \(Wording.bytes(freed)) of \(Wording.bytes(plan.bytes))"
        )
        if let maxSize, plan.bytes - plan.freed > maxSize {
            console.note(
                "the rest is pinned, or no artifact: it does not get below \(Wording.bytes(maxSize))")
        }
        if !delete && !items.isEmpty {
            console.note("nothing was deleted; to do so, add --delete")
        }
    }
}
