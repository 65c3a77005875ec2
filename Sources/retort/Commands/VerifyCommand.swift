import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Report

/// Compares every byte of the store with what was published.
struct VerifyCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every byte of the store.",
        discussion: """
            A damaged artifact is named, and set aside with --repair, so that the next run makes it again. With \
            --replay, finished stages are also executed again in a scratch folder, and their bytes compared.
            """)

    /// What was found, for programs.
    private struct Answer: Encodable {
        var objects: Int
        var damaged: [Damage]
        var replayed: [Replay.Outcome]?
    }

    @Flag(help: "Move damaged artifacts to the store's quarantine/.") var repair = false
    @Option(
        help: ArgumentHelp(
            "Execute so many finished CPU stages again, chosen at random, and compare what they make.",
            valueName: "n"))
    var replay: Int?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let replay, replay < 1 { throw ValidationError("--replay must be at least 1") }
    }

    func execute(_ console: Console) throws {
        let store = try store.existing(always: true)
        // What gc deletes meanwhile would look damaged.
        let use = try store.use()
        defer { withExtendedLifetime(use) {} }
        let keys = store.keys()
        var damaged: [Damage] = []
        for key in keys {
            let damages = try store.damages(of: key)
            damaged += damages
            if !global.json {
                for damage in damages { console.print("\(console.style.red("damaged")) \(key): \(damage)") }
            }
            if repair && !damages.isEmpty { console.note("moved to \(try store.quarantine(key))") }
        }
        for name in store.strays() { console.note("store/\(name) is no artifact, and was not checked") }
        let count = Set(damaged.map(\.artifact)).count
        if !global.json {
            console.print("\(Wording.count(keys.count, "artifact")) checked, \(count) damaged")
        }
        // What is damaged must not be read.
        let outcomes = try damaged.isEmpty ? replay.map { try replayed($0, store, console) } : nil
        if global.json {
            try console.print(json: Answer(objects: keys.count, damaged: damaged, replayed: outcomes))
        }
        if !damaged.isEmpty || outcomes?.allSatisfy(\.isSame) == false { throw EarlyExit(.badData) }
    }

    private func replayed(_ count: Int, _ store: Store, _ console: Console) throws -> [Replay.Outcome] {
        let options = try ExecutionFlags.parse([]).options().execution
        let replay = Replay(store, options: options)
        let candidates = replay.candidates(stageCatalog)
        if candidates.isEmpty { console.note("no finished stage can be executed again") }
        var outcomes: [Replay.Outcome] = []
        for candidate in candidates.shuffled().prefix(count) {
            let outcome = try replay.run(candidate)
            outcomes.append(outcome)
            if global.json { continue }
            let word = outcome.isSame ? console.style.green("same") : console.style.red("differs")
            console.print(
                "\(word) \(outcome.node) of \(outcome.run), in \(Wording.duration(outcome.seconds))")
            if outcome.isSame { continue }
            console.print("    other bytes: \(outcome.files.joined(separator: ", "))")
            let facts = outcome.numerics.map(\.description)
            console.print(
                facts.isEmpty
                    ? "    processor, libraries, device and threads are as they were"
                    : "    not as it was: \(facts.joined(separator: "; "))")
        }
        if !global.json {
            let same = outcomes.count { $0.isSame }
            console.print("\(Wording.count(outcomes.count, "stage")) replayed, \(same) with the same bytes")
        }
        return outcomes
    }
}
