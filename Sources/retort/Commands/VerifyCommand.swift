import ArgumentParser
import Diagnostics
import Engine

/// Compares every byte of the store with what was published.
struct VerifyCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every byte of the store.",
        discussion:
            "A damaged artifact is named, and set aside with --repair, so that the next run makes it again.")

    /// What was found, for programs.
    private struct Finding: Codable {
        var key: String
        var damage: String
    }

    @Flag(help: "Move damaged artifacts to the store's quarantine/.") var repair = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let store = store.open()
        let keys = store.keys()
        var findings: [Finding] = []
        for key in keys {
            guard case .damaged(let damage) = try store.verify(key) else { continue }
            findings.append(Finding(key: key, damage: damage))
            if !global.json { console.print("\(console.style.red("damaged")) \(key): \(damage)") }
            if repair { console.note("moved to \(try store.quarantine(key))") }
        }
        if global.json {
            try console.print(json: findings)
        } else {
            console.print("\(Wording.count(keys.count, "artifact")) checked, \(findings.count) damaged")
        }
        if !findings.isEmpty { throw EarlyExit(.badData) }
    }
}
